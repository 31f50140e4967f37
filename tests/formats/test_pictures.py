"""One way to read a picture: upright, whole, of any name; one to write it, checked."""
import os
import resource
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from mmdet.curation.audit import audit_frames
from mmdet.datasets.frame_reader import read_frame
from mmdet.formats import pictures
from mmdet.formats.pictures import picture_size, read_numbers, read_picture, write_picture
from mmdet.formats.sources import open_source
from mmdet.utils.errors import BadValue, CannotWrite, MissingFile
from mmdet.visualization import VideoWriter
from mmdet.visualization.encoders import working_encoder

FORMATS = dict(jpg='JPEG', png='PNG', webp='WEBP', tif='TIFF')
CORNERS = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)  # clockwise from top left, BGR


def upright():
    """A picture 41 pixels wide and 30 high with a colour in every corner."""
    frame = np.zeros((30, 41, 3), np.uint8)
    for (y, x), color in zip(((0, 0), (0, 25), (14, 25), (14, 0)), CORNERS):
        frame[y:y + 16, x:x + 16] = color
    return frame


def held(orientation):
    """``upright`` as a camera stores it that was held so (EXIF 2.32, tag 274)."""
    frame = upright()
    if orientation > 4:
        frame = frame.transpose(1, 0, 2)
    flip_x, flip_y = orientation in (2, 3, 7, 8), orientation in (3, 4, 6, 7)
    return frame[::-1 if flip_y else 1, ::-1 if flip_x else 1]


