"""Files of tracks as tables and as data sets of other programs."""
import copy
import json
import sys
import types

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmdet.apis import inference_detector, init_detector, read_tracks
from mmdet.apis.demo import DemoOptions, run_demo
from mmdet.formats.interop.fiftyone_dataset import to_samples
from mmdet.formats.interop.tables import video_table
from mmdet.formats.results import results2json_videoseg
from mmdet.utils.errors import MissingPackage
from mmdet.visualization import count_frames


@pytest.fixture(scope='module')
def demo(tiny, tmp_path_factory):
    """The json of a demo."""
    out = tmp_path_factory.mktemp('demo')
    run_demo(DemoOptions(tiny.config, tiny.checkpoint, str(tiny.folder / 'frames/t1'), str(out),
                         device='cpu'))
    return out / 't1/t1.json'


@pytest.fixture(scope='module')
def found(tiny):
    detector = init_detector(tiny.config, tiny.checkpoint, 'cpu')
    return inference_detector(detector, tiny.folder / 'frames/t1')


@pytest.fixture
def official(tiny, found, tmp_path):
    """Results of the video t1 in the official format, and their annotation file."""
    annotations = json.loads((tiny.folder / 'test.json').read_text())
    annotations['videos'] = annotations['videos'][1:]
    annotations['annotations'] = []
    (tmp_path / 'ann.json').write_text(json.dumps(annotations))
    dataset = copy.copy(tiny.dataset)
    empty = [found[0].from_score(9)] * 8
    results2json_videoseg(dataset, [*empty, *found], str(tmp_path / 'x.json'))
    return tmp_path / 'x.json', tmp_path / 'ann.json'


def test_the_table_of_a_demo_is_that_of_its_frames(tiny, demo, found):
    tracks = read_tracks(demo)
    assert set(tracks.categories.values()) == {None}
    got, want = (table.sort_values(['frame', 'id'], ignore_index=True) for table in (
        tracks.to_pandas(), video_table(found, video='t1')))
    assert len(got) and set(got.video) == {'t1'}
    label_of = {track['id']: track['category_id'] - 1 for track in tracks.tracks}
    assert got.label.tolist() == [label_of[i] for i in got.id]
    for column in ('frame', 'id', 'score', 'area'):
        assert np.allclose(got[column], want[column])
    assert np.allclose(got[['x1', 'y1', 'x2', 'y2']], want[['x1', 'y1', 'x2', 'y2']], atol=.02)


def test_the_table_of_a_result_file(official, found):
    table = read_tracks(*official).to_pandas()
    assert len(table) == sum(map(len, found)) and set(table.video) == {'t1'}
    assert set(table.class_name) <= {'disc', 'box', 'triangle'}
    row = table[table.frame == 0].iloc[0]
    names = ['disc', 'box', 'triangle']  # in the order of their ids
    assert names[row.label] == row.class_name
    mask = found[0].masks[0]
    x, y, w, h = mask_utils.toBbox(mask)
    assert row[['x1', 'y1', 'x2', 'y2']].tolist() == [x, y, x + w - 1, y + h - 1]
    assert row.area == mask_utils.area(mask)


def test_what_is_no_file_of_tracks(demo, official, tmp_path):
    with pytest.raises(ValueError, match='give the annotation file it belongs to'):
        read_tracks(official[0])
    with pytest.raises(ValueError, match='expected the json of a demo or a list'):
        read_tracks(official[1])
    content = json.loads(demo.read_text())
    for change, message in (
            (dict(version=2), 'version 2, expected 1'),
            (dict(video=None), 'are not as a demo writes them'),
            (dict(tracks=[dict(content['tracks'][0], id='x')]), 'number 0 needs a whole number'),
            (dict(tracks=[dict(content['tracks'][0], scores=[1])]), 'needs a number in "scores"'),
            (dict(tracks=[dict(content['tracks'][0], segmentations=[None])]), 'has 1 segm')):
        (tmp_path / 'bad.json').write_text(json.dumps({**content, **change}))
        with pytest.raises(ValueError, match=message):
            read_tracks(tmp_path / 'bad.json')


