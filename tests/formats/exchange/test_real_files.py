"""Files as other tools wrote them, and other tools on files as they are written here."""
import json
import pathlib
import sys

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmdet.formats.exchange import Given, Wishes, build_format, convert, guess
from mmdet.formats.sources import FrameSource
from mmdet.formats.track_result import TrackResult
from mmdet.formats.video_json import VideoTracks

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from made_up import CATEGORIES, InMemory, videos  # noqa: E402

REAL = pathlib.Path(__file__).parents[2] / 'data' / 'formats'


def read(path, **options):
    """The format a path is guessed to be, its only video, and what the reader said."""
    given, memory = Given(path), InMemory()
    reader = build_format(guess(given), **options)
    outcome = convert(given, reader, memory, '', Wishes())
    video, = memory.videos
    return guess(given), video, outcome


def areas(track):
    return {frame: None if mark.rle is None else int(mask_utils.area(mark.rle))
            for frame, mark in track.marks.items()}


def test_coco_of_cvat():
    name, video, outcome = read(REAL / 'datumaro' / 'cvat_coco.json')
    assert name == 'coco' and video.file_names[2] == 'frame_000002.png'
    person, car, boxed = video.tracks
    assert (person.id, person.category, person.iscrowd) == (0, 'person', True)
    assert areas(person) == {0: 86, 1: 86, 2: 86} and areas(car) == {0: 100, 1: 100, 2: 100}
    assert areas(boxed) == {1: None, 2: None} and boxed.marks[1].box == (2, 20, 10, 6)
    assert [mark.occlusion for mark in person.marks.values()] == [0, 1, 0]
    assert '3 masks are marked as crowd regions' in outcome.notes[0]


def test_coco_for_cvat(tmp_path):
    path = tmp_path / 'c.json'
    convert(Given(tmp_path), InMemory(videos(), CATEGORIES), build_format('coco', cvat=1),
            str(path))
    attributes = json.loads(path.read_text())['annotations'][0]['attributes']
    assert attributes == dict(track_id=10, keyframe=True, occluded=False, occlusion=0)
    memory = InMemory()
    reader = build_format('coco', track_key='attributes.track_id')
    convert(Given(path), reader, memory, '')
    assert [track.id for track in memory.videos[1].tracks] == [20, 21, 22, 23]


def test_mots_png_of_datumaro():
    name, video, _ = read(REAL / 'datumaro' / 'mots')
    assert name == 'mots_png' and video.size == (30, 40) and len(video) == 3
    car, pedestrian = video.tracks
    assert (car.id, car.category, areas(car)) == (1001, 'car', {0: 90, 1: 90, 2: 90})
    # the part of its 96 pixels that the car does not hide
    assert (pedestrian.id, areas(pedestrian)) == (2007, {0: 84, 1: 81, 2: 78})


def test_trackeval_reads_what_is_written(tmp_path):
    datasets = pytest.importorskip('trackeval.datasets')
    made = list(videos())
    for number, video in enumerate(made):
        video.name = f'{number:04d}'
    wishes = Wishes(overlap='top', fill_boxes=True)
    convert(Given(tmp_path), InMemory(made, CATEGORIES), build_format('kitti_mots'),
            str(tmp_path / 'gt'), wishes)
    (tmp_path / 'trackers' / 'same').mkdir(parents=True)
    (tmp_path / 'trackers' / 'same' / 'data').symlink_to(tmp_path / 'gt' / 'instances_txt')
    data = datasets.KittiMOTS(dict(
        GT_FOLDER=str(tmp_path / 'gt'), TRACKERS_FOLDER=str(tmp_path / 'trackers'),
        SEQMAP_FILE=str(tmp_path / 'gt' / 'evaluate_mots.seqmap'), PRINT_CONFIG=False,
        GT_LOC_FORMAT='{gt_folder}/instances_txt/{seq}.txt'))
    assert data.seq_lengths == {'0000': 6, '0001': 5}
    raw = data.get_raw_seq_data('same', '0000')  # refuses masks that overlap
    assert [ids.tolist() for ids in raw['gt_ids']][0] == [1010, 2011, 1014, 2015]
    ignored = mask_utils.decode(raw['gt_ignore_region'][0])
    assert ignored[:, :2].all() and not ignored[:, 3:].any()
    assert np.array_equal(raw['similarity_scores'][0][:, :4], np.eye(4))


def json_of_the_demo():
    frames = iter([np.zeros((8, 10, 3), np.uint8)] * 2)
    tracks = VideoTracks(FrameSource('clip', frames, 2, 25.), ['car', 'dog'], 2)
    mask = mask_utils.encode(np.asfortranarray(np.eye(8, 10, dtype=np.uint8)))
    for score in (.5, .75):
        tracks.add(TrackResult(np.float32([[0, 0, 7, 7]]), np.float32([score]), np.array([1]),
                               np.array([0]), [mask]), (8, 10))
    return json.dumps(tracks.content(True))


def test_demo_is_read(tmp_path):
    (tmp_path / 'clip.json').write_text(json_of_the_demo())
    name, video, outcome = read(tmp_path / 'clip.json')
    assert name == 'results' and video.file_names == ['clip/00000.jpg', 'clip/00001.jpg']
    track, = video.tracks
    assert (track.id, track.category, areas(track)) == (1, 'dog', {0: 8, 1: 8})
    assert (track.score, track.marks[1].score) == (.625, .75)
