"""labelme, Label Studio and CVAT: files they wrote, and what they mean by what is in them."""
import json
import pathlib
import sys
import zipfile
from collections import Counter
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given as cases
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pycocotools import mask as mask_utils

from mmdet.formats.exchange import Given, Wishes, build_format, convert, guess
from mmdet.formats.exchange.labelling import brush, cvat, label_studio, labelme
from mmdet.formats.exchange.labelling.shapes import (corners, cropped, draw_runs, ellipse, outlines,
                                                     runs, same_when_drawn)

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from made_up import CATEGORIES, InMemory, survived, there_and_back, videos  # noqa: E402

REAL = pathlib.Path(__file__).parents[2] / 'data' / 'formats'


def read(path, **options):
    """The videos of a file of a format that is guessed, and what the reader said."""
    given, memory = Given(path), InMemory()
    return memory, convert(given, build_format(guess(given), **options), memory, '', Wishes())


def areas(track):
    return {frame: None if mark.rle is None else int(mask_utils.area(mark.rle))
            for frame, mark in track.marks.items()}


def boxes(track):
    return {frame: tuple(round(value, 4) for value in mark.box)
            for frame, mark in track.marks.items()}


def masks(number):
    """The mask with a hole that is in the files, moved by a pixel per frame."""
    mask = np.zeros((30, 40), bool)
    mask[6:14, 5 + number:15 + number] = True
    mask[9, 9] = False
    return mask


def is_the_mask(track):
    return all(np.array_equal(mask_utils.decode(mark.rle), masks(frame))
               for frame, mark in track.marks.items())


# labelme

def test_labelme():
    memory, outcome = read(REAL / 'labelme')
    video, = memory.videos
    assert (video.name, video.file_names[1], video.size) == ('walk', 'walk/00001.png', (30, 40))
    assert [(t.id, t.category) for t in video.tracks] == [
        (1, 'person'), (2, 'car'), (3, 'ball'), (4, 'sign'), (5, 'kite')]
    person, car, ball, sign, kite = video.tracks
    assert areas(person) == {0: 31, 1: 31, 2: 31} and person.marks[1].bbox() == (7, 8, 8, 4)
    assert areas(car) == {0: 106, 1: 106}  # a square and, in the same group, a triangle
    assert areas(ball) == {0: 32, 1: 32} and ball.marks[0].bbox() == (17, 19, 6, 6)
    assert [mark.occlusion for mark in ball.marks.values()] == [0, 1]
    assert boxes(sign)[0] == (30, 20, 6, 6) and boxes(kite)[0] == (0, 20, 8, 8)
    assert outcome.lost == {
        'boxes that are turned, of which the upright box around them is kept': 2,
        **{f'shapes of type "{kind}", which have no area': 2
           for kind in ('point', 'line', 'linestrip')},
        labelme.PICTURES: 1}
    assert 'no frame lies beside the json files' in outcome.notes[0]
    memory, _ = read(REAL / 'labelme', rectangles='masks')
    assert areas(memory.videos[0].tracks[3])[0] == 36 and areas(memory.videos[0].tracks[4])[0] == 32


