"""The loop over videos: golden json, no state outside the memory, order, shards."""
import copy
import types
import weakref

import numpy as np
import pytest
import torch
from pycocotools import mask as mask_utils

from mmdet.core import TrackResult
from mmdet.datasets.base import BaseDataset
from mmdet.engine.prefetch import prefetch, read_ahead
from mmdet.engine.progress import Progress, duration
from mmdet.engine.sharding import balanced_shards
from mmdet.engine.test_loop import choose_loop, evaluate_detector, track_dataset, track_video
from mmdet.formats import results2json_videoseg

CPU = torch.device('cpu')


@pytest.fixture(scope='module')
def results(tiny):
    return track_dataset(tiny.detector, tiny.dataset, CPU)


def test_golden_json_through_the_data_set(tiny, results, tmp_path):
    records = results2json_videoseg(tiny.dataset, results, tmp_path / 'x.json')
    mine = [r for r in records if r['video_id'] == 11]
    for got, want in zip(mine, tiny.case['results_json'], strict=True):
        assert got['score'] == pytest.approx(want['score'], abs=1e-3)
        assert got['category_id'] == tiny.dataset.cat_ids[want['category_id'] - 1]
        for a, b in zip(got['segmentations'], want['segmentations'], strict=True):
            assert (a is None) == (b is None)
            assert a is None or a == b or mask_utils.iou([a], [b], [0])[0, 0] > 0.995


def test_twice_gives_the_same_file(tiny, results, tmp_path):
    again = track_dataset(tiny.detector, tiny.dataset, CPU, workers=2)
    for name, shots in (('a', results), ('b', again)):
        results2json_videoseg(tiny.dataset, shots, tmp_path / name)
    assert (tmp_path / 'a').read_bytes() == (tmp_path / 'b').read_bytes()


def test_interleaved_videos_equal_one_after_the_other(tiny, results):
    dataset, preprocess = tiny.dataset, tiny.dataset.preprocessor()
    streams = [track_video(tiny.detector, preprocess, (dataset[i] for i in inds), CPU)
               for inds in (range(8), range(8, 11))]
    shots = {0: [], 1: []}
    for video in (0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0):
        shots[video].append(next(streams[video])[1])
    for got, want in zip(shots[0] + shots[1], results, strict=True):
        assert got.masks == want.masks and np.array_equal(got.obj_ids, want.obj_ids)
        assert np.array_equal(got.boxes, want.boxes) and np.array_equal(got.scores, want.scores)


def test_detector_keeps_nothing(tiny):
    before = {key: copy.copy(value) for key, value in vars(tiny.detector).items()}
    items = (tiny.dataset[i] for i in range(2))
    list(track_video(tiny.detector, tiny.dataset.preprocessor(), items, CPU))
    assert vars(tiny.detector).keys() == before.keys()


def test_evaluate_returns_metrics_and_keeps_the_mode(tiny):
    metrics = evaluate_detector(tiny.detector.train(), tiny.dataset, CPU)
    assert tiny.detector.training
    assert list(metrics) == ['segm'] and 0 <= metrics['segm']['AP'] <= 1
    tiny.detector.eval()


def test_evaluate_without_annotations(tiny):
    bare = types.SimpleNamespace(ann_file='a.json', has_annotations=lambda: False)
    with pytest.raises(ValueError, match='a.json: no annotations to score against'):
        evaluate_detector(tiny.detector, bare, CPU)


def test_wrong_kind_of_detector(tiny):
    with pytest.raises(TypeError, match='Module has no "track".*give the model a track_head'):
        choose_loop(torch.nn.Module(), tiny.dataset)
    with pytest.raises(TypeError, match='SimpleNamespace: results cannot be written'):
        choose_loop(tiny.detector, types.SimpleNamespace(result_types=()))


@pytest.mark.parametrize('workers', [0, 1, 3])
def test_prefetch_keeps_order_and_raises_in_place(workers):
    assert list(prefetch(lambda x: x * x, range(20), workers)) == [x * x for x in range(20)]
    stream = prefetch(lambda x: 6 // (3 - x), range(5), workers)
    assert [next(stream) for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(stream)


def test_prefetch_stays_a_few_items_ahead():
    asked = []
    stream = prefetch(asked.append, iter(range(1000)), 2)
    next(stream)
    stream.close()
    assert len(asked) <= 5


@pytest.mark.parametrize('count', [0, 1, 4])
def test_a_stream_is_read_ahead_in_order_and_raises_in_place(count):
    assert list(read_ahead(iter(range(20)), count)) == list(range(20))
    asked = []
    stream = read_ahead((asked.append(x) or 6 // (3 - x) for x in range(5)), count)
    assert [next(stream) for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(stream)
    assert len(asked) <= 4
    assert list(read_ahead([], count)) == []


def test_shards_are_balanced_and_whole():
    lengths = [36, 20, 20, 4, 4, 4, 30, 1]
    shards = balanced_shards(lengths, 3)
    assert sorted(sum(shards, [])) == list(range(8))
    frames = [sum(lengths[v] for v in shard) for shard in shards]
    assert max(frames) - min(frames) <= 4 and sum(frames) == sum(lengths)
    assert balanced_shards([5], 2) == [[0], []]


def test_progress_line():
    progress = Progress(1200, None, every=1e9)
    progress.update(120)
    assert progress.line(30) == '120/1200 frames, 4.0 a second, 4 min 30 s left'
    progress = Progress(1200, None, every=1e9, mine=600)
    progress.update(60)
    assert progress.line(30) == 'about 120/1200 frames, 4.0 a second, 4 min 30 s left'
    assert [duration(s) for s in (0.4, 75, 4000)] == ['0 s', '1 min 15 s', '1 h 06 min']


class Still(BaseDataset):
    """A data set of one long video; remembers which frames are still held."""

    def __init__(self, length):
        self.length = length
        self.img_norm_cfg, self.size_divisor = dict(mean=[0] * 3, std=[1] * 3), 32
        self.alive = weakref.WeakSet()

    def videos(self):
        return {0: list(range(self.length))}

    def __getitem__(self, index):
        img = torch.zeros(8, 8, 3, dtype=torch.uint8)
        self.alive.add(img)
        return dict(img=img, img_meta={})


class Counter(torch.nn.Module):
    """Finds one object; its memory is the number of frames it saw."""

    def track(self, img, img_meta, memory):
        memory = (memory or 0) + 1
        box, score = np.full((1, 4), memory, np.float32), np.ones(1, np.float32)
        return TrackResult(box, score, np.zeros(1, int), np.zeros(1, int),
                           [dict(size=[8, 8], counts=b'a')]), memory


@pytest.mark.parametrize('workers', [0, 2])
def test_frames_are_let_go(workers):
    dataset, held = Still(60), []
    detector = Counter()
    track = detector.track
    detector.track = lambda *args: (held.append(len(dataset.alive)), track(*args))[1]
    shots = track_dataset(detector, dataset, CPU, workers)
    assert [int(shot.boxes[0, 0]) for shot in shots] == list(range(1, 61))
    assert max(held) <= 2 * workers + 4
