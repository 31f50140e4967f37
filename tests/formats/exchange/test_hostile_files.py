"""Names that lead elsewhere, bombs and damage: one sentence, and nothing outside of OUT."""
import json
import os
import pathlib
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from mmdet.formats.exchange import (Given, Mark, Track, Video, Wishes, build_format, convert, guess,
                                    readable, writable)
from mmdet.utils.errors import UserError

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from made_up import InMemory, disc, rle_of  # noqa: E402

NAMES = ['../../evil', '/tmp/evil', '..', '', 'a/../../b', 'c:\\evil', 'nul\0byte', 'x' * 300,
         '-rf', 'line\nbreak', '\ud800']
SIZE = (8, 10)
FLAT = Wishes(overlap='top', fill_boxes=True, crowds='objects')


def evil_videos():
    for place, name in enumerate(NAMES):
        files = [f'{name}/{NAMES[place - 1]}{frame}.jpg' for frame in range(2)]
        marks = {0: Mark(rle_of(disc(SIZE, 4, 4, 2)))}
        yield Video(name, files, SIZE[1], SIZE[0], [Track(name, 'car', marks)])


def files_under(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*'))


@pytest.mark.parametrize('name', writable())
def test_nothing_is_written_elsewhere(name, tmp_path):
    inside = tmp_path / 'deep' / 'er' / 'still'
    inside.mkdir(parents=True)
    try:
        convert(Given(tmp_path), InMemory(list(evil_videos())), build_format(name),
                str(inside / 'out'), FLAT)
    except UserError as error:
        assert len(str(error).splitlines()) == 1
        assert not list(inside.iterdir())
    for folder in (tmp_path, tmp_path / 'deep', tmp_path / 'deep' / 'er'):
        assert len(list(folder.iterdir())) == 1
    assert {path.name for path in inside.iterdir()} <= {'out'}
    assert not os.path.exists('/tmp/evil')


@pytest.mark.parametrize('name', writable())
def test_what_is_there_already_stays(name, tmp_path):
    out = tmp_path / 'out'
    out.mkdir()
    (out / 'precious').write_text('mine')
    with pytest.raises(UserError):
        convert(Given(tmp_path), InMemory(list(evil_videos())), build_format(name), str(out), FLAT)
    assert (out / 'precious').read_text() == 'mine' and files_under(tmp_path) == [
        'out', 'out/precious']


def png_bomb(path):
    """A picture of 40000 x 40000 pixels in a few hundred bytes."""
    def chunk(kind, data):
        return (len(data).to_bytes(4, 'big') + kind + data
                + zlib.crc32(kind + data).to_bytes(4, 'big'))
    head = (40000).to_bytes(4, 'big') * 2 + bytes([16, 0, 0, 0, 0])
    path.parent.mkdir(parents=True)
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head)
                     + chunk(b'IDAT', zlib.compress(bytes(1000))) + chunk(b'IEND', b''))


def coco(**changes):
    base = dict(images=[dict(id=1, file_name='a/1.jpg', width=10, height=8)],
                categories=[dict(id=1, name='car')],
                annotations=[dict(id=1, image_id=1, category_id=1, track_id=1, bbox=[0, 0, 4, 4])])
    return base | changes


def vis(**ann):
    return dict(videos=[dict(id=1, width=10, height=8, length=1, file_names=['../../x.jpg'])],
                categories=[dict(id=1, name='car')],
                annotations=[dict(id=1, video_id=1, category_id=1, **ann)])


def demo(**video):
    base = dict(name='../../x', width=10, height=8, frames=1)
    return dict(format='mmdet video tracks', version=1, video=base | video, classes=['car'],
                tracks=[])