def save(path, frame, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    kind = FORMATS[path.suffix[1:]]
    options = dict(JPEG=dict(quality=95), WEBP=dict(lossless=True)).get(kind, {})
    Image.fromarray(np.ascontiguousarray(frame[..., ::-1])).save(path, kind, exif=exif, **options)
    return str(path)


def corners(frame):
    """Which colour of ``CORNERS`` is where."""
    found = [frame[y, x].astype(int) for y, x in ((5, 5), (5, -5), (-5, -5), (-5, 5))]
    return [int(np.abs(np.array(CORNERS) - color).sum(1).argmin()) for color in found]


@pytest.mark.parametrize('ending', FORMATS)
@pytest.mark.parametrize('orientation', range(1, 9))
def test_photos_come_upright_to_every_reader(tmp_path, ending, orientation):
    path = save(tmp_path / f'a.{ending}', held(orientation), orientation)
    info = dict(filename=f'a.{ending}', width=41, height=30)
    frames = [read_picture(path), read_frame(str(tmp_path), info, 'ann.json'),
              next(open_source(str(tmp_path)).frames)]
    for frame in frames:
        assert frame.shape == (30, 41, 3) and corners(frame) == [0, 1, 2, 3]
    assert picture_size(path) == (41, 30)
    video = dict(id=1, width=41, height=30, file_names=[f'a.{ending}'])
    assert audit_frames([video], str(tmp_path), True, 'ann.json') == []


@pytest.mark.parametrize('orientation', range(1, 9))
def test_masks_are_read_as_their_frames_are(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    numbers = held(orientation)[..., 0] // 255
    Image.fromarray(np.ascontiguousarray(numbers)).save(tmp_path / 'a.png', exif=exif)
    assert np.array_equal(read_numbers(tmp_path / 'a.png'), upright()[..., 0] // 255)


def test_other_formats_and_depths_become_8_bit_bgr(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.hdr'), np.ones((30, 40, 3), np.float32))  # Pillow knows no hdr
    cv2.imwrite(str(tmp_path / 'b.png'), np.full((30, 40), 2**15, np.uint16))
    cv2.imwrite(str(tmp_path / 'c.png'), np.full((30, 40, 4), 9, np.uint8))
    for name in ('a.hdr', 'b.png', 'c.png'):
        frame = read_picture(tmp_path / name)
        assert frame.shape == (30, 40, 3) and frame.dtype == np.uint8
        assert picture_size(tmp_path / name) == (40, 30)


def noise(path, **options):
    frame = np.random.RandomState(0).randint(0, 255, (90, 120, 3)).astype(np.uint8)
    Image.fromarray(frame).save(path, **options)
    return path.read_bytes()


@pytest.mark.parametrize('options', [{}, dict(progressive=True), dict(restart_marker_blocks=1)])
@pytest.mark.parametrize('lost', [1, 2, 100, 4000])
def test_half_a_jpeg_is_refused_by_demo_and_data_sets(tmp_path, lost, options):
    path = tmp_path / 'a.jpg'
    path.write_bytes(noise(path, **options)[:-lost])
    with pytest.raises(BadValue, match='a.jpg: the picture is cut short'):
        next(open_source(str(tmp_path)).frames)
    with pytest.raises(BadValue, match='cut short'):
        read_frame(str(tmp_path), dict(filename='a.jpg', width=120, height=90), 'ann.json')
    video = dict(id=1, width=120, height=90, file_names=['a.jpg'])
    found, = audit_frames([video], str(tmp_path), True, 'ann.json')
    assert 'are corrupt' in found.text and picture_size(path) == (120, 90)


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture(tmp_path):
    path = tmp_path / 'a.jpg'
    whole = noise(path)
    thumbnail = b'Exif\0\0' + whole[:200] + b'\xff\xd9'
    segment = b'\xff\xe1' + (len(thumbnail) + 2).to_bytes(2, 'big') + thumbnail
    path.write_bytes(whole[:2] + segment + whole[2:])
    assert read_picture(path).shape == (90, 120, 3)
    path.write_bytes(whole[:2] + segment + whole[2:-500])
    with pytest.raises(BadValue, match='cut short'):
        read_picture(path)
    path.write_bytes(whole + b'a video after it \xff\xda\xff\xd9 \xff\xda')
    assert read_picture(path).shape == (90, 120, 3)


@pytest.mark.parametrize('ending', ['png', 'webp', 'tif', 'bmp'])
def test_half_of_any_other_picture(tmp_path, ending):
    path = tmp_path / f'a.{ending}'
    path.write_bytes(noise(path)[:-3000])
    with pytest.raises(BadValue, match='cut short, damaged or something else'):
        read_picture(path)


def test_bit_rot_in_a_jpeg_is_told_with_its_name(tmp_path, spoken):
    pytest.importorskip('simplejpeg')
    path = tmp_path / 'a.jpg'
    data = bytearray(noise(path))
    assert read_picture(path).shape == (90, 120, 3) and spoken == []
    data[len(data) // 2:len(data) // 2 + 40] = b'\xff\xd0' * 20  # restarts where there are none
    path.write_bytes(bytes(data))
    assert read_picture(path).shape == (90, 120, 3)
    assert len(spoken) == 1 and f'{path}: the picture is damaged (' in spoken[0]


def test_names_that_are_not_text(tmp_path):
    name = os.path.join(os.fsencode(tmp_path), b'fr\xe9_1.jpg')
    with open(name, 'wb') as file:
        file.write(cv2.imencode('.jpg', upright())[1].tobytes())
    path = os.fsdecode(name)
    assert read_picture(path).shape == (30, 41, 3) and picture_size(path) == (41, 30)
    assert next(open_source(str(tmp_path)).frames).shape == (30, 41, 3)
    for missing in (f'{tmp_path}/a\ud800.jpg', f'{tmp_path}/a\0.jpg', str(tmp_path)):
        with pytest.raises(MissingFile, match='no such picture'):
            read_picture(missing)
    for opened in (open_source, VideoWriter):
        os.rename(name, name := name[:-4] + b'.mp4')
        with pytest.raises(BadValue, match=r'fr\\udce9_1.mp4: the name is not UTF-8'):
            opened(os.fsdecode(name))


def test_what_is_no_picture(tmp_path):
    (tmp_path / 'a.png').write_text('text')
    (tmp_path / 'b.png').write_bytes(b'')
    for read in (read_picture, picture_size):
        for name in 'ab':
            with pytest.raises(BadValue, match=f'{name}.png: expected a picture'):
                read(tmp_path / f'{name}.png')
    with pytest.raises(BadValue, match='not a readable picture'):
        read_numbers(tmp_path / 'a.png')
    cv2.imwrite(str(tmp_path / 'c.png'), upright())
    with pytest.raises(BadValue, match='this one is in colour'):
        read_numbers(tmp_path / 'c.png')


def test_a_picture_that_would_fill_the_memory(tmp_path, monkeypatch):
    path = tmp_path / 'bomb.png'
    data = bytearray(noise(path))
    data[16:24] = (40000).to_bytes(4, 'big') * 2  # width and height, and what checks them
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, 'big')
    path.write_bytes(data)
    for read in (read_picture, picture_size):
        with pytest.raises(BadValue, match='could not decode it'):
            read(path)
    monkeypatch.setattr(pictures, 'MAX_BYTES', 1000)
    with pytest.raises(BadValue, match='expected a picture of at most 1000'):
        read_picture(path)


def test_every_picture_on_a_full_disk_is_told(tmp_path):
    assert working_encoder(None) is not None
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(CannotWrite, match=r'a/b.png: cannot be written \(File too large\)'):
            write_picture(upright(), tmp_path / 'a' / 'b.png')
        with pytest.raises(CannotWrite, match=r'a.mp4: cannot be written \(File too large\)'):
            with VideoWriter(tmp_path / 'a.mp4') as writer:
                for _ in range(3):
                    writer.write(upright())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(tmp_path) == ['a'] and os.listdir(tmp_path / 'a') == []


def test_an_ending_that_is_no_format(tmp_path):
    for name in ('a', 'a.xyz'):
        with pytest.raises(BadValue, match='expected a name that ends with .png or .jpg'):
            write_picture(upright(), tmp_path / name)
    assert os.listdir(tmp_path) == []