def test_labelme_files_are_beside_the_frames(tmp_path):
    frames = tmp_path / 'frames'
    for video in (made := list(videos())[1:]):
        for name in video.file_names:
            (frames / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new('RGB', (video.width, video.height)).save(frames / name)
    out = tmp_path / 'labels'
    convert(Given(tmp_path), InMemory(made), build_format('labelme', frames=str(frames)), str(out))
    assert (out / 'street' / '00008.jpg').samefile(frames / 'street' / '00008.jpg')
    content = json.loads((out / 'street' / '00008.json').read_text())
    assert content['imagePath'] == '00008.jpg' and content['imageData'] is None
    links = tmp_path / 'links'
    links.mkdir()
    (links / 'street').symlink_to(frames / 'street')
    convert(Given(tmp_path), InMemory(made), build_format('labelme', frames=str(links)),
            str(tmp_path / 'linked'))
    assert (tmp_path / 'linked' / 'street' / '00008.jpg').samefile(frames / 'street' / '00008.jpg')
    (out / 'street' / '00009.json').unlink()
    (out / 'street' / 'other.json').write_text('{}')
    memory, outcome = read(out)
    assert memory.videos[0].file_names == made[0].file_names
    assert '1 of 5 frames have no .json' in outcome.notes[0]
    assert outcome.lost['json files that belong to no frame'] == 1


def test_labelme_flags(tmp_path):
    shape = dict(label='car', points=[[1, 1], [4, 4]], shape_type='rectangle')
    said = [5, None, [1], dict(occluded=False), dict(occluded=True, iscrowd=1, far=True, near=0)]
    content = dict(imageWidth=40, imageHeight=30, flags=dict(done=True, odd=False), shapes=[
        dict(shape, flags=flags, group_id=number) for number, flags in enumerate(said)])
    (tmp_path / '1.json').write_text(json.dumps(content))
    memory, outcome = read(tmp_path)
    tracks = memory.videos[0].tracks
    assert [track.marks[0].occlusion for track in tracks] == [None, None, None, 0, 1]
    assert [track.iscrowd for track in tracks] == [False] * 4 + [True]
    assert outcome.lost == {'flags of frames': 1, '"far" of the flags of shapes': 1}


# CVAT

def test_cvat_of_datumaro():
    memory, outcome = read(REAL / 'datumaro' / 'cvat_video.xml')
    video, = memory.videos
    assert video.file_names[3] == 'default/frame_000003.PNG' and video.size == (30, 40)
    car, polygon, turned, mask = video.tracks  # what lies above comes last
    assert [track.id for track in video.tracks] == [3, 5, 7, 9]
    assert boxes(car) == {t: (20 + t, 5, 10.25, 8.5) for t in range(4)}
    assert [mark.occlusion for mark in car.marks.values()] == [0, 1, 0, 0]
    assert areas(polygon) == {0: 36, 1: 36, 2: 36}
    assert boxes(turned)[0] == (25.5359, 18.2679, 8.9282, 7.4641)
    assert list(mask.marks) == [0, 1] and is_the_mask(mask)
    assert outcome.lost['shapes of type "points", which have no area'] == 4
    memory, _ = read(REAL / 'datumaro' / 'cvat_video.xml', rectangles='masks')
    assert areas(memory.videos[0].tracks[2])[0] == pytest.approx(32, abs=2)


def test_cvat_projects(tmp_path):
    memory, outcome = read(REAL / 'cvat' / 'annotations.xml')
    walk, drive = memory.videos
    assert [category.name for category in memory.categories] == ['car', 'person']
    assert (walk.id, walk.name, len(walk)) == (11, 'walk.mp4', 6)
    assert drive.file_names == [f'drive/frame_{n:06d}.PNG' for n in (10, 12, 14, 16)]
    car, person, alone = walk.tracks
    assert boxes(car) == {t: (2 + t, 5, 10, 10) for t in range(5)}
    assert (person.id, list(person.marks)) == (2, [0, 1, 2]) and is_the_mask(person)
    assert (alone.id, list(alone.marks)) == (7, [4]) and is_the_mask(alone)
    keyed, ball = drive.tracks
    assert boxes(keyed) == {0: (2, 5, 10, 10), 1: (6, 5, 10, 10), 2: (10, 5, 10, 10),
                            3: (10, 5, 10, 10)}
    assert ball.marks[1].bbox() == (16, 14, 8, 12) and list(ball.marks) == [1, 2, 3]
    assert outcome.lost['"mood" of the attributes of shapes'] == 4
    with zipfile.ZipFile(tmp_path / 'task.zip', 'w') as archive:
        archive.write(REAL / 'cvat' / 'annotations.xml', '../../annotations.xml')
    assert len(read(tmp_path / 'task.zip')[0].videos) == 2


def test_what_cvat_imports_of_what_is_written(tmp_path):
    made = list(videos())
    convert(Given(tmp_path), InMemory(made, CATEGORIES), build_format('cvat'), str(tmp_path / 'c'))
    root = ElementTree.parse(tmp_path / 'c' / 'street.xml').getroot()
    assert root.findtext('meta/task/size') == '5' and root.findtext('version') == '1.1'
    found = 0
    for track in root.iter('track'):
        shapes = list(track)
        # it keeps the first of the masks of a track, and keyframes
        seen = [shape for shape in shapes if shape.get('outside') == '0']
        assert seen == shapes[:1] or shapes[0].tag == 'box'
        assert all(shape.get('keyframe') == '1' and {'frame', 'occluded', 'z_order'} <= set(
            shape.keys()) for shape in shapes)
        found += len(seen)
    assert found == sum(len(track.marks) for track in made[1].tracks)
    folder, _ = read(tmp_path / 'c')
    assert survived(made, folder.videos)['masks'] == '31/31'


@pytest.mark.parametrize('name, out', [('cvat', 'c.xml'), ('labelme', 'l'),
                                       ('label_studio', 'l.json')])
def test_masks_as_polygons(name, out, tmp_path):
    before, after, outcome, _ = there_and_back(
        tmp_path / out, build_format(name, masks='polygons'), build_format(name), Wishes())
    found = survived(before, after)
    # the car of each video has a hole in every frame
    assert outcome.lost['masks whose polygons cover other pixels, such as holes'] == 6 + 5
    assert found['masks'] == '20/31' and found['boxes'] == '5/5' and found['numbers'] == '11/11'


# Label Studio

def test_label_studio_images():
    memory, outcome = read(REAL / 'label_studio' / 'images.json')
    video, = memory.videos
    assert video.file_names == [f'data/upload/3/walk_{t}.png' for t in range(3)]
    person, car, sign, ball = video.tracks
    assert (person.id, person.category) == (1, 'person') and is_the_mask(person)
    assert (car.id, areas(car)) == (2, {0: 100, 1: 100, 2: 100})
    assert boxes(sign)[0] == (30, 20, 6, 6) and sign.id == 3
    assert ball.marks[2].bbox() == (5, 21, 10, 6)
    assert outcome.lost == {'regions of type "keypointlabels", which have no area': 3}


def test_label_studio_video():
    memory, _ = read(REAL / 'label_studio' / 'video.json', size=[40, 30])
    video, = memory.videos
    assert video.file_names[7] == 'walk/00007.jpg' and len(video) == 8
    track, = video.tracks
    assert track.id == 'RRxnu061g3'
    # between 1 and 3 on the way, away after 3, there at 6 and 7
    assert boxes(track) == {frame: (x, 6, 10, 9) for frame, x in
                            ((0, 4), (1, 6), (2, 8), (5, 20), (6, 21))}


def test_label_studio_video_tasks(tmp_path):
    before, after, out, _ = there_and_back(
        tmp_path / 'v.json', build_format('label_studio', tasks='videos', results='predictions'),
        build_format('label_studio'), Wishes())
    found = survived(before, after)
    assert [found[key] for key in ('frames', 'objects', 'numbers', 'classes', 'scores', 'crowds')
            ] == ['11/11'] * 5 + ['1/1']
    assert out.lost['masks, of which the boxes are kept'] == 31
    for old, new in zip(before, after):
        for one, other in zip(old.tracks, new.tracks):
            assert {f: m.bbox() for f, m in one.marks.items()} == {
                f: pytest.approx(m.box) for f, m in other.marks.items()}


def task(number, *regions, **data):
    base = dict(original_width=40, original_height=30, image_rotation=0)
    return dict(id=number, data=dict(image=f's3://bucket/street/{number}.jpg') | data,
                annotations=[dict(result=[base | region for region in regions])])


def region(key, x=50, **more):
    return dict(id=key, type='rectanglelabels', value=dict(
        x=x, y=50, width=10, height=10, rotation=0, rectanglelabels=['car']), **more)


def control(key, number):
    return dict(id=key, type='number', from_name='track_id',
                value=dict(x=50, y=50, width=10, height=10, number=number))


def studio(tmp_path, *tasks, **options):
    (tmp_path / 't.json').write_text(json.dumps(tasks))
    return read(tmp_path / 't.json', **options)


def test_how_label_studio_says_which_object(tmp_path):
    memory, _ = studio(tmp_path, task(10, region('a'), control('a', 7)),
                       task(9, region('b'), control('b', 7), region('c'), control('c', 8)))
    assert memory.videos[0].file_names == ['street/9.jpg', 'street/10.jpg']
    assert [(t.id, list(t.marks)) for t in memory.videos[0].tracks] == [(7, [0, 1]), (8, [0])]
    memory, _ = studio(tmp_path, task(9, region('a')), task(10, region('a'), region('b')))
    assert [(t.id, list(t.marks)) for t in memory.videos[0].tracks] == [('a', [0, 1]), ('b', [1])]
    with pytest.raises(ValueError, match='no region says of which object it is'):
        studio(tmp_path, task(9, region('a')), task(10, region('b')))
    with pytest.raises(ValueError, match='1 of 2 regions have no "meta.text"'):
        studio(tmp_path, task(9, region('a', meta=dict(text=['1']))), task(10, region('b')))
    memory, _ = studio(tmp_path, task(9, region('a')), task(10, region('b')), untracked='single')
    assert len(memory.videos[0].tracks) == 2


def test_other_annotations_of_a_task_are_counted(tmp_path):
    one = task(1, region('a'))
    one['annotations'] += [dict(result=[], ground_truth=True), dict(result=[], was_cancelled=True)]
    memory, outcome = studio(tmp_path, dict(one, data=dict(one['data'], width=40, height=30)))
    assert memory.videos[0].tracks == []
    assert outcome.lost['annotations of tasks that have another one'] == 1
    assert outcome.lost['annotations that were cancelled'] == 1


def test_images_without_a_region(tmp_path):
    bare = [task(1), task(2)]
    with pytest.raises(ValueError, match='size=WIDTH,HEIGHT, or frames=DIR with the frames in str'):
        studio(tmp_path, *bare)
    assert studio(tmp_path, *bare, size=[40, 30])[0].videos[0].size == (30, 40)
    (tmp_path / 'frames' / 'street').mkdir(parents=True)
    for name in ('1.jpg', '2.jpg'):
        Image.new('L', (40, 30)).save(tmp_path / 'frames' / 'street' / name)
    memory, _ = studio(tmp_path, *bare, frames=str(tmp_path / 'frames'))
    assert memory.videos[0].size == (30, 40) and memory.videos[0].file_names[0] == 'street/1.jpg'
    with pytest.raises(ValueError, match='size=10: expected WIDTH,HEIGHT'):
        studio(tmp_path, *bare, size=[10])


def test_meta_nobody_knows_is_counted_once_per_region(tmp_path):
    key = dict(frame=1, enabled=True, x=0, y=0, width=9, height=9)
    box = dict(id='a', type='videorectangle', meta=dict(mood='glad'), value=dict(
        sequence=[key], framesCount=20, labels=['car']))
    film = dict(id=1, data=dict(video='a.mp4'), annotations=[dict(result=[box])])
    memory, outcome = studio(tmp_path, film, size=[40, 30])
    assert len(memory.videos[0].tracks[0].marks) == 20 and +outcome.lost == {'"mood" of meta': 1}


# all three

def counted(monkeypatch, module, name):
    """How often a function of a module is called, by its first argument."""
    calls, original = Counter(), getattr(module, name)

    def count(path):
        calls[pathlib.Path(path).name] += 1
        return original(path)
    monkeypatch.setattr(module, name, count)
    return calls


def test_labelme_files_are_parsed_once(tmp_path, monkeypatch):
    convert(Given(tmp_path), InMemory(videos()), build_format('labelme'), str(tmp_path / 'labels'))
    calls = counted(monkeypatch, labelme, 'read_json')
    convert(Given(tmp_path / 'labels'), build_format('labelme'), InMemory(), '')
    assert sum(calls.values()) == 6 + 5


@pytest.mark.parametrize('module, options', [(cvat, {}), (label_studio, dict(tasks='videos'))])
def test_folders_of_frames_are_listed_once(module, options, tmp_path, monkeypatch):
    name = module.__name__.rpartition('.')[2]
    for video, folder in zip(made := list(videos()), ('höhle_2', 'street')):
        (tmp_path / 'frames' / folder).mkdir(parents=True)
        for frame in range(len(video)):
            Image.new('L', video.size[::-1]).save(tmp_path / 'frames' / folder / f'{frame}.png')
    convert(Given(tmp_path), InMemory(made), build_format(name, **options), str(tmp_path / 'out'))
    calls = counted(monkeypatch, module, 'list_videos')
    memory = InMemory()
    reader = build_format(name, frames=str(tmp_path / 'frames'))
    convert(Given(tmp_path / 'out'), reader, memory, '')
    assert [video.file_names[1] for video in memory.videos] == ['höhle_2/1.png', 'street/1.png']
    assert calls == {'frames': 1}


def test_occlusion_as_a_float_or_truth(tmp_path):
    for said, level in ((1.0, 'slight_occlusion'), (True, 'slight_occlusion'), (2.5, None)):
        noted = region('a', meta=dict(occlusion=said))
        (tmp_path / 't.json').write_text(json.dumps([task(1, noted)]))
        convert(Given(tmp_path / 't.json'), build_format('label_studio'), build_format('ytvis'),
                str(tmp_path / 'ann.json'))
        ann, = json.loads((tmp_path / 'ann.json').read_text())['annotations']
        assert ann.get('occlusion', [None]) == [level]


def test_masks_without_a_pixel_are_counted(tmp_path):
    far = [[200, 200], [210, 200], [210, 210]]
    (tmp_path / 'labelme').mkdir()
    (tmp_path / 'labelme' / '1.json').write_text(json.dumps(dict(
        imageWidth=40, imageHeight=30, shapes=[dict(label='car', points=far)])))
    polygon = dict(id='a', type='polygonlabels', value=dict(points=far, polygonlabels=['car']))
    (tmp_path / 'cvat.xml').write_text(
        '<annotations><meta><task><size>2</size><original_size><width>40</width><height>30</height>'
        '</original_size></task></meta><track id="0" label="car"><polygon frame="0" '
        'points="100,100;110,100;110,110"/></track></annotations>')
    for memory, outcome in (read(tmp_path / 'labelme'), read(tmp_path / 'cvat.xml'),
                            studio(tmp_path, task(1, polygon))):
        assert len(memory.videos) == 1 and not memory.videos[0].tracks
        assert outcome.lost['masks without a pixel'] == 1


# shapes

MASKS = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)),
               elements=st.integers(0, 1))


