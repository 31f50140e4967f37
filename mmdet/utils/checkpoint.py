"""Checkpoints: one safe loader for everything, one atomic writer."""
import dataclasses
import errno
import hashlib
import http.client
import logging
import os
import pickle
import re
import socket
import urllib.parse
from typing import Any, Optional, Union

import numpy as np
import torch
import torchvision
from mmengine.logging.history_buffer import HistoryBuffer
from torch import Tensor, nn

from .convert import to_classic
from .fileio import atomic_write
from .logger import get_root_logger

ELSEWHERE = (
    'use load_from = "torchvision://maskrcnn_resnet50_fpn_coco", or download '
    'weights yourself and pass --load_from PATH, or set load_from = None')
# What differs by design between COCO or ImageNet weights and a tracker.
_MAY_DIFFER = re.compile(
    r'(bbox_head\.(\d+\.)?fc_(cls|reg)|mask_head\.(\d+\.)?conv_logits)\.')
_MAY_MISS = re.compile(r'track_head\.')
_MAY_EXCEED = re.compile(r'fc\.(weight|bias)$')
_COUNTER = 'num_batches_tracked'


def _only_the_name(_: Any, name: str) -> str:
    """Stands in for ``getattr``, with which mmengine's logs name methods."""
    return name


def _allowed() -> list:
    """The harmless classes a training checkpoint holds besides tensors."""
    core = getattr(np, '_core', None) or np.core
    number_types = [np.float64, np.float32, np.float16, np.int64, np.int32, np.uint32,
                    np.uint8, np.bool_]
    return [
        HistoryBuffer, np.dtype, np.ndarray, core.multiarray._reconstruct,
        core.multiarray.scalar, (_only_the_name, '__builtin__.getattr'),
        (_only_the_name, 'builtins.getattr'), *(type(np.dtype(t)) for t in number_types)
    ]


@dataclasses.dataclass
class LoadReport:
    """What happened to every tensor of a checkpoint.

    Attributes:
        source: where the weights came from.
        note: what a conversion did, or ''.
        loaded: keys copied into the model.
        shape: (key, shape in the file, shape in the model), not copied.
        missing: keys of the model the file lacks.
        unexpected: keys of the file the model lacks.
        meta: the checkpoint's ``meta`` dict.
    """
    source: str
    note: str = ''
    loaded: list[str] = dataclasses.field(default_factory=list)
    shape: list[tuple[str, tuple, tuple]] = dataclasses.field(
        default_factory=list)
    missing: list[str] = dataclasses.field(default_factory=list)
    unexpected: list[str] = dataclasses.field(default_factory=list)
    meta: dict = dataclasses.field(default_factory=dict)

    def skipped(self, expected: bool) -> list[str]:
        """One phrase per tensor not loaded, expected ones or the others."""
        found = [(f'{key} is {file} in the file, {model} in the model',
                  bool(_MAY_DIFFER.search(key)))
                 for key, file, model in self.shape]
        found += [(f'{key} is missing', bool(_MAY_MISS.match(key)))
                  for key in self.missing]
        found += [(f'{key} is not in the model', bool(_MAY_EXCEED.match(key)))
                  for key in self.unexpected]
        return [phrase for phrase, usual in found if usual == expected]

    def summary(self) -> str:
        """The report in one line, expected skips by module."""
        parts = [f'{self.source}: loaded {len(self.loaded)} tensors']
        if self.note:
            parts.append(self.note)
        for name, keys in (('other shape', [s[0] for s in self.shape]),
                           ('missing', self.missing),
                           ('unexpected', self.unexpected)):
            if keys:
                modules = sorted({key.rpartition('.')[0] for key in keys})
                parts.append(f'{name}: {", ".join(modules[:8])}' +
                             (', ...' if len(modules) > 8 else ''))
        return '; '.join(parts)