ANN = dict(id=1, image_id=1, category_id=1, track_id=1)
HOSTILE_JSON = {
    'deep': '[' * 10**5,
    'ytvis runs': vis(segmentations=[dict(size=[8, 10], counts=[10**9])]),
    'ytvis size': vis(segmentations=[dict(size=[10**6, 10**6], counts='0')]),
    'ytvis box': vis(bboxes=[[0, 0, -1, 5]]),
    'ytvis score': vis(segmentations=[None], score='high'),
    'coco box': coco(annotations=[ANN | dict(bbox=[0, 0, 1e300, 1])]),
    'coco track': coco(annotations=[ANN | dict(track_id=[1])]),
    'coco sizes': coco(images=[dict(id=1, file_name='a', width=10**9, height=10**9)]),
    'coco polygon': coco(annotations=[ANN | dict(segmentation=[[0, 0, 1e12, 0, 0, 1e12]])]),
    'coco attributes': coco(annotations=[dict(id=1, image_id=1, category_id=1,
                                              attributes=dict(track_id={}))]),
    'coco class twice': coco(categories=[dict(id=1, name='a'), dict(id=2, name='a')]),
    'demo empty': dict(format='mmdet video tracks'),
    'demo frames': demo(frames=10**9),
    'demo size': demo(width=10**9),
    'demo classes': demo() | dict(classes=[{}]),
    'demo tracks': demo() | dict(tracks=[dict(id=[], category_id={})]),
    'demo category': demo() | dict(tracks=[dict(id=0, category_id=7, segmentations=[None])]),
    'results': [dict(video_id=1, score=1, category_id=1, segmentations=[None])],
    'coco image twice': coco(images=coco()['images'] * 2),
}


@pytest.mark.parametrize('case', HOSTILE_JSON)
def test_json_that_is_refused(case, tmp_path):
    content = HOSTILE_JSON[case]
    path = tmp_path / 'x.json'
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UserError) as told:
        given = Given(path)
        convert(given, build_format(guess(given)), build_format('ytvis'), str(tmp_path / 'o'))
    assert len(str(told.value).splitlines()) == 1 and not (tmp_path / 'o').exists()


@pytest.mark.parametrize('line, said', [
    ('1 2001 2 8 10', 'expected "frame id class height width RLE"'),
    ('1 2001 2 8 10 0', 'its runs sum to 0 pixels'),
    ('1 2001 2 999999 999999 0', '1 to 268435456'),
    ('9999999 2001 2 8 10 0', 'at most 1000000 frames'),
    ('1 2001 7 8 10 `2', 'class 7, expected 1 car, 2 pedestrian or 10 ignore'),
    ('1 2001 2 8 10 `2\n1 2001 2 8 10 `2', 'object 2001 is in frame 1 twice'),
    ('1 2001 2 8 10 `2\n1 2002 2 9 10 `2', 'a mask of 10 x 9 pixels, the frames have 10 x 8'),
    ('1 2001 2 8 10 \u00e9', "got '1 2001"), ('', 'no object, so nothing says how large')])
def test_mots_lines_that_are_refused(line, said, tmp_path):
    path = tmp_path / '0002.txt'
    path.write_text(line + '\n' if line else '')
    with pytest.raises(UserError, match='0002') as told:
        convert(Given(path), build_format('mots_txt'), build_format('ytvis'), str(tmp_path / 'o'))
    assert said in str(told.value) and not (tmp_path / 'o').exists()


@pytest.mark.parametrize('name', ['davis', 'mask_folders', 'mots_png', 'kitti_mots'])
def test_pictures_that_are_refused(name, tmp_path):
    root = dict(mask_folders='in/v/1', kitti_mots='in/instances/v').get(name, 'in/v')
    png_bomb(tmp_path / root / '000001.png')
    with pytest.raises(UserError, match='000001'):
        convert(Given(tmp_path / 'in'), build_format(name), build_format('ytvis'),
                str(tmp_path / 'o'))
    assert files_under(tmp_path)[0] == 'in' and not (tmp_path / 'o').exists()


@pytest.mark.parametrize('meta', ['[]', '{"videos": 3}', '{"v": {"1": {"category": 4}}}',
                                  '{"videos": {"v": {"objects": []}}}', '{"v": []}', 'null'])
def test_meta_that_names_no_class(meta, tmp_path):
    (tmp_path / 'v').mkdir()
    Image.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / 'v' / '0.png')
    (tmp_path / 'meta.json').write_text(meta)
    with pytest.raises(UserError, match='names no class for object 1 of video v'):
        convert(Given(tmp_path), build_format('davis'), build_format('ytvis'), str(tmp_path / 'o'))


@pytest.mark.parametrize('name', readable())
def test_of_something_else(name, tmp_path):
    (tmp_path / 'x.json').write_text('[]')
    (tmp_path / 'empty').mkdir()
    for path in (tmp_path / 'x.json', tmp_path / 'empty'):
        with pytest.raises(UserError):
            convert(Given(path), build_format(name), build_format('ytvis'), str(tmp_path / 'o'))
        with pytest.raises(UserError, match='looks like none of'):
            guess(Given(path))
