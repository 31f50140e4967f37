"""Weights of other code bases get the classic keys, shapes and row order."""
import pytest
import torch
import torchvision

from mmdet.checkpoint.convert import to_classic

CONFIG = 'masktrack_rcnn_r50_fpn_1x_youtubevos.py'


@pytest.fixture(scope='module')
def shapes(golden_shapes):
    return golden_shapes


@pytest.fixture(scope='session')
def golden_shapes(golden):
    """Classic keys to shapes without counters, with 81 classes, no track head."""
    state = golden('model/state_dicts')[CONFIG]['state']
    coco = {41: 81, 164: 324}
    return {
        key: tuple([coco.get(n, n) for n in shape[:1]] + shape[1:])
        for key, shape in state.items()
        if 'num_batches' not in key and 'track_head' not in key
    }


def torchvision_state():
    model = torchvision.models.detection.maskrcnn_resnet50_fpn(
        weights=None, weights_backbone=None)
    return {k: v for k, v in model.state_dict().items() if 'num_batches' not in k}


def as_old_file(state):
    """Keys as in the published file, written before torchvision 0.13."""
    renamed = {}
    for key, value in state.items():
        key = key.replace('rpn.head.conv.0.0.', 'rpn.head.conv.')
        if 'fpn' in key:
            key = key.replace('.0.weight', '.weight').replace('.0.bias', '.bias')
        for i in range(4):
            key = key.replace(f'mask_head.{i}.0.', f'mask_head.mask_fcn{i + 1}.')
        renamed[key] = value
    return renamed


@pytest.mark.parametrize('old', [False, True])
def test_torchvision_mask_rcnn_fills_every_classic_key(shapes, old):
    state = torchvision_state()
    out, said = to_classic(as_old_file(state) if old else state)
    assert {k: tuple(v.shape) for k, v in out.items()} == shapes
    assert 'torchvision' in said
    assert torch.equal(out['mask_head.convs.3.conv.weight'],
                       state['roi_heads.mask_head.3.0.weight'])


def test_torchvision_rows_of_the_80_classes(shapes):
    state = torchvision_state()
    bias = state['roi_heads.box_predictor.cls_score.bias']
    bias.copy_(torch.arange(91))
    state['roi_heads.box_predictor.bbox_pred.bias'].copy_(torch.arange(364))
    out, _ = to_classic(state)
    assert out['bbox_head.fc_cls.bias'][[0, 1, 12, 80]].tolist() == [0, 1, 13, 90]
    assert out['bbox_head.fc_reg.bias'][48:52].tolist() == [52, 53, 54, 55]


def openmmlab_state(shapes, classes=80):
    """Synthesised from the classic shapes: background last or absent."""
    rows = {'fc_cls': classes + 1, 'fc_reg': 4 * classes, 'conv_logits': classes}
    state = {}
    for key, shape in shapes.items():
        shape = next(((n, *shape[1:]) for name, n in rows.items() if name in key),
                     shape)
        head = key.startswith(('bbox_head.', 'mask_head.'))
        state['roi_head.' * head + key] = torch.rand(shape)
    return state


def test_mmdetection_2_background_moves_to_the_front(shapes):
    state = openmmlab_state(shapes)
    out, said = to_classic(state)
    assert {k: tuple(v.shape) for k, v in out.items()} == shapes
    old = state['roi_head.bbox_head.fc_cls.bias']
    assert torch.equal(out['bbox_head.fc_cls.bias'], torch.cat([old[80:], old[:80]]))
    assert out['bbox_head.fc_reg.weight'][:4].abs().sum() == 0
    assert torch.equal(out['mask_head.conv_logits.bias'][1:],
                       state['roi_head.mask_head.conv_logits.bias'])
    assert said == 'converted from mmdetection 2/3 keys'


def test_mmtracking_detector_and_track_head(shapes):
    state = {f'detector.{k}': v for k, v in openmmlab_state(shapes, 40).items()}
    state['data_preprocessor.mean'] = torch.zeros(3)
    for i in (0, 1):
        state[f'track_head.embed_head.fcs.{i}.weight'] = torch.ones(2, 2)
    out, said = to_classic(state)
    assert out['bbox_head.fc_cls.weight'].shape == (41, 1024)
    assert set(out) == set(shapes) | {f'track_head.fcs.{i}.weight' for i in (0, 1)}
    assert 'final_relu=True' in said


def test_class_agnostic_layers_stay(shapes):
    state = openmmlab_state(shapes)
    state['roi_head.bbox_head.fc_reg.bias'] = torch.ones(4)
    state['roi_head.mask_head.conv_logits.bias'] = torch.ones(1)
    out, _ = to_classic(state)
    assert len(out['bbox_head.fc_reg.bias']) == 4
    assert len(out['mask_head.conv_logits.bias']) == 1


def test_classic_weights_pass_through(shapes):
    state = {key: torch.zeros(1) for key in shapes}
    assert to_classic(state) == (state, '')
    assert to_classic({}) == ({}, '')
