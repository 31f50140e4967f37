"""torchvision's Mask R-CNN, converted, finds what it found there.

Weights are random, but scaled so that scores and deltas spread as those of a trained network do.
An inclusive box [x1, x2] here is the half-open [x1, x2 + 1) there; with that the two agree to
rounding at every step. What stays different, and why, is in .github/docs/coco_weights.md.
"""
import pathlib

import numpy as np
import pytest
import torch
import torchvision
from pycocotools import mask as coco_mask
from torch import nn

from mmdet.apis.inference import FrameLoader, load_detector
from mmdet.checkpoint import load_checkpoint
from mmdet.checkpoint.convert import to_classic
from mmdet.datasets import CocoDataset
from mmdet.models import build_detector
from mmdet.utils import load_config

CONFIG = pathlib.Path(__file__).parents[2] / 'configs' / 'masktrack_rcnn_r50_fpn_1x_youtubevos.py'
HEIGHT, WIDTH = 128, 224  # seven cells of 32 pixels: the stride of the last level is 56, not 64
PROPOSALS = 400
NAMES = torchvision.models.detection.MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta['categories']
UNUSED = [i for i, name in enumerate(NAMES) if name == 'N/A']
SPREAD = {  # deviation of what a layer gives
    **{f'backbone.fpn.inner_blocks.{i}.0': 1 for i in range(4)},
    'rpn.head.cls_logits': 3, 'rpn.head.bbox_pred': .5, 'roi_heads.box_head.fc6': 1,
    'roi_heads.box_head.fc7': 1, 'roi_heads.box_predictor.cls_score': 3,
    'roi_heads.box_predictor.bbox_pred': 1, 'roi_heads.mask_predictor.mask_fcn_logits': 3}


def spread(layer, deviation):
    """Shift and scale a layer once, by what it gives next: every channel has mean 0 then."""

    def scale(_, args, out):
        hook.remove()
        mean = out.transpose(0, 1).flatten(1).mean(1)
        layer.bias.sub_(mean)
        out = out - mean.view(-1, *[1] * (out.dim() - 2))
        factor = deviation / out.std()
        layer.weight.mul_(factor)
        layer.bias.mul_(factor)
        return out * factor

    hook = layer.register_forward_hook(scale)


@pytest.fixture(scope='module')
def frame():
    """(h, w, 3) uint8 RGB."""
    noise = torch.rand(1, 3, 12, 18, generator=torch.Generator().manual_seed(1))
    smooth = nn.functional.interpolate(noise, (HEIGHT, WIDTH), mode='bicubic').clamp(0, 1)
    return (smooth[0].permute(1, 2, 0) * 255).round().byte().numpy()


@pytest.fixture(scope='module')
def theirs(frame):
    torch.manual_seed(0)
    model = torchvision.models.detection.maskrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, min_size=HEIGHT, max_size=WIDTH,
        rpn_pre_nms_top_n_test=PROPOSALS, rpn_post_nms_top_n_test=PROPOSALS).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 0.  # as torchvision does with its published weights
            module.running_mean.uniform_(-.1, .1)
            module.running_var.uniform_(.5, 1.5)[0] = 3e-6  # some published ones are that small
            module.weight.data[0] = 1e-3
    for name, deviation in SPREAD.items():
        spread(model.get_submodule(name), deviation)
    with torch.no_grad():
        model([torch.from_numpy(frame).permute(2, 0, 1) / 255])
        # No picture shows the ten ids that have no class; a trained classifier never names them.
        model.roi_heads.box_predictor.cls_score.bias[UNUSED] = -50
    return model


@pytest.fixture(scope='module')
def path(theirs, tmp_path_factory):
    path = str(tmp_path_factory.mktemp('weights') / 'torchvision.pth')
    torch.save(theirs.state_dict(), path)
    return path


@pytest.fixture(scope='module')
def ours(path):
    return load_detector('coco', path, {
        'data.test.img_scale': (WIDTH, HEIGHT), 'test_cfg.rcnn.score_thr': .05,
        **{f'test_cfg.rpn.{key}': PROPOSALS for key in ('nms_pre', 'nms_post', 'max_num')}}).eval()


