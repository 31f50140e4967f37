"""Options of tracking, each against numbers by hand or a slow loop."""
import itertools
import math
import pathlib
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdet.core.bbox import Detections
from mmdet.core.track import CUES, TrackMemory, TrackOptions, merge_directions
from mmdet.core.track.assignment import SecondRound, assign_in_rounds, greedy, hungarian
from mmdet.core.track.cues import MotionIoU, MotionMaskIoU
from mmdet.core.track.embedding_memory import EmbeddingBank, LastEmbedding, MomentumEmbedding
from mmdet.core.track.similarity import bisoftmax

INF = float('inf')


def test_a_cue_without_weight_is_off():
    options = TrackOptions(cues=dict(MotionMaskIoU=dict(weight=0), MotionIoU=dict(weight=1)))
    assert [type(cue) for cue in options.cues] == [MotionIoU] and options.reads == {'velocities'}


def test_bisoftmax_by_hand():
    logits = torch.tensor([[0., 2, -INF], [0., 3, -INF]])
    both = [math.exp(x) / (1 + math.exp(x)) / 2 + math.exp(x) / (1 + math.exp(2) + math.exp(3)) / 2
            for x in (2, 3)]
    got = bisoftmax(logits).exp()
    torch.testing.assert_close(got[:, 1], torch.tensor(both))
    torch.testing.assert_close(got[:, 0], torch.tensor([1 / (1 + math.exp(x)) for x in (2, 3)]))
    assert (got[:, 2] == 0).all()
    assert bisoftmax(torch.zeros(0, 3)).shape == (0, 3)
    assert bisoftmax(torch.zeros(2, 1)).tolist() == [[0], [0]]


def best_sum(scores):
    """Over all ways to give each detection an object of its own or none."""
    n, m = scores.shape[0], scores.shape[1] - 1
    columns = [*range(1, m + 1), *[0] * n]
    return max((sum(scores[i, c].item() for i, c in enumerate(choice))
                for choice in set(itertools.permutations(columns, n))), default=0)


@settings(deadline=None)  # the first call imports scipy
@given(st.integers(0, 4), st.integers(0, 3), st.integers(0, 9999))
def test_hungarian_has_the_largest_sum(n, m, seed):
    g = torch.Generator().manual_seed(seed)
    scores = torch.randn(n, m + 1, generator=g)
    scores[:, 1:][torch.rand(n, m, generator=g) < .2] = -INF
    rows = hungarian(scores).tolist()
    assert sorted(r for r in rows if r >= m) == [r for r in rows if r >= m]
    assert len(set(rows)) == n
    got = sum(scores[i, r + 1 if r < m else 0].item() for i, r in enumerate(rows))
    assert got == pytest.approx(best_sum(scores), abs=1e-5)


def test_who_loses_under_hungarian_is_not_lost():
    scores = torch.tensor([[0., 5, 4], [0., 6, 1], [float('nan')] * 3])
    assert greedy(scores[:2]).tolist() == [-1, 0] and hungarian(scores[:2]).tolist() == [1, 0]
    assert hungarian(scores).tolist()[:2] == [1, 0]


def in_rounds(confidence, start_thr=0., second=SecondRound(), overlap=((0., 0), ) * 4,
              assigner=greedy):
    scores = torch.tensor([[0., 5, -9], [0., 6, -9], [1., -9, -9], [1., -9, -9]])
    return assign_in_rounds(scores, torch.tensor(confidence), torch.tensor(overlap), assigner,
                            start_thr, second).tolist()


@pytest.mark.parametrize('assigner', [greedy, hungarian])
def test_rounds_by_hand(assigner):
    high = [.9, .9, .2, .9]
    if assigner is greedy:
        assert in_rounds(high) == [-1, 0, 2, 3] and in_rounds(high, .5) == [-1, 0, -1, 2]
    second = SecondRound(.5, .5)
    overlap = [[1., 1], [.8, 0], [0, .6], [.7, .4]]
    low = [.9, .1, .4, .4]  # only the first is in the first round
    assert in_rounds(low, 0, second, overlap, assigner) == [0, -1, 1, -1]
    assert in_rounds([.9, .9, .4, .4], .95, second, torch.zeros(4, 2).tolist(), greedy
                     ) == [-1, 0, -1, -1]
    assert in_rounds([.1] * 4, 0, second, torch.zeros(4, 2).tolist(), assigner) == [-1] * 4


