"""Tracking as a function of (frame, memory)."""
import numpy as np
import pytest
import torch

from mmdet.core import TrackMemory


@pytest.fixture
def model(cfg, build):
    """An untrained tracker that reports anything it sees."""
    cfg.test_cfg.rcnn.score_thr = 0.0
    torch.manual_seed(1)
    return build(cfg).eval()


def run(model, frames):
    results, memory = [], None
    for img, meta in frames:
        result, memory = model.track(img, meta, memory)
        results.append(result)
    return results


def assert_same(a, b):
    for x, y in zip(a, b):
        assert np.array_equal(x.boxes, y.boxes) and np.array_equal(x.obj_ids, y.obj_ids)
        assert np.array_equal(x.scores, y.scores)
        assert np.array_equal(x.labels, y.labels) and x.masks == y.masks


def test_interleaved_videos_equal_one_after_the_other(model, frames):
    one, two = frames(4, seed=1), frames(4, seed=2)
    want = run(model, one), run(model, two)
    got, memories = ([], []), [None, None]
    for pair in zip(one, two):
        for i, (img, meta) in enumerate(pair):
            result, memories[i] = model.track(img, meta, memories[i])
            got[i].append(result)
    assert len(want[0][-1].boxes) > 0
    assert_same(got[0], want[0])
    assert_same(got[1], want[1])


def test_ids_of_a_frame_are_unique_and_the_first_frame_counts_up(model, frames):
    results = run(model, frames(3))
    assert results[0].obj_ids.tolist() == list(range(len(results[0].boxes)))
    for r in results:
        assert len(set(r.obj_ids.tolist())) == len(r.obj_ids) == len(r.masks) == len(r.labels)


def test_the_same_frame_again_gives_the_same_ids(model, frames):
    frame = frames(1)[0]
    first, memory = model.track(*frame)
    again, _ = model.track(*frame, memory)
    np.testing.assert_allclose(first.boxes, again.boxes)
    assert len(first.obj_ids) == 10 and set(again.obj_ids) <= set(first.obj_ids)


def test_a_frame_without_detections(cfg, build, frames):
    cfg.test_cfg.rcnn.score_thr = 1.0
    model = build(cfg).eval()
    result, memory = model.track(*frames(1)[0])
    assert result.boxes.shape == (0, 4) and result.masks == [] and len(memory) == 0
    assert result.obj_ids.dtype == np.int64 and memory.frame == 1


def test_max_age_stops_matching(cfg, build, frames):
    cfg.test_cfg.rcnn.score_thr = 0.0
    cfg.test_cfg.track = dict(max_age=1)
    model = build(cfg).eval()
    frame = frames(1)[0]
    first, memory = model.track(*frame)
    old = TrackMemory(**{**vars(memory), 'frame': memory.frame + 5})
    again, _ = model.track(*frame, old)
    assert set(again.obj_ids.tolist()).isdisjoint(first.obj_ids.tolist())


def test_results_are_in_original_pixels(cfg, build, frames):
    cfg.test_cfg.rcnn.score_thr = 0.0
    model = build(cfg).eval()
    img, meta = frames(1)[0]
    same, _ = model.track(img, meta)
    assert same.masks[0]['size'] == [64, 96]
    meta.update(ori_shape=(32, 48, 3), scale_factor=2.0)
    small, _ = model.track(img, meta)
    assert small.masks[0]['size'] == [32, 48] and small.boxes[:, 2].max() <= 95 / 2
    meta.update(ori_shape=(32, 192, 3), scale_factor=np.float32([.5, 2, .5, 2]))
    wide, _ = model.track(img, meta)  # the aspect ratio was not kept
    assert wide.masks[0]['size'] == [32, 192] and 96 < wide.boxes[:, 2].max() <= 95 * 2
    assert wide.boxes[:, 3].max() <= 63 / 2


