"""Folders as SAM 2, Cutie, DAVIS and MOTSChallenge lay them out; what is refused, and why."""
import json
import pathlib
import sys
from unittest import mock

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pycocotools import mask as mask_utils

from mmdet.formats.exchange import Given, Mark, Track, Video, Wishes, build_format, convert, guess
from mmdet.formats.exchange.png_files import davis_palette
from mmdet.formats.exchange.tracks import box_rle
from mmdet.utils.errors import UserError

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from made_up import CATEGORIES, InMemory, rle_of, videos  # noqa: E402

SQUARE = np.zeros((8, 10), np.uint8)
SQUARE[2:5, 3:7] = 1  # 12 pixels


def write_png(path, pixels, palette=True):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    if palette:
        image.putpalette(davis_palette())
    image.save(path)


def read(path, **options):
    given, memory = Given(path), InMemory()
    reader = build_format(guess(given), **options)
    outcome = convert(given, reader, memory, '')
    return guess(given), memory.videos, outcome


def areas(video):
    return {track.id: {frame: int(mask_utils.area(mark.rle)) for frame, mark in track.marks.items()}
            for track in video.tracks}


def test_sam2_with_a_folder_per_object(tmp_path):
    # tools/vos_inference.py --per_obj_png_file: VIDEO/001/FRAME.png, 0 and 1 with a palette
    for key in ('001', '007'):
        for frame in range(2):
            write_png(tmp_path / 'bear' / key / f'{frame:05d}.png', SQUARE)
    name, (video, ), outcome = read(tmp_path)
    assert name == 'mask_folders' and video.file_names == ['bear/00000.jpg', 'bear/00001.jpg']
    assert areas(video) == {1: {0: 12, 1: 12}, 7: {0: 12, 1: 12}}
    assert any('all objects are of class "object"' in note for note in outcome.notes)


def test_workspace_of_cutie(tmp_path):
    # WORKSPACE/images/0000000.jpg, WORKSPACE/masks/0000000.png with the palette of DAVIS
    write_png(tmp_path / 'workspace' / 'masks' / '0000000.png', SQUARE * 3)
    (tmp_path / 'workspace' / 'images').mkdir()
    cv2.imwrite(str(tmp_path / 'workspace' / 'images' / '0000000.jpg'), SQUARE)
    name, (video, ), _ = read(tmp_path / 'workspace', category='dog')
    assert name == 'davis' and video.name == 'workspace' and areas(video) == {3: {0: 12}}
    assert video.tracks[0].category == 'dog'


def test_255_is_an_object_where_a_video_has_nothing_else(tmp_path):
    for name, pixels in (('a', SQUARE * 255), ('b', np.where(SQUARE, 1, 255))):
        write_png(tmp_path / name / '0.png', pixels.astype(np.uint8))
        write_png(tmp_path / name / '1.png', SQUARE * 0)
    _, (first, second), outcome = read(tmp_path)
    assert areas(first) == {255: {0: 12}} and areas(second) == {1: {0: 12}}
    assert [note for note in outcome.notes if '255' in note] == [
        f'{tmp_path}/a: 255 is taken as the one object']
    _, (first, second), _ = read(tmp_path, ignore=1)
    assert areas(first) == {255: {0: 12}} and areas(second) == {255: {0: 68}}


def test_probabilities_in_a_folder_per_object(tmp_path):
    soft = SQUARE * 200
    soft[0, :3] = 90
    write_png(tmp_path / 'v' / '1' / '0.png', soft, palette=False)
    _, (video, ), outcome = read(tmp_path)
    assert areas(video) == {1: {0: 12}}
    assert outcome.lost == {'masks that are probabilities: over a half is the object': 1}