def load_checkpoint(model: nn.Module,
                    filename: str,
                    map_location: Union[str, torch.device] = 'cpu',
                    strict: bool = False,
                    logger: Optional[logging.Logger] = None,
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
            track head, a surplus ImageNet classifier.
        allow_partial: anything may be skipped; the report still lists it.

    Raises:
        FileNotFoundError, ValueError, ConnectionError: see
            :func:`read_checkpoint`.
        ValueError: tensors were skipped that must not be.
    """
    checkpoint = read_checkpoint(filename, map_location)
    report = _copy(getattr(model, 'module', model), _state_of(checkpoint),
                   filename)
    report.meta = checkpoint.get('meta') or {}
    wrong = report.skipped(expected=False)
    if strict:
        wrong += report.skipped(expected=True)
    if wrong and not allow_partial:
        raise ValueError(
            f'{filename} does not fit the model: {"; ".join(wrong[:5])}'
            f'{f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""}; check '
            'that the config is the one the weights were trained with'
            + ('' if strict else ', or pass --allow-partial'))
    (logger or get_root_logger()).info(report.summary())
    return report


def _state_of(checkpoint: dict) -> dict[str, Tensor]:
    """The state dict inside a classic checkpoint, ``module.`` taken off."""
    state = checkpoint.get('state_dict', checkpoint.get('model', checkpoint))
    state = {key: value for key, value in state.items()
             if isinstance(value, Tensor)}
    if state and all(key.startswith('module.') for key in state):
        state = {key[7:]: value for key, value in state.items()}
    return state


def _copy(model: nn.Module, state: dict[str, Tensor],
          source: str) -> LoadReport:
    own = model.state_dict()
    # Counters of batch norm do not matter, old files have none.
    names = {key for key in own if not key.endswith(_COUNTER)}
    if not names & set(state):
        state, note = to_classic(state)
    else:
        note = ''
    report = LoadReport(source, note)
    for key, value in state.items():
        if key not in own:
            if not key.endswith(_COUNTER):
                report.unexpected.append(key)
        elif own[key].shape != value.shape:
            report.shape.append((key, tuple(value.shape),
                                 tuple(own[key].shape)))
        else:
            report.loaded.append(key)
    report.missing = sorted(names - set(state))
    model.load_state_dict({key: state[key] for key in report.loaded},
                          strict=False)
    return report


def read_checkpoint(filename: str,
                    map_location: Union[str, torch.device] = 'cpu') -> dict:
    """The contents of a checkpoint; nothing in it is run.

    Raises:
        FileNotFoundError: no such file.
        ConnectionError: the URL cannot be reached; says where weights are.
        ValueError: the file is cut short, is no checkpoint, or holds objects
            other than tensors, numbers, strings and containers.
    """
    path = _local_copy(filename)
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f'{filename}: no such checkpoint file; {ELSEWHERE}')
    try:
        with torch.serialization.safe_globals(_allowed()):
            checkpoint = torch.load(path, map_location=map_location,
                                    weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r'GLOBAL `?([\w.]+)', str(error))
        raise ValueError(
            f'{filename}: refused: ' +
            (f'it holds an object of type {found[1]}, which could run code'
             if found else 'it is no checkpoint') +
            '; expected tensors, numbers, strings and containers') from None
    except (RuntimeError, EOFError, OSError, LookupError, ValueError, AssertionError,
            TypeError, AttributeError) as error:
        if isinstance(error, OSError) and error.errno not in (
                None, errno.EINVAL):
            raise
        size, remedy = os.path.getsize(path), 'fetch it again or use an earlier one'
        if '://' in filename:
            os.unlink(path)
            remedy = 'the downloaded file was removed, run this again to fetch it anew'
        raise ValueError(f'{filename}: the checkpoint is cut short or damaged ({size} bytes); '
                         f'{remedy}') from None
    if not isinstance(checkpoint, dict):
        raise ValueError(f'{filename}: expected a dict of tensors, got '
                         f'{type(checkpoint).__name__}')
    return checkpoint


def _local_copy(filename: str) -> str:
    """The path of a checkpoint named by path, URL or model zoo."""
    scheme, found, name = filename.partition('://')
    if not found:
        return os.path.expanduser(filename)
    if scheme in ('torchvision', 'modelzoo'):
        return _download(_torchvision_url(filename, name), filename)
    if scheme in ('open-mmlab', 'openmmlab'):
        return _download(_openmmlab_url(filename, name), filename)
    if scheme in ('http', 'https'):
        return _download(filename, filename)
    raise ValueError(f'{filename}: unknown scheme "{scheme}"; expected a path, '
                     'http(s)://, torchvision://, modelzoo:// or open-mmlab://')


def _torchvision_url(filename: str, name: str) -> str:
    name = name.removesuffix('_coco')
    try:
        weights = torchvision.models.get_model_weights(name)
    except ValueError:
        raise ValueError(
            f'{filename}: torchvision has no model "{name}"; for instance '
            '"resnet50" or "maskrcnn_resnet50_fpn_coco"') from None
    # The first entry is the one the classic configs mean (version 1).
    return next(iter(weights)).url


def _openmmlab_url(filename: str, name: str) -> str:
    from mmengine.runner.checkpoint import get_external_models
    urls = get_external_models()
    if name not in urls:
        raise ValueError(f'{filename}: open-mmlab has no weights "{name}"; '
                         f'known are {", ".join(sorted(urls))}')
    return urls[name]


def _download(url: str, asked: str) -> str:
    """Fetch a URL into torch's cache once a machine; returns the path."""
    folder = os.path.join(torch.hub.get_dir(), 'checkpoints')
    name = os.path.basename(urllib.parse.urlsplit(url).path) or 'checkpoint.pth'
    if url == asked:  # somebody's file: other servers have a latest.pth, too
        name = f'{hashlib.sha256(url.encode()).hexdigest()[:8]}-{name}'
    path = os.path.join(folder, name)
    if os.path.isfile(path):
        return path
    os.makedirs(folder, exist_ok=True)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(30)
    try:
        torch.hub.download_url_to_file(
            url, path, progress=os.environ.get('LOCAL_RANK', '0') == '0')
    except (OSError, RuntimeError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, 'reason', error)
        raise ConnectionError(
            f'{asked}: cannot be downloaded ({reason}); {ELSEWHERE}') from None
    finally:
        socket.setdefaulttimeout(before)
    return path


def save_checkpoint(checkpoint: dict[str, Any], path: str) -> None:
    """Write a checkpoint whole or not at all.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    with atomic_write(path) as file:
        target = _Target(file)
        try:
            torch.save(checkpoint, target)
        except RuntimeError:
            if target.error:  # torch hides it behind one of its own
                raise target.error from None
            raise


class _Target:
    """A file that remembers why it could not be written."""

    def __init__(self, file: Any) -> None:
        self.file, self.error = file, None

    def write(self, data: Any) -> int:
        try:
            return self.file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self.file.flush()
