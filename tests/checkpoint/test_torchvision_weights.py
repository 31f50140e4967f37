"""torchvision's Mask R-CNN, converted, computes what it computed there."""
import pathlib

import pytest
import torch
import torchvision

from mmdet.checkpoint import load_checkpoint
from mmdet.models import build_detector
from mmdet.utils import load_config

CONFIG = pathlib.Path(__file__).parents[2] / 'configs' / 'masktrack_rcnn_r50_fpn_1x_youtubevos.py'


@pytest.fixture(scope='module')
def theirs():
    torch.manual_seed(0)
    model = torchvision.models.detection.maskrcnn_resnet50_fpn(
        weights=None, weights_backbone=None).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 0.  # as torchvision does with its published weights
            module.running_mean.uniform_(-.1, .1)
            module.running_var.uniform_(.5, 1.5)
    return model


def build(classes, track_head=True):
    cfg = load_config(str(CONFIG))
    model = dict(cfg.model, pretrained=None)
    for head in ('bbox_head', 'mask_head'):
        model[head] = dict(model[head], num_classes=classes)
    if not track_head:
        model.update(type='MaskRCNN', track_head=None)
    return build_detector(model, cfg.train_cfg, cfg.test_cfg).eval()


@pytest.fixture(scope='module')
def ours(theirs, tmp_path_factory):
    path = str(tmp_path_factory.mktemp('weights') / 'torchvision.pth')
    torch.save(theirs.state_dict(), path)
    model = build(81, track_head=False)
    report = load_checkpoint(model, path, strict=True)
    assert not report.missing and 'torchvision' in report.note
    return model, path


@torch.no_grad()
def test_features_and_proposals(theirs, ours):
    img = torch.randn(1, 3, 64, 96)
    expected = list(theirs.backbone(img).values())
    got = ours[0].extract_feat(img)
    for a, b in zip(got[:4], expected):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)
    scores, deltas = theirs.rpn.head(expected)
    ours_scores, ours_deltas = ours[0].rpn_head(expected)
    torch.testing.assert_close(ours_scores, scores)
    torch.testing.assert_close(ours_deltas, deltas)


@torch.no_grad()
def test_box_and_mask_heads(theirs, ours):
    rois = torch.randn(2, 256, 7, 7)
    cls, reg = theirs.roi_heads.box_predictor(theirs.roi_heads.box_head(rois))
    got_cls, got_reg = ours[0].bbox_head(rois)
    # Class 13 here is COCO's id 14: id 12 does not exist.
    torch.testing.assert_close(got_cls[:, [0, 11, 12, 80]], cls[:, [0, 11, 13, 90]])
    torch.testing.assert_close(got_reg[:, 48:52], reg[:, 52:56])
    rois = torch.randn(2, 256, 14, 14)
    masks = theirs.roi_heads.mask_predictor(theirs.roi_heads.mask_head(rois))
    torch.testing.assert_close(ours[0].mask_head(rois)[:, 12], masks[:, 13])


def test_a_tracker_starts_from_them(ours):
    tracker = build(41)
    report = load_checkpoint(tracker, ours[1])
    skipped = {key.rpartition('.')[0] for key, *_ in report.shape}
    assert skipped == {'bbox_head.fc_cls', 'bbox_head.fc_reg', 'mask_head.conv_logits'}
    assert {key.split('.')[0] for key in report.missing} == {'track_head'}
    assert not report.unexpected and len(report.loaded) == 354
