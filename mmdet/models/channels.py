"""Do the parts of a detector fit together? Seen on tensors without data, before training."""
import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmdet.models.registry import BACKBONES, HEADS, NECKS
from mmdet.utils.errors import BadValue

_IMAGE = (1, 3, 512, 512)  # large enough for the last map of SSD512
_NO_DEFAULT = inspect.Parameter.empty


def check_channels(detector: nn.Module, cfg: dict) -> None:
    """Compare what each part gives with what the next one was built for.

    The backbone and the neck run on the meta device, which computes shapes only. A part that
    cannot (custom code that reads values) ends the check: training will tell.

    Args:
        detector: as built from ``cfg``.
        cfg: the ``model`` of a config.

    Raises:
        ValueError: channels, levels or RoI sizes differ; both keys are named.
    """
    levels, giver = _channels(detector.backbone, [torch.empty(_IMAGE, device='meta')]), 'backbone'
    if levels is None:
        return
    if isinstance(cfg.get('neck'), dict):
        _compare(cfg, 'neck', 'in_channels', _value(cfg['neck'], 'in_channels', NECKS), levels,
                 _described(cfg['backbone'], BACKBONES))
        levels = _channels(nn.Sequential(detector.backbone, detector.neck),
                           [torch.empty(_IMAGE, device='meta')])
        giver = 'neck'
    elif cfg.get('neck'):
        return
    if levels:
        _check_heads(cfg, levels, giver)


def _check_heads(cfg: dict, levels: list[int], giver: str) -> None:
    pooled = cfg.get('bbox_roi_extractor') is not None
    for name in ('rpn_head', 'bbox_head'):
        if cfg.get(name) is not None and (name == 'rpn_head' or not pooled):
            _check_dense_head(cfg, name, levels, giver)
    for head, own in (('bbox_head', 'bbox'), ('track_head', 'bbox'), ('mask_head', 'mask')):
        extractor = next((f'{kind}_roi_extractor' for kind in (own, 'bbox')
                          if cfg.get(f'{kind}_roi_extractor')), None)
        if cfg.get(head) is not None and extractor:
            _check_roi_head(cfg, head, extractor, levels, giver)


def _check_dense_head(cfg: dict, name: str, levels: list[int], giver: str) -> None:
    head = cfg[name]
    wanted = _value(head, 'in_channels', HEADS)
    given = levels if isinstance(wanted, Sequence) else levels[0]
    _compare(cfg, name, 'in_channels', wanted, given, f'model.{giver}')
    strides = _value(head, 'anchor_strides', HEADS)
    if isinstance(strides, Sequence) and len(strides) != len(levels):
        raise BadValue(f'model.{name}.anchor_strides has {len(strides)} entries, but '
                       f'model.{giver} gives {len(levels)} levels: one stride a level')


def _check_roi_head(cfg: dict, name: str, extractor: str, levels: list[int], giver: str) -> None:
    parts, extractors = _as_list(cfg[name]), _as_list(cfg[extractor])
    for i, part in enumerate(parts):
        pool = extractors[min(i, len(extractors) - 1)]
        where = f'{name}[{i}]' if isinstance(cfg[name], Sequence) else name
        _compare(cfg, extractor, 'out_channels', pool.get('out_channels'), levels[0],
                 f'model.{giver}')
        if len(pool.get('featmap_strides') or ()) > len(levels):
            raise BadValue(f'model.{extractor}.featmap_strides has {len(pool["featmap_strides"])} '
                           f'entries, but model.{giver} gives {len(levels)} levels')
        _compare(cfg, where, 'in_channels', _value(part, 'in_channels', HEADS),
                 pool.get('out_channels'), f'model.{extractor}')
        if name != 'mask_head':  # convolutions take any size
            _compare(cfg, where, 'roi_feat_size', _value(part, 'roi_feat_size', HEADS),
                     _side((pool.get('roi_layer') or {}).get('out_size')),
                     f'model.{extractor}.roi_layer')


def _side(size: Any) -> Any:
    """7 of (7, 7); other sizes as they are."""
    return size[0] if isinstance(size, Sequence) and len({*size}) == 1 else size


def _compare(cfg: dict, part: str, key: str, wanted: Any, given: Any, giver: str) -> None:
    if wanted is None or given is None:
        return
    wanted, given = ([*v] if isinstance(v, Sequence) else v for v in (wanted, given))
    if wanted != given:
        unit = 'cells' if key == 'roi_feat_size' else 'channels'
        raise BadValue(f'model.{part}.{key} is {wanted}, but {giver} gives {given} {unit}: set '
                       f'model.{part}.{key}={str(given).replace(" ", "")}, or change {giver}')


def _channels(module: nn.Module, inputs: list[Tensor]) -> list[int] | None:
    """Channels of every map that a module gives; None if it cannot run without data."""
    state = {name: torch.empty_like(tensor, device='meta')
             for part in (module.named_parameters(), module.named_buffers())
             for name, tensor in part}
    try:
        with torch.no_grad():
            maps = torch.func.functional_call(module, state, tuple(inputs))
        return [len(one[0]) for one in ([maps] if isinstance(maps, Tensor) else maps)]
    except (NotImplementedError, RuntimeError, TypeError, ValueError):
        return None


def _value(cfg: dict, key: str, registry: Any) -> Any:
    """A key of a part's config, or the default of the class it names."""
    if key in cfg:
        return cfg[key]
    cls = registry.module_dict.get(cfg['type']) if isinstance(
        cfg.get('type'), str) else cfg.get('type')
    for base in getattr(cls, '__mro__', ()):
        parameter = '__init__' in vars(base) and inspect.signature(
            base.__init__).parameters.get(key)
        if parameter:
            return None if parameter.default is _NO_DEFAULT else parameter.default
    return None


def _described(backbone: dict, registry: Any) -> str:
    depth = _value(backbone, 'depth', registry)
    return 'model.backbone' + (f' (depth={depth})' if depth is not None else '')


def _as_list(part: Any) -> list:
    return list(part) if isinstance(part, Sequence) else [part]
