"""Ids given again to detections that were kept."""
import copy

import numpy as np
import pytest
import torch

from mmdet.engine.after_video import finish_video
from mmdet.engine.replay import build_tracker, replay_video

CPU = torch.device('cpu')
OTHERS = {'test_cfg.track': dict(max_age=1, label_memory='latest'),
          'model.track_head.match_coeff': None, 'model.track_head.bbox_dummy_iou': 3.}
ALL_OPTIONS = {'test_cfg.track': dict(
    similarity='bisoftmax', assigner='hungarian', start_thr=.27,
    second_round=dict(score_thr=.28, iou_thr=.3), embedding=dict(type='EmbeddingBank', size=3),
    cues=dict(MotionIoU=dict(weight=2.), MotionMaskIoU=dict(weight=3.)), after_video=dict(
        DropDuplicates=dict(iou_thr=.4, same_label=False), LinkTracks=dict(iou_thr=.1),
        VoteClass={}))}


@pytest.fixture
def tracked(cfg, build, frames):
    """Function of settings: results of a clip and what was kept of it."""
    cfg.test_cfg.rcnn.score_thr = 0.0
    clip = frames(2) + frames(1, seed=1) + frames(1)

    def track(settings, keep=True, pretend=None):
        changed = copy.deepcopy(cfg)
        changed.merge_from_dict(settings)
        torch.manual_seed(1)
        model = build(changed).eval().to(pretend.device if pretend else CPU)
        results, kept, memory = [], [], None
        for img, meta in clip:
            img = pretend.put(img) if pretend else img
            result, memory = model.track(img, meta, memory, kept.append if keep else None)
            results.append(result)
        return changed, finish_video(model, results), kept
    return track


def assert_same(got, want):
    for a, b in zip(got, want, strict=True):
        for name in ('boxes', 'scores', 'labels', 'obj_ids'):
            assert np.array_equal(getattr(a, name), getattr(b, name)), name
        assert a.masks == b.masks


def check_kept(results, kept):
    for frame in kept:
        assert len(frame) == len(frame.masks) == 10 and frame.embeddings.shape[1] > 1
        assert frame.bits.shape[0] == 10 and 0 < frame.bits.mean() < 1
        np.testing.assert_allclose(frame.probs.sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_array_equal(frame.probs[range(10), frame.labels + 1], frame.scores)
    assert sum(map(len, kept)) > sum(map(len, results))  # some got no id


def test_a_replay_equals_tracking_with_other_settings(tracked):
    same, default, kept = tracked({})
    check_kept(default, kept)
    assert_same(list(replay_video(build_tracker(same), kept, CPU)), default)
    for settings in (OTHERS, ALL_OPTIONS):
        changed, want, _ = tracked(settings, keep=False)
        assert_same(list(replay_video(build_tracker(changed), kept, CPU)), want)
        assert any(a.obj_ids.tolist() != b.obj_ids.tolist() for a, b in zip(want, default))


@pytest.mark.parametrize('settings', [{}, ALL_OPTIONS], ids=['default', 'all_options'])
def test_on_a_device_too(tracked, pretend, settings):
    cfg, want, kept = tracked(settings)
    _, _, there = tracked(settings, pretend=pretend)
    for a, b in zip(there, kept, strict=True):
        np.testing.assert_allclose(a.embeddings, b.embeddings, atol=1e-4)
        np.testing.assert_allclose(a.probs, b.probs, atol=1e-5)
        assert a.masks == b.masks and np.array_equal(a.bits, b.bits)
    assert_same(list(replay_video(build_tracker(cfg), kept, pretend.device)), want)


def test_a_detector_that_gives_no_ids(cfg):
    cfg.model.type = 'MaskRCNN'
    cfg.model.pop('track_head')
    with pytest.raises(TypeError, match='MaskRCNN gives no ids; give the model a track_head'):
        build_tracker(cfg)
