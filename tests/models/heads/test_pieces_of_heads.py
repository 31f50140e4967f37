"""Parts of heads and backbones against the 2019 code: image_units_a.json.gz."""
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mmdet.core.post_processing import multiclass_nms
from mmdet.models import RetinaHead, SharedFCBBoxHead, SingleRoIExtractor, SSDHead
from mmdet.models.anchor_heads.ssd_head import anchor_sizes
from mmdet.models.backbones.ssd_vgg import L2Norm


@pytest.fixture
def units(golden):
    return golden('model/image_units_a')


def ssd_head(case):
    levels = 6 if case['input_size'] == 300 else 7
    ratios = [[2], *[[2, 3]] * (levels - 3), [2], [2]]
    strides = [8, 16, 32, 64, 100, 300] if levels == 6 else [8, 16, 32, 64, 128, 256, 512]
    return SSDHead(case['input_size'], 4, [4] * levels, strides, case['basesize_ratio_range'],
                   ratios)


def test_ssd_sizes_and_anchors(units):
    anchors = {case['name']: case['levels'] for case in units['anchors']}
    for case in units['ssd_sizes']:
        head = ssd_head(case)
        low, high = anchor_sizes(case['input_size'], case['basesize_ratio_range'],
                                 len(head.in_channels))
        assert low == case['min_sizes'] and high == case['max_sizes']
        for generator, stride, level in zip(head.anchor_generators, head.anchor_strides,
                                            anchors[case['name']], strict=True):
            grid = generator.grid_anchors(level['featmap'], stride)
            assert generator.base_anchors.tolist() == level['base_anchors']
            assert grid.tolist() == level['anchors']


def test_ssd_refuses_sizes_nobody_knows():
    with pytest.raises(ValueError, match='300 with 0.15, 300 with 0.2, .*got 300 with 0.3'):
        SSDHead(basesize_ratio_range=(0.3, 0.9))


def test_retina_anchors(units):
    levels = next(case['levels'] for case in units['anchors'] if case['name'] == 'retina')
    head = RetinaHead(4, 8, feat_channels=8, anchor_strides=[8, 16, 32, 64, 128])
    for generator, level in zip(head.anchor_generators, levels, strict=True):
        assert generator.base_anchors.tolist() == level['base_anchors']


def test_every_anchor_starts_as_background():
    head = RetinaHead(4, 8, feat_channels=8)
    head.init_weights()
    scores, _ = head([torch.zeros(1, 8, 2, 2)] * 5)
    assert scores[0].sigmoid().allclose(torch.tensor(0.01))


def test_l2_norm(units):
    case = units['l2norm']
    layer = L2Norm(len(case['weight']), eps=case['eps'])
    layer.weight.data = torch.tensor(case['weight'])
    x = torch.tensor(case['x'], requires_grad=True)
    y = layer(x)
    y.backward(torch.tensor(case['grad_out']))
    for got, key in ((y, 'y'), (x.grad, 'grad_x'), (layer.weight.grad, 'grad_weight')):
        torch.testing.assert_close(got, torch.tensor(case[key]), rtol=1e-5, atol=1e-5)


def test_roi_levels(units):
    case = units['roi_levels']
    extractor = SingleRoIExtractor(dict(type='RoIAlign', out_size=7), 4, [4, 8, 16, 32],
                                   case['finest_scale'])
    assert extractor.map_roi_levels(torch.tensor(case['rois'])).tolist() == case['levels']


def test_what_a_cascade_does_with_boxes(units):
    for case in units['cascade']:
        head = SharedFCBBoxHead(
            in_channels=2, num_classes=4, target_means=case['target_means'],
            target_stds=case['target_stds'], reg_class_agnostic=case['reg_class_agnostic'])
        rois, labels, preds = (torch.tensor(case[key]) for key in ('rois', 'labels', 'bbox_preds'))
        metas = [dict(img_shape=shape) for shape in case['img_shapes']]
        flags = [torch.tensor(f, dtype=torch.bool) for f in case['pos_is_gts']]
        refined = head.refine_bboxes(rois, labels, preds, flags, metas)
        for got, want in zip(refined, case['refined'], strict=True):
            np.testing.assert_allclose(got, want, atol=1e-4)
        num = len(case['regress_n5'])
        for start, key in ((0, 'regress_n5'), (1, 'regress_n4')):
            got = head.regress_by_class(rois[:num, start:], labels[:num], preds[:num], metas[0])
            np.testing.assert_allclose(got, case[key], atol=1e-4)
        check_ensemble(head, case, rois, preds)


def check_ensemble(head, case, rois, preds):
    """The mean score of three stages with the boxes of the last."""
    det = case['det']
    scores = torch.tensor(case['cls_scores']).mean(0)
    boxes, scores = head.predict(rois, scores, preds, det['img_shape'])
    boxes = boxes / det['scale_factor']
    np.testing.assert_allclose(boxes, det['bboxes'], atol=1e-4)
    np.testing.assert_allclose(scores, det['scores'], atol=1e-4)
    assert scores.allclose(F.softmax(torch.tensor(case['cls_scores']).mean(0), 1))
    cfg = det['cfg']
    dets, labels = multiclass_nms(boxes, scores, cfg['score_thr'], cfg['nms'], cfg['max_per_img'])
    np.testing.assert_allclose(dets, det['det_bboxes'], atol=1e-4)
    assert labels.tolist() == det['det_labels']
