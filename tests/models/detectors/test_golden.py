"""The detector computes what the 2019 code computed: tests/data/golden/model."""
import pathlib

import cv2
import numpy as np
import pytest
import torch
from mmengine import Config
from pycocotools import mask as mask_util

from mmdet.core import FramePreprocessor
from mmdet.core.bbox import bbox_overlaps
from mmdet.engine.inference import prepare_inference
from mmdet.models import RPNHead, build_detector

NORM = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
PAPER = pathlib.Path(__file__).parents[3] / 'configs/masktrack_rcnn_r50_fpn_1x_youtubevos.py'


def classic_config(kind):
    """The config of a golden model: ``'paper'`` or ``'tiny'``."""
    cfg = Config.fromfile(PAPER)
    cfg.model.pretrained = None
    if kind == 'tiny':
        cfg.model.backbone.depth = 18
        cfg.model.neck.update(in_channels=[64, 128, 256, 512], out_channels=64)
        cfg.model.rpn_head.update(in_channels=64, feat_channels=64)
        for part in ('bbox_roi_extractor', 'mask_roi_extractor'):
            cfg.model[part].out_channels = 64
        cfg.model.bbox_head.update(in_channels=64, fc_out_channels=128, num_classes=4)
        cfg.model.track_head.update(in_channels=64, fc_out_channels=128)
        cfg.model.mask_head.update(in_channels=64, conv_out_channels=64, num_classes=4)
    return cfg


@pytest.fixture
def order_of_2019(monkeypatch):
    """Equal proposal scores meet NMS in the order of 2019.

    Sigmoids of confident anchors saturate, so equal scores are common in the recordings and
    decide which of two overlapping proposals survives. The 2019 code sorted without stability;
    the product keeps the order of the anchors.
    """
    stable = RPNHead.best_anchors

    def best_anchors(head, cls_score, bbox_pred, anchors, num):
        scores, deltas, anchors = stable(head, cls_score, bbox_pred, anchors, 0)
        num = min(num, scores.shape[1])
        order = []
        for row in scores[..., 0]:
            top = row.topk(num)[1] if num < len(row) else torch.arange(num)
            heap = np.argsort(row[top].detach().numpy(), kind='heapsort')[::-1]
            order.append(top[torch.from_numpy(heap.copy())])
        order = torch.stack(order)[..., None]
        deltas, anchors = (x.gather(1, order.expand(-1, -1, 4)) for x in (deltas, anchors))
        return scores.gather(1, order), deltas, anchors

    monkeypatch.setattr(RPNHead, 'best_anchors', best_anchors)


def golden_detector(kind, weights, recipe, cfg=None):
    """A detector with the golden weights."""
    cfg = cfg or classic_config(kind)
    model = build_detector(cfg.model, train_cfg=cfg.train_cfg, test_cfg=cfg.test_cfg)
    model.load_state_dict({
        key: torch.from_numpy(np.asarray(recipe.weight(weights, key, tuple(value.shape))))
        for key, value in model.state_dict().items()})
    return model


