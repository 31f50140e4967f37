"""Weights into a model, from anywhere."""
import logging

import torch
from torch import Tensor, nn

from mmdet.checkpoint.convert import to_classic
from mmdet.checkpoint.read import read_checkpoint
from mmdet.checkpoint.report import LoadReport
from mmdet.checkpoint.weights import check_weights, weights_of
from mmdet.utils.errors import BadValue
from mmdet.utils.logger import get_root_logger

_COUNTER = 'num_batches_tracked'


def load_checkpoint(model: nn.Module, filename: str, map_location: str | torch.device = 'cpu',
                    strict: bool = False, logger: logging.Logger | None = None,
                    allow_partial: bool = False) -> LoadReport:
    """Load weights into a model, from anywhere, and say what became of each.

    Weights of torchvision's Mask R-CNN, mmdetection 2/3 and mmtracking are
    renamed to the classic keys.

    Args:
        model: a module, or a DDP wrapper of one.
        filename: a path, an http(s) URL, ``torchvision://NAME`` or
            ``modelzoo://NAME`` (ImageNet backbones,
            ``maskrcnn_resnet50_fpn_coco``), ``open-mmlab://NAME``.
        strict: every tensor must match. Otherwise what differs by design
            between COCO or ImageNet weights and a tracker may be skipped:
            classifier, box regressor and mask logits of other shape, a missing
            track head, a surplus ImageNet classifier, stages the backbone lacks.
        allow_partial: anything may be skipped; the report still lists it.

    Raises:
        FileNotFoundError, ValueError, ConnectionError: see
            :func:`read_checkpoint`.
        ValueError: tensors were skipped that must not be, or weights are no numbers
            (NaN and infinity are let by with ``allow_partial``).
    """
    checkpoint = read_checkpoint(filename, map_location)
    report = _copy(getattr(model, 'module', model), weights_of(checkpoint), filename,
                   finite=not allow_partial)
    report.meta = checkpoint.get('meta') or {}
    wrong = report.skipped(expected=False)
    if strict:
        wrong += report.skipped(expected=True)
    if wrong and not allow_partial:
        raise BadValue(
            f'{filename} does not fit the model: {"; ".join(wrong[:5])}'
            f'{f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""}; check '
            'that the config is the one the weights were trained with'
            + ('' if strict else ', or pass --allow-partial'))
    (logger or get_root_logger()).info(report.summary())
    return report


def _copy(model: nn.Module, state: dict[str, Tensor], source: str, finite: bool) -> LoadReport:
    own = model.state_dict()
    # Counters of batch norm do not matter, old files have none.
    names = {key for key in own if not key.endswith(_COUNTER)}
    classic, note = to_classic(state)
    if len(names & set(classic)) <= len(names & set(state)):  # the model has the names of the file
        classic, note = state, ''
    state, report = classic, LoadReport(source, note)
    for key, value in state.items():
        if key not in own:
            if not key.endswith(_COUNTER):
                report.unexpected.append(key)
        elif own[key].shape != value.shape:
            report.shape.append((key, tuple(value.shape), tuple(own[key].shape)))
        else:
            report.loaded.append(key)
    report.missing = sorted(names - set(state))
    check_weights({key: state[key] for key in report.loaded}, source, own, finite)
    model.load_state_dict({key: state[key] for key in report.loaded}, strict=False)
    return report