def test_media_are_written_once(demo, official, tiny, tmp_path):
    tracks = read_tracks(*official)
    path, = tracks.media(tmp_path / 'media', tiny.folder / 'frames').values()
    assert path == tmp_path / 'media/t1.mp4' and count_frames(path) == 3
    before = path.stat().st_mtime_ns
    assert read_tracks(demo).media(tmp_path / 'media')[1] == path  # its source is the folder
    assert path.stat().st_mtime_ns == before


def test_media_are_never_replaced_nor_guessed(demo, official, tiny, tmp_path):
    tracks, own = read_tracks(*official), tmp_path / 'media/t1.mp4'
    own.parent.mkdir()
    own.write_bytes(b'mine')
    with pytest.raises(ValueError, match='lies there already and is no video of 3 frames'):
        tracks.media(tmp_path / 'media', tiny.folder / 'frames')
    assert own.read_bytes() == b'mine'
    content = json.loads(demo.read_text())
    for source in ('frames', 5, ['a'], 'rtsp://camera', str(tmp_path / 'gone')):
        content['video']['source'] = source
        (tmp_path / 'x.json').write_text(json.dumps(content))
        with pytest.raises(FileNotFoundError, match='no file or folder here; put a video of its 3'):
            read_tracks(tmp_path / 'x.json').media(tmp_path / 'other')
    content['video'].update(source=str(tiny.folder / 'frames/t1'), height=95)
    for track in content['tracks']:
        track.update(segmentations=[None] * 3, bboxes=[None] * 3)
    (tmp_path / 'x.json').write_text(json.dumps(content))
    with pytest.raises(ValueError, match='frame 0 has 160 x 96 pixels, the tracks are of 160 x 95'):
        read_tracks(tmp_path / 'x.json').media(tmp_path / 'other')


class StandIn(types.SimpleNamespace):
    """Of fiftyone."""

    class Sample(types.SimpleNamespace):
        """A video."""
        media_type = 'video'

        def __init__(self, **fields):
            super().__init__(frames={}, **fields)

    class Dataset(list):
        """Without a database."""

        def __init__(self, name):
            self.name, self.add_samples = name, self.extend

    Frame = Detections = Detection = types.SimpleNamespace


def test_a_data_set_of_fiftyone(demo, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'fiftyone', StandIn)
    dataset = read_tracks(demo).to_fiftyone('mine', tmp_path / 'media')
    assert dataset.name == 'mine' and dataset[0].filepath == str(tmp_path / 'media/t1.mp4')


@pytest.mark.parametrize('package', ['fiftyone', StandIn], ids=['fiftyone', 'stand-in'])
def test_samples_of_fiftyone(demo, found, package, monkeypatch):
    """Of the package where it is installed; its samples need no database."""
    if isinstance(package, str):
        fiftyone = pytest.importorskip(package)
    else:
        fiftyone = package
        monkeypatch.setitem(sys.modules, 'fiftyone', package)
    tracks = read_tracks(demo)
    sample, = to_samples(tracks.tracks, tracks.videos, tracks.categories, {1: 't1.mp4'})
    assert sample.media_type == 'video' and len(sample.frames) == 3
    for number, result in enumerate(found, 1):
        detections = sample.frames[number].predictions.detections
        by_id = {d.index: d for d in detections}
        assert sorted(by_id) == sorted(result.obj_ids.tolist())
        for obj_id, score, mask in zip(result.obj_ids.tolist(), result.scores, result.masks):
            one = by_id[obj_id]
            assert isinstance(one, fiftyone.Detection) and one.confidence == pytest.approx(score)
            x, y, w, h = mask_utils.toBbox(mask)
            assert one.bounding_box == pytest.approx([x / 160, y / 96, w / 160, h / 96])
            assert one.mask.shape == (h, w) and one.mask.sum() == mask_utils.area(mask)


def test_without_fiftyone_nothing_is_written(demo, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'fiftyone', None)
    with pytest.raises(MissingPackage, match='needs the package fiftyone: pip install fiftyone'):
        read_tracks(demo).to_fiftyone(media=tmp_path / 'media')
    assert not (tmp_path / 'media').exists()
