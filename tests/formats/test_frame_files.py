"""Frames as files: order, presence, size."""
import os

import cv2
import numpy as np
import pytest
from PIL import Image

from mmdet.formats.frame_files import image_size, list_images, missing_files, natural_key
from mmdet.utils.errors import BadValue


def test_numbers_sort_as_numbers():
    assert sorted(['a10', 'a2'], key=natural_key) == ['a2', 'a10']
    assert sorted(['10', 'b', '9', '', 'b²'], key=natural_key) == ['', '9', '10', 'b', 'b²']


def test_only_images_are_listed(tmp_path):
    for name in ('10.JPG', '9.png', '9.json', 'x.txt'):
        (tmp_path / name).write_bytes(b'')
    assert list_images(tmp_path) == ['9.png', '10.JPG']


def test_missing_files_in_their_order(tmp_path):
    (tmp_path / 'folder.png').mkdir()
    (tmp_path / 'there.png').write_bytes(b'')
    os.symlink('nothing', tmp_path / 'dangling.png')
    paths = [f'{tmp_path}/{name}.png' for name in ('there', 'gone', 'folder', 'dangling')]
    assert missing_files([*paths, f'{tmp_path}/no/0.png']) == [*paths[1:], f'{tmp_path}/no/0.png']
    assert missing_files([]) == []


def test_missing_files_below_this_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'there.png').write_bytes(b'')
    assert missing_files(['there.png', 'gone.png']) == ['gone.png']


@pytest.mark.parametrize('whole', [False, True])
def test_size_is_what_opencv_reads(tmp_path, whole):
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side
    Image.new('RGB', (40, 30)).save(tmp_path / 'a.jpg', exif=exif)
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((30, 40, 3), np.uint8))
    cv2.imwrite(str(tmp_path / 'a.hdr'), np.zeros((30, 40, 3), np.float32))  # Pillow knows no hdr
    for name in ('a.jpg', 'a.png', 'a.hdr'):
        height, width = cv2.imread(str(tmp_path / name)).shape[:2]
        assert image_size(str(tmp_path / name), whole) == (width, height)
    assert image_size(str(tmp_path / 'a.jpg')) == (30, 40)


@pytest.mark.parametrize('suffix', ['png', 'jpg'])
def test_pictures_cut_short(tmp_path, suffix):
    path = tmp_path / f'a.{suffix}'
    cv2.imwrite(str(path), np.random.RandomState(0).randint(0, 255, (90, 120, 3)))
    whole = path.read_bytes()
    path.write_bytes(whole[:len(whole) // 2])
    assert image_size(str(path)) == (120, 90)
    with pytest.raises(BadValue, match='not a readable image'):
        image_size(str(path), whole=True)


def test_no_picture(tmp_path):
    (tmp_path / 'a.png').write_text('text')
    with pytest.raises(BadValue, match='a.png: not a readable image'):
        image_size(str(tmp_path / 'a.png'))
