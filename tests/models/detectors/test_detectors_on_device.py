"""Detectors on the pretend device: the CPU's numbers, and few waits of the host."""
import copy

import numpy as np
import pytest
import torch

from mmdet.core.track import TrackMemory
from mmdet.models import FCNMaskHead

DROPPED = dict(
    MaskTrackRCNN=((), ()), MaskRCNN=(('track_head',), ('ref_img', 'ref_bboxes', 'gt_pids')),
    FasterRCNN=(('track_head', 'mask_head', 'mask_roi_extractor'),
                ('ref_img', 'ref_bboxes', 'gt_pids', 'gt_masks')))
DROPPED['TwoStageDetector'] = DROPPED['FasterRCNN']


def of_kind(kind, cfg, batch):
    """Config and batch of a detector class."""
    cfg.model.type = kind
    for part in DROPPED[kind][0]:
        cfg.model.pop(part)
    for key in DROPPED[kind][1]:
        batch.pop(key)
    return cfg, batch


def times(batch, num):
    """The batch again and again, to ``num`` images."""
    return {key: (value[:1].expand(num, *value.shape[1:]) if torch.is_tensor(value) else
                  [value[i % len(value)] for i in range(num)]) for key, value in batch.items()}


def step(model, batch, dtype=torch.float32):
    """Losses of a training step and gradients by name, on the host."""
    torch.manual_seed(3)
    device = next(model.parameters()).device
    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        losses = model(return_loss=True, **batch)
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    return losses, {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def assert_steps_equal(pretend, model, batch, dtype=torch.float32, grad_tol=1e-5):
    """``grad_tol`` is relative to the largest entry of a gradient."""
    there = copy.deepcopy(model).to(pretend.device)
    want, want_grads = step(model, batch, dtype)
    got, grads = pretend.get(step(there, pretend.put(batch), dtype))
    assert got.keys() == want.keys() and grads.keys() == want_grads.keys()
    for key, value in want.items():
        torch.testing.assert_close(got[key], value, rtol=1e-5, atol=1e-6)
    for key, value in want_grads.items():
        scale = float(value.abs().max()) + 1e-6
        torch.testing.assert_close(grads[key], value, rtol=0, atol=grad_tol * scale, msg=key)


def crowds(batch):
    batch['gt_bboxes_ignore'] = [torch.tensor([[0., 0, 60, 40]]), torch.zeros(0, 4)]
    return batch


def one_empty(batch):
    """The second image without objects, the reference of the first, too."""
    for key in ('gt_bboxes', 'gt_labels', 'gt_masks', 'gt_pids'):
        batch[key] = [batch[key][0], batch[key][1][:0]]
    batch['ref_bboxes'] = [batch['ref_bboxes'][0][:0], batch['ref_bboxes'][1]]
    batch['gt_pids'][0] = batch['gt_pids'][0] * 0
    return batch


def all_empty(batch):
    for key in ('gt_bboxes', 'gt_labels', 'gt_masks', 'gt_pids', 'ref_bboxes'):
        batch[key] = [value[:0] for value in batch[key]]
    return batch


@pytest.mark.parametrize('kind', DROPPED)
@pytest.mark.parametrize('change', [lambda b: b, crowds, one_empty, all_empty],
                         ids=['plain', 'crowds', 'one_empty', 'all_empty'])
def test_a_training_step_equals_the_cpus(pretend, cfg, build, batch, kind, change):
    cfg.train_cfg.rcnn.assigner.ignore_iof_thr = 0.5
    cfg, batch = of_kind(kind, cfg, change(batch))
    assert_steps_equal(pretend, build(cfg).train(), batch)


def test_in_half_precision(pretend, cfg, build, batch):
    # the CPU keeps some sums in float32 that the wrapped operations round
    assert_steps_equal(pretend, build(cfg).train(), batch, torch.bfloat16, grad_tol=0.02)


def test_masks_may_stay_on_the_host(pretend, cfg, build, batch):
    model = build(cfg).train()
    there = copy.deepcopy(model).to(pretend.device)
    want, _ = step(model, batch)
    masks = [mask.numpy() for mask in batch.pop('gt_masks')]
    got, _ = pretend.get(step(there, dict(pretend.put(batch), gt_masks=masks)))
    torch.testing.assert_close(got['loss_mask'], want['loss_mask'])


@pytest.mark.parametrize('sampler', [
    dict(type='InstanceBalancedPosSampler', num=12, pos_fraction=.5, add_gt_as_proposals=True),
    dict(type='IoUBalancedNegSampler', num=12, pos_fraction=.5, add_gt_as_proposals=True),
    dict(type='CombinedSampler', num=12, pos_fraction=.5, add_gt_as_proposals=True,
         pos_sampler=dict(type='InstanceBalancedPosSampler'),
         neg_sampler=dict(type='IoUBalancedNegSampler')),
    dict(type='PseudoSampler')], ids=lambda cfg: cfg['type'])
def test_every_sampler(pretend, cfg, build, batch, sampler):
    cfg.train_cfg.rcnn.sampler = sampler
    assert_steps_equal(pretend, build(cfg).train(), batch)


@pytest.mark.parametrize('change', [
    dict(nms_across_levels=True), dict(nms_pre=60, nms_post=20), dict(min_bbox_size=8)])
def test_proposal_options(pretend, cfg, build, batch, change):
    cfg.test_cfg.rpn.update(change)
    assert_steps_equal(pretend, build(cfg).train(), batch)


@pytest.mark.parametrize('num', [1, 3, 8])
def test_a_training_step_waits_as_often_for_many_images(pretend, cfg, build, batch, num):
    model, there = build(cfg).train().to(pretend.device), pretend.put(times(batch, num))
    step(model, there)
    with pretend.counting() as waits:
        step(model, there)
    # samples of the RPN, NMS, proposals per image, samples of the box head
    assert len(waits) == 4 - (num == 1), waits


def track(model, frames, put=lambda x: x):
    results, memory = [], None
    for img, meta in frames:
        result, memory = model.track(put(img), meta, memory)
        results.append(result)
    return results


def test_tracking_equals_the_cpus(pretend, cfg, build, frames):
    cfg.test_cfg.rcnn.score_thr = 0.0
    cfg.test_cfg.track = dict(max_age=2)
    model = build(cfg).eval()
    there = copy.deepcopy(model).to(pretend.device)
    clip = frames(4) + frames(1, seed=1)
    for got, want in zip(track(there, clip, pretend.put), track(model, clip), strict=True):
        np.testing.assert_allclose(got.boxes, want.boxes, atol=1e-4)
        assert np.array_equal(got.obj_ids, want.obj_ids) and np.array_equal(got.labels, want.labels)
        assert got.masks == want.masks and len(got.masks) > 0


@pytest.mark.parametrize('score_thr, options', [(0.0, {}), (1.0, {}), (0.0, dict(
    similarity='bisoftmax', start_thr=.1, second_round=dict(score_thr=.1),
    embedding=dict(type='EmbeddingBank'), cues=dict(MotionIoU={}), after_video=dict(VoteClass={})
))], ids=['default', 'nothing_found', 'options'])
def test_a_tracked_frame_waits_five_times(pretend, cfg, build, frames, score_thr, options):
    cfg.test_cfg.rcnn.score_thr, cfg.test_cfg.track = score_thr, options
    model = build(cfg).eval().to(pretend.device)
    clip = [(pretend.put(img), meta) for img, meta in frames(3)]
    track(model, clip[:1])
    with pretend.counting() as waits:
        track(model, clip)
    assert len(waits) == 5 * len(clip), waits


@pytest.mark.parametrize('kind', ['MaskRCNN', 'FasterRCNN'])
@pytest.mark.parametrize('nms', [dict(type='nms', iou_thr=.5), dict(type='soft_nms', iou_thr=.5)],
                         ids=lambda cfg: cfg['type'])
def test_detection_equals_the_cpus(pretend, cfg, build, batch, frames, kind, nms):
    cfg, _ = of_kind(kind, cfg, batch)
    cfg.test_cfg.rcnn.update(score_thr=0.0, nms=nms)
    model = build(cfg).eval()
    there = copy.deepcopy(model).to(pretend.device)
    (img, meta), = frames(1)
    want, got = model.detect(img, meta), there.detect(pretend.put(img), meta)
    boxes = (want[0], got[0]) if kind == 'MaskRCNN' else (want, got)
    for a, b in zip(*boxes, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert kind == 'FasterRCNN' or want[1] == got[1]


# The reverse proof: what fails on a GPU fails here.


def test_numpy_in_the_training_path_fails(pretend, cfg, build, batch, monkeypatch):
    real = FCNMaskHead.get_targets

    def through_numpy(head, samples, gt_masks, cfg):
        return real(head, samples, [torch.from_numpy(mask.numpy()) for mask in gt_masks], cfg)

    monkeypatch.setattr(FCNMaskHead, 'get_targets', through_numpy)
    model = build(cfg).train().to(pretend.device)
    with pytest.raises(TypeError, match='device type tensor to numpy'):
        step(model, pretend.put(batch))


def test_a_host_tensor_in_the_test_path_fails(pretend, cfg, build, frames, monkeypatch):
    real = TrackMemory.alive
    monkeypatch.setattr(TrackMemory, 'alive',
                        lambda *args: real(*args) * torch.ones(1, dtype=torch.bool))
    cfg.test_cfg.rcnn.score_thr = 0.0
    with pytest.raises(RuntimeError, match='same device'):
        track(build(cfg).eval().to(pretend.device), frames(2), pretend.put)


def test_one_more_wait_is_seen(pretend, cfg, build, batch, monkeypatch):
    real = FCNMaskHead.loss
    monkeypatch.setattr(FCNMaskHead, 'loss', lambda head, *args: (
        float(args[1].sum()), real(head, *args))[1])
    model, there = build(cfg).train().to(pretend.device), pretend.put(batch)
    with pretend.counting() as waits:
        step(model, there)
    assert len(waits) == 5 and any('test_detectors_on_device.py' in wait.where for wait in waits)