def remember(blend, frames, reads=('velocities', 'masks')):
    """Memory after frames of (ids, scores, embeddings (n,), x of the box); full masks of 2x2."""
    empty = torch.zeros(0, 1)
    memory = TrackMemory.empty(empty, blend.empty(empty) if blend else (), reads)
    for ids, scores, values, x in frames:
        boxes = torch.tensor([[a, 0., a + 9, 9] for a in x]).reshape(-1, 4)
        memory = memory.update(
            torch.tensor(ids, dtype=torch.long), boxes, torch.zeros(len(ids), dtype=torch.long),
            torch.tensor(values).reshape(-1, 1), scores=torch.tensor(scores), blend=blend,
            masks=torch.ones(len(ids), 2, 2, dtype=torch.bool))
    return memory


FRAMES = [([0, 1], [.5, .8], [1., 7], [0., 50]), ([], [], [], []),
          ([-1, 0], [.9, .4], [99., 3], [0., 4]), ([0, 2], [.6, .3], [5., 8], [7., 20])]


@pytest.mark.parametrize('blend, want', [
    (None, [5, 7, 8]), (LastEmbedding(), [5, 7, 8]),
    (MomentumEmbedding(.75), [(1 * .75 + 3 * .25) * .75 + 5 * .25, 7, 8]),
    (EmbeddingBank(2, .5), [(.6 * 5 + .2 * 3) / .8, 7, 8]),
    (EmbeddingBank(9, .5), [(.6 * 5 + .2 * 3 + .5 / 8 * 1) / (.8 + .5 / 8), 7, 8])])
def test_embeddings_of_an_object_by_hand(blend, want):
    memory = remember(blend, FRAMES)
    torch.testing.assert_close(memory.embeddings[:, 0], torch.tensor(want, dtype=torch.float32))
    old = memory.forget(1)
    assert old.ids.tolist() == [0, 2]
    assert all(len(part) == 2 for part in (*old.state, old.velocities, old.embeddings, old.masks))


def test_motion_by_hand():
    memory = remember(None, FRAMES)
    assert memory.velocities.tolist() == [[3, 0], [0, 0], [0, 0]]
    boxes = torch.tensor([[10., 0, 19, 9]])
    dets = Detections(boxes, torch.ones(1), torch.zeros(1, dtype=torch.long), torch.tensor(True))
    assert MotionIoU()(dets, memory)[0].tolist() == [1, 0, 0]
    later = remember(None, [*FRAMES, ([], [], [], [])])
    np.testing.assert_allclose(MotionIoU(horizon=1)(dets, later)[0, 0], 1)
    np.testing.assert_allclose(MotionIoU()(dets, later)[0, 0], 7 / 13)
    assert MotionIoU()(dets, remember(None, [])).shape == (1, 0)
    left = replace(dets, masks=(torch.arange(20) < 10).expand(1, 20, 20))
    for cue, want in ((MotionMaskIoU(), 20 / 130), (MotionMaskIoU(horizon=1), .5)):
        np.testing.assert_allclose(cue(left, later)[0], [want, 0, 0], rtol=1e-6)


def test_nothing_is_kept_that_no_cue_reads():
    memory = remember(None, FRAMES, reads=())
    assert memory.velocities is None and memory.masks is None
    assert memory.boxes.tolist() == remember(None, FRAMES).boxes.tolist()
    assert TrackOptions(cues=dict(MotionIoU={})).reads == {'velocities'}
    assert TrackOptions(cues=dict(MotionIoU={}, MotionMaskIoU={})).reads == {'velocities', 'masks'}
    assert TrackOptions().reads == set()


def test_both_directions_by_hand():
    frames = np.repeat(np.arange(4), 2)
    # One object was 1 first, then lost, then 0; the other one is 2 both ways.
    forward = np.array([1, 2, -1, 2, 0, 2, 0, 2])
    backward = np.array([5, 3, 5, 3, 5, 3, 5, 3])
    assert merge_directions(frames, forward, backward, .3).tolist() == [0, 2, 0, 2, 0, 2, 0, 2]
    assert merge_directions(frames, forward, backward, .6).tolist() == forward.tolist()
    # What a track has itself in a frame stays, and so does what belongs to a pair.
    forward = np.array([0, -1, 0, 1, 0, 1, 0, 1])
    backward = np.array([-1, 0, 1, 0, 0, 1, 0, 1])
    assert merge_directions(frames, forward, backward, .1).tolist() == forward.tolist()
    nothing = np.zeros(0, np.int64)
    assert merge_directions(nothing, nothing, nothing, .3).shape == (0, )
    assert merge_directions(frames[:1], np.array([-1]), np.array([0]), .3).tolist() == [-1]
    assert TrackOptions(backward=dict(iou_thr=1)).backward is None is TrackOptions().backward
    assert TrackOptions(backward={}).backward.iou_thr == .3


