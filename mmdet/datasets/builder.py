"""From a piece of a config to a data set."""
from typing import Any, Sequence

from mmdet.datasets.registry import DATASETS
from mmdet.datasets.base import BaseDataset
from mmdet.datasets.wrappers import ConcatDataset
from mmdet.utils.errors import BadType, BadValue

PER_FILE = ('ann_file', 'img_prefix', 'proposal_file')


def build_dataset(cfg: dict | Sequence[dict], **default_args: Any) -> BaseDataset:
    """Build ``cfg.data.train``, ``val`` or ``test``.

    A list of configs, or a list as ``ann_file``, gives the data sets one after
    the other; ``img_prefix`` and ``proposal_file`` may then be lists too.
    ``dict(type='RepeatDataset', times=..., dataset=dict(...))`` builds what it holds.

    Args:
        cfg: ``dict(type='YTVOSDataset', ...)`` or several.
        default_args: arguments for keys the config leaves out.

    Raises:
        KeyError, TypeError: an unknown type or argument; the nearest is named.
        ValueError: lists of different lengths.
    """
    if isinstance(cfg, (list, tuple)):
        return ConcatDataset([build_dataset(part, **default_args) for part in cfg])
    if not isinstance(cfg, dict):
        raise BadType('expected the config of a data set, dict(type=..., ...), or a list of them, '
                      f'got {cfg!r:.80}')
    if isinstance(cfg.get('ann_file'), (list, tuple)):
        return ConcatDataset([build_dataset(part, **default_args) for part in _per_file(cfg)])
    if isinstance(cfg.get('dataset'), (dict, list, tuple)):  # RepeatDataset
        return DATASETS.build(dict(cfg, dataset=build_dataset(cfg['dataset'], **default_args)))
    return DATASETS.build(cfg, **default_args)


def _per_file(cfg: dict) -> list[dict]:
    """One config an annotation file."""
    count = len(cfg['ann_file'])
    parts = [dict(cfg) for _ in range(count)]
    for key in PER_FILE:
        if isinstance(cfg.get(key), (list, tuple)):
            if len(cfg[key]) != count:
                raise BadValue(f'{key} lists {len(cfg[key])} entries for {count} annotation files; '
                               'give one each')
            for part, value in zip(parts, cfg[key]):
                part[key] = value
    return parts


get_dataset = build_dataset  # its name in 2019