@cases(MASKS)
def test_runs_and_brush_are_undone(mask):
    assert np.array_equal(brush.decode(brush.encode(mask), mask.shape, ''), mask)
    if mask.any():
        part, left, top = cropped(mask)
        height, width = part.shape
        assert np.array_equal(draw_runs(runs(part), (left, top, width, height), mask.shape, ''),
                              mask)


@cases(MASKS)
def test_outlines_are_on_the_edges_of_pixels(mask):
    polygons = outlines(mask)
    assert same_when_drawn(polygons, mask) or not mask.any() or has_hole(mask)


def has_hole(mask):
    """Whether background is cut off from the border; parts that touch at a corner are one."""
    padded = np.pad(mask, 1)
    outside = np.zeros(padded.shape, bool)
    outside[0, 0] = True
    for _ in range(padded.size):
        wider = outside.copy()
        for axis in (0, 1):
            for step in (1, -1):
                wider |= np.roll(outside, step, axis)
        outside = wider & (padded == 0)
    return bool((~outside & (padded == 0)).any())


def test_brush_with_values_one_by_one():
    # 2 x 1 pixels, 8 values of 8 bits: a run of seven zeros, then alpha of the second pixel
    bits = f'{8:032b}' + f'{7:05b}' + '0010' * 4
    alike = '1' + '00' + f'{3:03b}' + f'{9:08b}'
    singly = '0' + '00' + f'{3:03b}' + f'{9:08b}' * 3 + f'{0:08b}'
    text = bits + alike + singly
    text += '0' * (-len(text) % 8)
    data = list(int(text, 2).to_bytes(len(text) // 8, 'big'))
    assert brush.decode(data, (1, 2), '').tolist() == [[True, False]]


def test_turned_shapes():
    assert np.allclose(corners((0, 0, 4, 2), 90), [(3, -1), (3, 3), (1, 3), (1, -1)])
    assert np.allclose(corners((0, 0, 4, 2), 90, about_corner=True),
                       [(0, 0), (0, 4), (-2, 4), (-2, 0)])
    lying, standing = (ellipse((5, 5), (4, 2), angle, (10, 10)) for angle in (0, 90))
    # by hand: rows of 6, 8, 8 and 6 pixels
    assert np.array_equal(lying, standing.T) and lying.sum(1).tolist() == [0] * 3 + [6, 8, 8, 6] + [
        0] * 3
