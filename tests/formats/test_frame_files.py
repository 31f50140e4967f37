"""Frames as files: order, presence."""
import os

from mmdet.formats.frame_files import list_images, missing_files, natural_key


def test_numbers_sort_as_numbers():
    assert sorted(['a10', 'a2'], key=natural_key) == ['a2', 'a10']
    assert sorted(['9' * 5000, '0' * 9 + '8'], key=natural_key)[0][-1] == '8'
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