@pytest.fixture(scope='module')
@torch.no_grad()
def stages(theirs, ours, frame):
    """Images, features, proposals, detections of both: pairs of torchvision's and ours."""
    loader = FrameLoader(ours.cfg)
    item = loader.item(np.ascontiguousarray(frame[..., ::-1]))
    img, meta = loader.preprocess([item['img']]), item['img_meta']
    images, _ = theirs.transform([torch.from_numpy(frame).permute(2, 0, 1) / 255])
    feats = theirs.backbone(images.tensors)
    views = ours.views(img, meta)
    raw = ours.rpn_head(views[0].feats)
    proposals = ours.rpn_head.get_proposals(*raw, [meta], ours.test_cfg.rpn)[0]
    found = theirs([torch.from_numpy(frame).permute(2, 0, 1) / 255])[0]
    dets = ours.detect_boxes(views)
    masks = ours.detect_masks(views, dets, dets.cpu())
    return dict(
        images=(images.tensors, img), feats=(list(feats.values()), list(views[0].feats)),
        anchors=(theirs.rpn.anchor_generator(images, list(feats.values()))[0],
                 half_open(torch.cat(ours.rpn_head.anchors(raw[0])))),
        proposals=(theirs.rpn(images, feats)[0][0], half_open(proposals[:, :4])),
        boxes=(found['boxes'], half_open(dets.boxes)), scores=(found['scores'], dets.scores),
        names=([NAMES[i].replace(' ', '_') for i in found['labels']],
               [CocoDataset.CLASSES[i] for i in dets.labels]),
        masks=(found['masks'][:, 0] > .5,
               torch.from_numpy(np.stack([coco_mask.decode(m) for m in masks])).bool()))


def half_open(boxes):
    return boxes + boxes.new_tensor([0, 0, 1, 1])


def pairs(expected, got):
    """Rows of two tables of boxes that are the same but for 0.01 pixels."""
    near = (expected[:, None] - got).abs().amax(2)
    return [rows for rows in zip(range(len(near)), near.argmin(1).tolist())
            if near[rows] < .01]


def test_images_and_features_are_the_same(stages):
    torch.testing.assert_close(*stages['images'], rtol=0, atol=1e-6)
    for theirs, ours in zip(*stages['feats'], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_anchors_are_equal(stages):
    assert torch.equal(*stages['anchors'])


def test_proposals_are_the_same(stages):
    """But for slivers that the border cut off, which torchvision keeps below one pixel."""
    theirs, ours = stages['proposals']
    same = pairs(theirs, ours)
    left = theirs[[i for i in range(len(theirs)) if i not in dict(same)]]
    assert len(theirs) == len(ours) == PROPOSALS and len(left) < 10
    assert (left[:, 2:] - left[:, :2]).amin(1).le(1.001).all()


def test_detections_are_the_same(stages):
    """Where none of the slivers took part: 95 of 100 and more."""
    same = pairs(*stages['boxes'])
    rows, columns = map(list, zip(*same))
    (scores, our_scores), (names, our_names) = stages['scores'], stages['names']
    assert len(same) >= 95 and len(set(columns)) == len(same)
    assert [names[i] for i in rows] == [our_names[j] for j in columns]
    torch.testing.assert_close(our_scores[columns], scores[rows], rtol=0, atol=1e-4)
    assert len(set(names)) > 20


def test_masks_are_the_same(stages):
    """But for pixels whose probability is 0.5 to rounding: none on most machines."""
    theirs, ours = stages['masks']
    for i, j in pairs(*stages['boxes']):
        assert (theirs[i] != ours[j]).sum() <= 2
    assert theirs.flatten(1).sum(1).float().median() > 50


@torch.no_grad()
def test_a_variance_below_eps_is_made_up_for():
    x, theirs, ours = torch.randn(1, 2, 4, 4), nn.BatchNorm2d(2, eps=0).eval(), nn.BatchNorm2d(2)
    theirs.running_var.copy_(torch.tensor([2e-6, .5]))
    state, _ = to_classic({f'backbone.body.bn1.{k}': v for k, v in theirs.state_dict().items()})
    ours.eval().load_state_dict({k.removeprefix('backbone.bn1.'): v for k, v in state.items()})
    torch.testing.assert_close(ours(x), theirs(x))


def test_a_tracker_starts_from_them(path):
    cfg = load_config(str(CONFIG))
    tracker = build_detector(dict(cfg.model, pretrained=None), cfg.train_cfg, cfg.test_cfg)
    report = load_checkpoint(tracker, path)
    skipped = {key.rpartition('.')[0] for key, *_ in report.shape}
    assert skipped == {'bbox_head.fc_cls', 'bbox_head.fc_reg', 'mask_head.conv_logits'}
    assert {key.split('.')[0] for key in report.missing} == {'track_head'}
    assert not report.unexpected and len(report.loaded) == 354