def test_detect_gives_lists_by_class(model, frames):
    boxes, masks = model.detect(*frames(1)[0])
    assert [len(b) for b in boxes] == [len(m) for m in masks] and len(boxes) == 3
    assert sum(map(len, boxes)) == 10


def test_wrong_settings_are_named(cfg, build):
    cfg.test_cfg.track = dict(label_memory='last')
    with pytest.raises(ValueError, match="'first' or 'latest', got 'last'"):
        build(cfg)
    cfg.test_cfg.track = dict(maxage=3)
    with pytest.raises(TypeError,
                       match='test_cfg.track has no key "maxage"; did you mean "max_age"'):
        build(cfg)
    cfg.test_cfg.pop('track')
    cfg.train_cfg.rcnn.mask_siz = 28
    with pytest.raises(TypeError,
                       match='train_cfg.rcnn has no key "mask_siz"; did you mean "mask_size"'):
        build(cfg)
    cfg.train_cfg.rcnn.pop('mask_siz')
    cfg.model.rpn_head.anchor_scale = [8]
    with pytest.raises(TypeError,
                       match='RPNHead has no key "anchor_scale"; did you mean "anchor_scales"'):
        build(cfg)


@pytest.mark.parametrize('path, value, error, word', [
    ('train_cfg.rpn.assigner.pos_iou', .5, TypeError, 'did you mean "pos_iou_thr"'),
    ('train_cfg.rcnn.sampler.type', 'RandomSampeler', KeyError, 'did you mean "RandomSampler"'),
    ('train_cfg.rcnn.sampler.pos_fractoin', .5, TypeError, 'did you mean "pos_fraction"'),
    ('test_cfg.rcnn.nms.iou', .5, TypeError, 'did you mean "iou_thr"'),
    ('test_cfg.rcnn.nms.type', 'sotf_nms', ValueError, '"nms" or "soft_nms"')])
def test_misspelt_parts_stop_before_anything_is_built(cfg, build, path, value, error, word):
    cfg.merge_from_dict({path: value})
    with pytest.raises(error, match=word):
        build(cfg)


def test_a_bounded_memory_gives_the_same_ids(cfg, build, frames, monkeypatch):
    monkeypatch.setattr('mmdet.models.detectors.masktrack_rcnn.FORGET_EVERY', 1)
    cfg.test_cfg.rcnn.score_thr = 0.0
    cfg.test_cfg.track = dict(max_age=1)
    model, shots = build(cfg).eval(), frames(3)
    shots = [shots[i] for i in (0, 0, 1, 2, 1, 0, 2, 2)]
    sizes, found = {}, {}
    for forget in (TrackMemory.forget, lambda memory, _: memory):
        monkeypatch.setattr(TrackMemory, 'forget', forget)
        memory, ids = None, []
        for shot in shots:
            result, memory = model.track(*shot, memory)
            ids.append(result.obj_ids.tolist())
        found[forget], sizes[forget] = ids, len(memory)
        assert memory.total == max(max(i) for i in ids) + 1
    bounded, whole = sizes.values()
    assert len(set(map(str, found.values()))) == 1 and bounded < whole == memory.total


@pytest.mark.parametrize('part, number', [
    ('track_head.fcs.0', 'nan'), ('bbox_head.fc_cls', 'nan'), ('bbox_head.fc_reg', 'nan'),
    ('backbone.conv1', 'nan'), ('track_head.fcs.0', 'inf'), ('bbox_head.fc_cls', 'inf'),
    ('backbone.conv1', 'inf')])
def test_what_is_not_finite_names_the_frame(cfg, build, frames, part, number):
    cfg.test_cfg.rcnn.score_thr = 0.0
    model = build(cfg).eval()
    img, meta = frames(1)[0]
    torch.nn.init.constant_(model.get_submodule(part).bias if 'conv1' not in part
                            else model.get_submodule(part).weight, float(number))
    with pytest.raises(ValueError, match='a/7.jpg: the network gives NaN or infinity'):
        model.track(img, dict(meta, filename='a/7.jpg'))