@settings(deadline=None)
@given(st.integers(0, 9999))
def test_both_directions_keep_what_there_was(seed):
    rng = np.random.default_rng(seed)
    frames = np.repeat(np.arange(6), 3)
    forward, backward = (np.concatenate([rng.permutation([-1, -1, 0, 1, 2, 3])[:3]
                                         for _ in range(6)]) for _ in range(2))
    for t in range(6):  # -1 may come twice, an id only once a frame
        assert len(set(forward[frames == t]) - {-1}) == (forward[frames == t] >= 0).sum()
    got = merge_directions(frames, forward, backward, .2)
    assert set(got) <= set(forward) | {-1}
    for t in range(6):
        named = got[frames == t]
        assert len(set(named) - {-1}) == (named >= 0).sum()
    assert ((got >= 0) >= (forward >= 0)).all()


@pytest.mark.parametrize('cfg, error, message', [
    (dict(similarity='bisoft'), KeyError, 'similarity has no "bisoft"; did you mean "bisoftmax"'),
    (dict(assigner='hungary'), KeyError, 'did you mean "hungarian"'),
    (dict(start_thr='x'), ValueError, "start_thr is 'x'; expected a number from 0 to 1"),
    (dict(second_round=dict(score=.5)), TypeError, 'second_round has no key "score"'),
    (dict(second_round=dict(iou_thr=2)), ValueError, 'second_round.iou_thr is 2'),
    (dict(embedding=dict(type='EmbedingBank')), KeyError, 'did you mean "EmbeddingBank"'),
    (dict(embedding=dict(type='EmbeddingBank', size=0)), ValueError, 'EmbeddingBank: size 0'),
    (dict(embedding=dict(type='MomentumEmbedding', momentum=1)), ValueError, 'momentum 1'),
    (dict(cues=dict(Motion={})), KeyError, 'did you mean "MotionIoU"'),
    (dict(cues=dict(MotionIoU=dict(wait=1))), TypeError, 'MotionIoU has no key "wait"'),
    (dict(cues=[1]), TypeError, r'cues is a dict from names .* dict\(MotionIoU=dict\(\)\)'),
    (dict(backward=dict(iou=.5)), TypeError, 'backward has no key "iou"; did you mean "iou_thr"'),
    (dict(backward=dict(iou_thr=3)), ValueError, 'backward.iou_thr is 3'),
    (dict(max_age=0), ValueError, 'max_age is 0; expected a whole number of frames from 1 up'),
    (dict(max_age='9'), ValueError, "max_age is '9'"),
    (dict(embedding='EmbeddingBank'), TypeError, 'expected a dict with "type", got str'),
    (dict(similarity=dict(type='bisoftmax')), KeyError, 'similarity has no'),
    (dict(cues=dict(MotionIoU=3)), TypeError, 'cues.MotionIoU must be a dict of .* got 3'),
    (dict(after_video=dict(LinkTracks=dict(iou_thr=0))), ValueError, 'LinkTracks: .* iou_thr 0')])
def test_wrong_options_are_named(cfg, error, message):
    with pytest.raises(error, match=message):
        TrackOptions(**cfg)


def test_the_page_as_printed():
    page = (pathlib.Path(__file__).parents[3] / '.github/docs/tracking.md').read_text()
    example, part = re.findall(r'^```python\n(.*?)^```$', page, re.M | re.S)
    given = {}
    exec(example + part, given)
    options = TrackOptions(**given['test_cfg']['track'])
    assert len(options.after_video) == 3 and isinstance(options.embedding, EmbeddingBank)
    own, = TrackOptions(cues=dict(SameSize={}, MotionIoU=None)).cues
    CUES.module_dict.pop('SameSize')
    boxes = torch.tensor([[0., 0, 9, 9], [0, 0, 19, 9]])
    dets = Detections(boxes, torch.ones(2), torch.zeros(2, dtype=torch.long), torch.tensor(True))
    torch.testing.assert_close(own(dets, remember(None, FRAMES))[:, 0],
                               torch.tensor([0, -math.log(2)]))