def test_release_of_davis(tmp_path):
    for frame in range(3):
        write_png(tmp_path / 'Annotations' / '480p' / 'bear' / f'{frame:05d}.png', SQUARE * 2)
        (tmp_path / 'JPEGImages' / '480p' / 'bear').mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / 'JPEGImages' / '480p' / 'bear' / f'{frame:05d}.jpeg'), SQUARE)
    name, (video, ), _ = read(tmp_path, frames=str(tmp_path / 'JPEGImages' / '480p'))
    assert name == 'davis' and video.file_names[2] == 'bear/00002.jpeg'
    assert areas(video) == {2: {0: 12, 1: 12, 2: 12}}


def test_what_is_left_out_is_counted(tmp_path):
    for name in ('seen', 'unknown'):
        write_png(tmp_path / 'masks' / name / '0.png', SQUARE)
    (tmp_path / 'frames' / 'seen').mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'frames' / 'seen' / '0.jpg'), SQUARE)
    _, (video, ), outcome = read(tmp_path / 'masks', frames=str(tmp_path / 'frames'))
    assert video.name == 'seen' and outcome.lost['folders of masks without frames'] == 1
    empty = dict(size=[8, 10], counts=[80])
    ann = dict(image_id=1, category_id=1, track_id=1, segmentation=empty, pose='sitting')
    (tmp_path / 'coco.json').write_text(json.dumps(dict(
        images=[dict(id=1, file_name='v/0.jpg', width=10, height=8)],
        categories=[dict(id=1, name='car')], annotations=[ann])))
    _, (video, ), outcome = read(tmp_path / 'coco.json')
    assert not video.tracks and +outcome.lost == {
        'masks without a pixel': 1, 'objects without a visible pixel': 1,
        '"pose" of annotations': 1}


def test_kitti_mots_numbers_a_video_once(tmp_path, monkeypatch):
    made = Video('v', ['v/0.jpg'], 10, 8, [Track(key, 'car', {0: Mark(rle_of(SQUARE * (
        np.indices(SQUARE.shape)[1] % 2 == key)))}, iscrowd=True) for key in (0, 1)])
    writer = build_format('kitti_mots')
    numbered = mock.Mock(side_effect=writer.numbered)
    monkeypatch.setattr(writer, 'numbered', numbered)
    outcome = convert(Given(tmp_path), InMemory([made]), writer, str(tmp_path / 'k'))
    assert numbered.call_count == 1
    assert outcome.lost['crowd regions that became one with others'] == 1


@pytest.mark.parametrize('box, columns', [
    ((.5, 0, 1, 1), [0]), ((1.5, 0, 1, 1), [1]), ((2.5, 0, 2, 1), [2, 3]), ((.6, 0, .8, 1), []),
    ((-3, 0, 4, 1), [0]), ((8.5, 0, 9, 1), [8, 9]), ((-9, 0, 3, 1), []), ((20, 0, 3, 1), []),
    ((-1e308, 0, np.inf, 1), list(range(10)))])
def test_pixels_of_a_box(box, columns):
    rle = box_rle(box, (8, 10))
    assert columns == ([] if rle is None else np.flatnonzero(mask_utils.decode(rle)[0]).tolist())


@pytest.mark.parametrize('to', ['ytvis', 'davis', 'mots_txt'])
def test_boxes_that_cover_no_pixel_are_counted(to, tmp_path):
    marks = {0: Mark(box=(2., 2., 3., 3.)), 1: Mark(box=(2.6, 2.6, .3, .3))}
    tracks = [Track(1, 'car', marks), Track(2, 'car', {0: Mark(box=(-4., 0., 2., 2.))})]
    made = Video('v', ['v/000001.jpg', 'v/000002.jpg'], 10, 8, tracks)
    outcome = convert(Given(tmp_path), InMemory([made]), build_format(to), str(tmp_path / 'out'),
                      Wishes(fill_boxes=True))
    assert (outcome.objects, outcome.masks, outcome.boxes) == (1, 1, 0)
    assert outcome.lost['boxes without a mask, which cover the centre of no pixel'] == 2
    assert outcome.lost['boxes without a mask, taken as masks as asked'] == 1