def resized(frame, img_scale):
    """A frame as the data set delivers it, its factor, its padded shape."""
    h, w = frame.shape[:2]
    scale = min(max(img_scale) / max(h, w), min(img_scale) / min(h, w))
    size = int(w * scale + 0.5), int(h * scale + 0.5)
    frame = cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR)
    pad_shape = tuple(-(-s // 32) * 32 for s in frame.shape[:2]) + (3, )
    return torch.from_numpy(frame), scale, pad_shape


def assert_stat(tensor, stat, rel):
    x = tensor.detach().double().flatten()
    assert list(tensor.shape) == stat['shape']
    tol = rel * stat['abs_max']
    got = [x.mean(), x.std(unbiased=False), x.abs().max()]
    np.testing.assert_allclose(got, [stat['mean'], stat['std'], stat['abs_max']],
                               rtol=rel, atol=tol)
    inds = np.linspace(0, x.numel() - 1, 8).astype(int)
    np.testing.assert_allclose(x[inds], stat['samples'], rtol=rel, atol=tol)


@pytest.mark.parametrize('prepare', [torch.nn.Module.eval, prepare_inference],
                         ids=['plain', 'prepared'])
@pytest.mark.parametrize('name', ['infer_tiny_a', 'infer_tiny_b', 'infer_paper_a'])
def test_inference(name, prepare, golden, recipe, order_of_2019):
    g = golden(f'model/{name}')
    model = prepare(golden_detector(g['model'], g['weights'], recipe))
    frames, _ = recipe.video(*[g['video'][k] for k in (
        'seed', 'height', 'width', 'num_frames', 'num_objects')])
    memory, preprocess = None, FramePreprocessor(**NORM)
    for frame, want in zip(frames, g['frames']):
        small, scale, pad_shape = resized(frame, g['img_scale'])
        meta = dict(ori_shape=frame.shape, img_shape=tuple(small.shape),
                    pad_shape=pad_shape, scale_factor=scale)
        assert [list(meta['img_shape']), list(pad_shape), scale] == [
            want['img_shape'], want['pad_shape'], want['scale_factor']]
        img = preprocess([small])
        check_stages(model, img, meta, want, ties=prepare is prepare_inference)
        result, memory = model.track(img, meta, memory)
        check_objects(result, want['objects'])


def check_stages(model, img, meta, want, ties):
    with torch.no_grad():
        feats = model.extract_feat(img)
        for level, stat in zip(feats, want.get('fpn', [])):
            assert_stat(level, stat, 1e-3)
        proposals, = model.rpn_head.get_proposals(
            *model.rpn_head(feats), [meta], model.test_cfg.rpn)
    assert len(proposals) == want['proposals_num']
    # scores saturate at 1 - 1e-7, where the order of the first rows is rounding noise
    top = torch.tensor(want['proposals_top'])
    distance = (top[:, None, :4] - proposals[None, :, :4]).abs().amax(2)
    nearest, row = distance.min(dim=1)
    found = nearest < 0.02
    if ties:  # rounded otherwise, the other of two overlapping boxes of score 1 may survive
        ious = bbox_overlaps(top[:, :4], proposals[:, :4]).amax(1)
        found |= (top[:, 4] == 1) & (ious > model.test_cfg.rpn.nms_thr)
    assert found.all()
    np.testing.assert_allclose(proposals[row, 4], top[:, 4], atol=1e-3)


def check_objects(result, want):
    want = {o['id']: o for o in want}
    assert sorted(result.obj_ids.tolist()) == sorted(want)
    for box, score, label, i, mask in zip(result.boxes, result.scores, result.labels,
                                          result.obj_ids, result.masks):
        assert label == want[i]['label']
        np.testing.assert_allclose(box, want[i]['bbox'][:4], atol=0.02)
        np.testing.assert_allclose(score, want[i]['bbox'][4], atol=1e-3)
        iou = mask_util.iou([mask], [want[i]['rle']], [0])[0, 0]
        assert iou > 0.995 or mask_util.area(mask) == want[i]['area'] == 0


@pytest.mark.parametrize('name', ['train_tiny_a', 'train_tiny_flip', 'train_paper_a'])
def test_training(name, golden, recipe, order_of_2019):
    g = golden(f'model/{name}')
    cfg = classic_config(g['model'])
    cfg.train_cfg.rpn.sampler.num = cfg.train_cfg.rcnn.sampler.num = 10**7
    model = golden_detector(g['model'], g['weights'], recipe, cfg).train()
    batch = training_batch(g, recipe)
    losses = model(**batch)
    for key, want in g['log_vars'].items():
        if key != 'loss':
            rel = 5e-3 if key == 'loss_mask' else 1e-3
            assert losses[key].item() == pytest.approx(want, rel=rel), key
    total = sum(v for k, v in losses.items() if 'loss' in k)
    assert total.item() == pytest.approx(g['log_vars']['loss'], rel=1e-3)
    total.backward()
    assert sorted(k for k, p in model.named_parameters() if p.grad is None) == sorted(g['no_grad'])
    for key, want in g['grad_norms'].items():
        got = float(model.get_parameter(key).grad.norm())
        assert got == pytest.approx(want, rel=1e-2, abs=1e-7), key
    check_levels(model, batch, g)


def check_levels(model, batch, g):
    raw = model.rpn_head(model.extract_feat(batch['img']))
    losses = model.rpn_head.loss(*raw, batch['gt_bboxes'], batch['img_meta'],
                                 model.train_cfg.rpn)
    for key, want in g['per_level'].items():
        np.testing.assert_allclose(losses[key].detach(), want, rtol=1e-3, atol=1e-7)


def training_batch(g, recipe):
    """The batch that a golden training file lists: boxes and masks from the recipe."""
    pairs = [make_pair(g, seed, recipe) for seed in g['videos']]
    batch = {key: [pair[key] for pair in pairs] for key in pairs[0]}
    preprocess = FramePreprocessor(**NORM)
    for key in ('img', 'ref_img'):
        batch[key] = preprocess(batch[key])
        assert_stat(batch[key], g['batch'][key], 1e-2)
    for key in ('gt_bboxes', 'ref_bboxes'):
        for got, want in zip(batch[key], g['batch'][key]):
            np.testing.assert_allclose(got, want, atol=1e-3)
    assert [x.tolist() for x in batch['gt_labels']] == g['batch']['gt_labels']
    assert [x.tolist() for x in batch['gt_pids']] == g['batch']['gt_pids']
    assert [x.sum((1, 2)).tolist() for x in batch['gt_masks']] == g['batch']['gt_mask_areas']
    return batch


def make_pair(g, seed, recipe):
    frames, objects = recipe.video(seed, g['height'], g['width'], 2, g['num_objects'])
    imgs, boxes, ids, masks = [], [], [], []
    for t in range(2):
        small, scale, pad = resized(frames[t], g['img_scale'])
        present = [i for i, o in enumerate(objects) if o['masks'][t].any()]
        ids.append(present)
        boxes.append(scaled_boxes(objects, present, t, scale, small.shape, g['flip']))
        imgs.append(small.flip(1) if g['flip'] else small)
        masks.append(scaled_masks(objects, present, t, small.shape, pad, g['flip']))
    return dict(
        img=imgs[0], ref_img=imgs[1], gt_bboxes=boxes[0], ref_bboxes=boxes[1],
        gt_masks=masks[0],
        gt_labels=torch.tensor([objects[i]['category'] + 1 for i in ids[0]]),
        gt_pids=torch.tensor([ids[1].index(i) + 1 if i in ids[1] else 0 for i in ids[0]]),
        img_meta=dict(img_shape=tuple(small.shape), pad_shape=pad, scale_factor=scale))


def scaled_boxes(objects, present, t, scale, shape, flip):
    boxes = []
    for i in present:
        ys, xs = np.nonzero(objects[i]['masks'][t])
        boxes.append([xs.min(), ys.min(), xs.max(), ys.max()])
    boxes = np.array(boxes, np.float32) * scale
    if flip:
        boxes = boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [shape[1] - 1, 0, shape[1] - 1, 0]
    boxes[:, 0::2] = boxes[:, 0::2].clip(0, shape[1] - 1)
    boxes[:, 1::2] = boxes[:, 1::2].clip(0, shape[0] - 1)
    return torch.from_numpy(boxes.astype(np.float32))


def scaled_masks(objects, present, t, shape, pad, flip):
    out = np.zeros((len(present), *pad[:2]), np.uint8)
    for row, i in zip(out, present):
        mask = cv2.resize(objects[i]['masks'][t].astype(np.uint8), shape[1::-1],
                          interpolation=cv2.INTER_NEAREST)
        row[:shape[0], :shape[1]] = mask[:, ::-1] if flip else mask
    return torch.from_numpy(out)
