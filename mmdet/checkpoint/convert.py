"""State dicts of other code bases, renamed to the classic keys.

Sources of the conventions: torchvision ``maskrcnn_resnet50_fpn`` (background
first, 91 COCO ids with gaps, batch norm evaluated with eps 0); mmdetection 2
and 3 and mmtracking (background last in the classifier, no background row in
the box and mask layers, ``roi_head.`` and ``detector.`` prefixes; SSD's additional
layers in the neck).
"""
import re

import torch
from torch import Tensor

State = dict[str, Tensor]

_TORCHVISION = [
    (r'backbone\.body\.(.+)', r'backbone.\1'),
    (r'backbone\.fpn\.inner_blocks\.(\d)\.(?:0\.)?(weight|bias)', r'neck.lateral_convs.\1.conv.\2'),
    (r'backbone\.fpn\.layer_blocks\.(\d)\.(?:0\.)?(weight|bias)', r'neck.fpn_convs.\1.conv.\2'),
    (r'rpn\.head\.conv\.(?:0\.0\.)?(weight|bias)', r'rpn_head.rpn_conv.\1'),
    (r'rpn\.head\.cls_logits\.(.+)', r'rpn_head.rpn_cls.\1'),
    (r'rpn\.head\.bbox_pred\.(.+)', r'rpn_head.rpn_reg.\1'),
    (r'roi_heads\.box_head\.fc6\.(.+)', r'bbox_head.shared_fcs.0.\1'),
    (r'roi_heads\.box_head\.fc7\.(.+)', r'bbox_head.shared_fcs.1.\1'),
    (r'roi_heads\.box_predictor\.cls_score\.(.+)', r'bbox_head.fc_cls.\1'),
    (r'roi_heads\.box_predictor\.bbox_pred\.(.+)', r'bbox_head.fc_reg.\1'),
    (r'roi_heads\.mask_head\.(\d)\.0\.(.+)', r'mask_head.convs.\1.conv.\2'),
    (r'roi_heads\.mask_predictor\.conv5_mask\.(.+)', r'mask_head.upsample.\1'),
    (r'roi_heads\.mask_predictor\.mask_fcn_logits\.(.+)', r'mask_head.conv_logits.\1'),
]
# Old torchvision files number the mask convolutions from one.
_MASK_FCN = re.compile(r'roi_heads\.mask_head\.mask_fcn(\d)\.(weight|bias)')
_COCO_GAPS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}

_OPENMMLAB = [
    (r'detector\.(.+)', r'\1'),
    (r'track_head\.embed_head\.(.+)', r'track_head.\1'),
    (r'roi_head\.(.+)', r'\1'),
    (r'neck\.l2_norm\.(.+)', r'backbone.l2_norm.\1'),
    (r'bbox_head\.(cls|reg)_convs\.(\d+)\.0\.(weight|bias)', r'bbox_head.\1_convs.\2.\3'),
]
_SSD_EXTRA = re.compile(r'neck\.extra_layers\.(\d+)\.([01])\.conv\.(weight|bias)')
_SSD_CLASSIFIER = re.compile(r'bbox_head\.cls_convs\.\d+\.(weight|bias)')


def to_classic(state: State) -> tuple[State, str]:
    """Rename and reorder to the classic layout; classic input passes through.

    Args:
        state: any supported state dict; it is not changed.

    Returns:
        The state dict with classic keys, and one sentence on what was done
        (empty if nothing).
    """
    if any(key.startswith('backbone.body.') for key in state):
        return _from_torchvision(state), 'converted from torchvision keys'
    if any(key.startswith(('roi_head.', 'detector.', 'neck.extra_layers.')) for key in state):
        return _from_openmmlab(state)
    return dict(state), ''


def _rename(key: str, rules: list[tuple[str, str]]) -> str:
    for pattern, replacement in rules:
        key = re.sub(f'^{pattern}$', replacement, key)
    return key


def _from_torchvision(state: State) -> State:
    out = {}
    for key, value in state.items():
        key = _MASK_FCN.sub(lambda m: f'roi_heads.mask_head.{int(m[1]) - 1}.0.{m[2]}', key)
        key = _rename(key, _TORCHVISION)
        out[key] = _without_gaps(key, value)
    for key in [key for key in out if key.endswith('running_var')]:
        weight = key.replace('running_var', 'weight')
        out[key], out[weight] = _with_eps(out[key], out[weight])
    return out


def _with_eps(var: Tensor, weight: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor]:
    """Variance and weight of a batch norm that adds ``eps``, from those of one that adds none.

    Both compute ``weight / sqrt(var)``; where the variance is below eps the weight makes up for it.
    """
    small = (var < eps) & (var > 0)
    if small.any():
        weight = torch.where(small, weight * (eps / var).sqrt(), weight)
    return (var - eps).clamp(min=0), weight


def _without_gaps(key: str, value: Tensor) -> Tensor:
    """Take the 81 used rows of layers over the 91 COCO ids."""
    if not re.match(r'bbox_head\.fc_(cls|reg)|mask_head\.conv_logits', key):
        return value
    per_class = 4 if 'fc_reg' in key else 1
    if len(value) != 91 * per_class:
        return value
    used = [i for i in range(91) if i not in _COCO_GAPS]
    return value.reshape(91, per_class, *value.shape[1:])[used].flatten(0, 1)


def _from_openmmlab(state: State) -> tuple[State, str]:
    out = {_SSD_EXTRA.sub(_ssd_extra, _rename(key, _OPENMMLAB)): value
           for key, value in state.items() if not key.startswith('data_preprocessor.')}
    out = ssd_background_first(out)
    classes = {key.replace('fc_cls.', ''): len(value) for key, value in out.items()
               if '.fc_cls.' in key}
    for key, value in out.items():
        if '.fc_cls.' in key:
            out[key] = torch.cat([value[-1:], value[:-1]])
        elif '.fc_reg.' in key:
            if len(value) == 4 * (classes[key.replace('fc_reg.', '')] - 1):
                out[key] = _background_rows(value, 4)
        elif re.match(r'mask_head\..*conv_logits\.', key):
            if len(value) + 1 in {*classes.values()}:
                out[key] = _background_rows(value, 1)
    said = 'converted from mmdetection 2/3 keys'
    if any(key.startswith('track_head.') for key in out):
        said = ('converted from mmtracking keys; set final_relu=True in '
                'track_head, these weights were trained with it')
    return out, said


def _background_rows(value: Tensor, rows: int) -> Tensor:
    return torch.cat([value.new_zeros(rows, *value.shape[1:]), value])


def _ssd_extra(found: re.Match) -> str:
    """Two convolutions a level in the neck are one list in the backbone."""
    return f'backbone.extra.{2 * int(found[1]) + int(found[2])}.{found[3]}'


def ssd_background_first(state: State) -> State:
    """Move the background of every anchor of SSD from the last class to the first.

    Only mmdetection from 2 on has it last; its earlier files of SSD have the classic keys, so
    that the caller must know where the state comes from.
    """
    out = dict(state)
    for key in filter(_SSD_CLASSIFIER.fullmatch, state):
        anchors = len(state[key.replace('cls_convs', 'reg_convs')]) // 4
        rows = state[key].unflatten(0, (anchors, -1))
        out[key] = torch.cat([rows[:, -1:], rows[:, :-1]], dim=1).flatten(0, 1)
    return out