def test_videos_of_results_are_known_by_name_then_by_id(tmp_path):
    def made(*names_and_ids):
        return InMemory([Video(name, [f'{name}/0.jpg'], 10, 8, [
            Track(1, 'car', {0: Mark(rle_of(SQUARE))})], id=key) for name, key in names_and_ids])

    def written(*names_and_ids):
        out = str(tmp_path / 'r.json')
        outcome = convert(Given(tmp_path), made(*names_and_ids), build_format(
            'results', annotations=str(tmp_path / 'ann.json')), out)
        return [one['video_id'] for one in json.loads(pathlib.Path(out).read_text())], [
            note for note in outcome.notes if 'alone' in note]
    convert(Given(tmp_path), made(('a', 1), ('b', 2), ('a', 3)), build_format('ytvis'),
            str(tmp_path / 'ann.json'))
    assert written(('b', 1), ('a', 3), ('a', 1)) == ([2, 3, 1], [])
    assert written(('task 2', 2), ('task 3', 3)) == ([2, 3], [
        '2 videos are known by their id alone; the first, "task 2", is taken as "b" of '
        f'{tmp_path}/ann.json'])
    with pytest.raises(UserError, match='"c" and "d" of the input are both taken as its video "a"'):
        written(('c', 1), ('d', 1))


def test_videos_of_one_folder_are_known_by_their_order(tmp_path):
    made = InMemory([Video('a', ['a/0.jpg'], 10, 8, [
        Track(1, 'car', {0: Mark(rle_of(SQUARE))})], id=key) for key in (1, 2)])
    ann = str(tmp_path / 'ann.json')
    convert(Given(tmp_path), made, build_format('ytvis'), ann)
    convert(Given(ann), build_format('ytvis'), build_format('davis'), str(tmp_path / 'masks'))
    convert(Given(tmp_path / 'masks'), build_format('davis'),
            build_format('results', annotations=ann), str(tmp_path / 'r.json'))
    assert [one['video_id'] for one in json.loads((tmp_path / 'r.json').read_text())] == [1, 2]


def test_a_video_of_void_alone_has_no_object_where_a_list_names_none(tmp_path):
    write_png(tmp_path / 'Annotations/a/00000.png', SQUARE)
    write_png(tmp_path / 'Annotations/b/00000.png', SQUARE * 255)
    (tmp_path / 'meta.json').write_text(json.dumps(dict(videos=dict(
        a=dict(objects={'1': dict(category='car')}), b=dict(objects={})))))
    _, found, _ = read(tmp_path / 'Annotations', meta=str(tmp_path / 'meta.json'))
    assert [(video.name, len(video.tracks)) for video in found] == [('a', 1), ('b', 0)]


def test_palette_is_that_of_davis():
    # the first colours as the release has them: black, dark red, dark green, olive, dark blue
    assert davis_palette()[:15] == [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0, 0, 0, 128]
    assert davis_palette()[3 * 255:] == [224, 224, 192] and len(davis_palette()) == 768


def test_frames_of_mots_from_their_folder(tmp_path):
    (tmp_path / 'mots').mkdir()
    (tmp_path / 'frames' / '0002').mkdir(parents=True)
    for number in (1, 2, 3):
        cv2.imwrite(str(tmp_path / 'frames' / '0002' / f'{number:06d}.jpg'), SQUARE)
    counts = mask_utils.encode(np.asfortranarray(SQUARE))['counts'].decode()
    (tmp_path / 'mots' / '0002.txt').write_text(f'2 2005 2 8 10 {counts}\n'
                                                f'2 10000 10 8 10 {counts}\n')
    name, (video, ), _ = read(tmp_path / 'mots', frames=str(tmp_path / 'frames'))
    assert name == 'mots_txt' and len(video) == 3 and video.file_names[1] == '0002/000002.jpg'
    assert areas(video) == {2005: {1: 12}, 10000: {1: 12}}
    assert [track.iscrowd for track in video.tracks] == [False, True]
    _, (video, ), outcome = read(tmp_path / 'mots')  # without them: frames 1 and 2 are known of
    assert len(video) == 2 and any('ends with the last object' in note for note in outcome.notes)


@pytest.mark.parametrize('to, wishes, said', [
    ('davis', Wishes(crowds='drop'), '3 boxes without a mask, which'),
    ('davis', Wishes(fill_boxes=True, crowds='drop'), '9 frames with masks that overlap'),
    ('davis', Wishes(fill_boxes=True, overlap='top'), '1 crowd regions, which'),
    ('mots_png', Wishes(fill_boxes=True, overlap='top', rename=dict(car='dog')),
     'class "dog" has no number in MOTS PNG'),
    ('ytvis', Wishes(classes=['car']), 'class "pedestrian" is not one of car')])
def test_what_cannot_be_kept_is_refused_and_counted(to, wishes, said, tmp_path):
    with pytest.raises(UserError) as told:
        convert(Given(tmp_path), InMemory(videos(), CATEGORIES), build_format(to),
                str(tmp_path / 'out'), wishes)
    assert said in str(told.value) and not list(tmp_path.iterdir())


def test_the_higher_score_is_on_top(tmp_path):
    memory = InMemory()
    writer = build_format('davis')
    memory.keeps = writer.keeps
    low, high = (Track(key, 'car', {0: Mark(rle_of(SQUARE), score=score)})
                 for key, score in ((1, .4), (2, .6)))
    half = SQUARE.copy()
    half[:, 5:] = 0
    for order in ([low, high], [high, low]):
        high.marks[0].rle, low.marks[0].rle = rle_of(half), rle_of(SQUARE)
        source = InMemory([Video('v', ['v/0.jpg'], 10, 8, order)])
        outcome = convert(Given(tmp_path), source, memory, '', Wishes(overlap='top'))
        assert areas(memory.videos[0]) == {1: {0: 6}, 2: {0: 6}}
        assert outcome.lost['pixels of masks, where others lie over them'] == 6


@settings(max_examples=15, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
              elements=st.integers(0, 3)))
def test_any_numbers_of_objects_in_pixels_survive(tmp_path_factory, labels):
    tracks = [Track(key, 'car', {t: Mark(rle_of(frame == key)) for t, frame in enumerate(labels)
                                 if (frame == key).any()}) for key in np.unique(labels).tolist()
              if key]
    made = Video('v', [f'v/{t + 1:06d}.jpg' for t in range(len(labels))], *labels.shape[:0:-1],
                 tracks)
    for to in ('ytvis', 'coco', 'davis', 'mots_png', 'kitti_mots') + ('mots_txt', ) * bool(tracks):
        path = tmp_path_factory.mktemp('p') / f'{to}.json'
        convert(Given('.'), InMemory([made]), build_format(to), str(path))
        memory = InMemory()
        convert(Given(path), build_format(to), memory, '')
        video, = memory.videos
        found = np.zeros_like(labels)
        for track in video.tracks:
            for frame, mark in track.marks.items():
                found[frame] += mask_utils.decode(mark.rle) * np.uint8(int(track.id) % 1000)
        assert np.array_equal(found, labels), to


def test_meta_of_youtube_vos_is_written(tmp_path):
    convert(Given(tmp_path), InMemory(videos(), CATEGORIES), build_format('davis'),
            str(tmp_path / 'out'), Wishes(overlap='top', crowds='drop', fill_boxes=True))
    meta = json.loads((tmp_path / 'out' / 'meta.json').read_text())
    assert meta['videos']['street']['objects']['21'] == dict(
        category='pedestrian', frames=['00008', '00009', '00012'])
    with Image.open(tmp_path / 'out' / 'Annotations' / 'street' / '00008.png') as image:
        assert image.mode == 'P' and image.getpalette()[:6] == [0, 0, 0, 128, 0, 0]
