"""Files of :mod:`mmdet.engine.export.writers` at work: the network there, the matching here."""
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from mmdet.core.bbox import Detections, bbox_mapping, bbox_mapping_back
from mmdet.core.track import TrackMemory
from mmdet.engine.export.network import Found
from mmdet.engine.export.writers import FORMATS, INPUTS, missing
from mmdet.engine.replay import build_tracker
from mmdet.formats.track_result import TrackResult
from mmdet.utils.errors import BadValue, MissingFile

META = ('img_shape', 'pad_shape', 'num_classes', 'classes')


class ExportedNetwork(Protocol):
    """A file that was opened: called with a frame it gives what is in it.

    Attributes:
        path: of the file.
        meta: ``img_shape`` and ``pad_shape``, [h, w] each, ``num_classes`` with background,
            ``classes``: names or None.
    """
    path: str
    meta: dict

    def __call__(self, image: Tensor, scale_factor: Tensor) -> Found:
        """See :class:`mmdet.engine.export.network.Network`; on the CPU."""


class OnnxNetwork:
    """An ONNX file in onnxruntime on the CPU, with as many threads as PyTorch takes.

    Args:
        path: of the file.

    Raises:
        ImportError: onnxruntime is not installed.
        FileNotFoundError: no such file.
        ValueError: it is no ONNX file, or not of ``tools/export.py``.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise missing(error) from None
        self.path = _existing(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # errors
        try:
            self.session = onnxruntime.InferenceSession(self.path, options,
                                                        providers=['CPUExecutionProvider'])
        except Exception as error:  # onnxruntime's own classes, each from Exception
            raise BadValue(f'{path}: onnxruntime cannot read this ({error}); give a file written '
                           'by tools/export.py --format onnx') from None
        self.meta = _meta(self.path, self.session.get_modelmeta().custom_metadata_map)

    def __call__(self, image: Tensor, scale_factor: Tensor) -> Found:
        """Everything in a frame."""
        arrays = (image.contiguous().numpy(), scale_factor.numpy())
        found = self.session.run(list(Found._fields), dict(zip(INPUTS, arrays)))
        return Found(*map(torch.as_tensor, found))


class TorchNetwork:
    """A ``torch.export`` archive; open only files of your own, their loader is PyTorch's.

    Args:
        path: of the file.

    Raises:
        FileNotFoundError, ValueError: see :class:`OnnxNetwork`.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        import torchvision  # noqa: F401  (its operators are in the file)
        self.path, texts = _existing(path), dict.fromkeys(META, '')
        try:
            self.module = torch.export.load(self.path, extra_files=texts).module()
        except (RuntimeError, ValueError, KeyError, OSError, EOFError) as error:
            raise BadValue(f'{path}: PyTorch cannot read this ({error}); give a file written by '
                           'tools/export.py --format torch') from None
        self.meta = _meta(self.path, texts)

    @torch.no_grad()
    def __call__(self, image: Tensor, scale_factor: Tensor) -> Found:
        """Everything in a frame."""
        return Found(**self.module(image, scale_factor))


def open_network(path: str | os.PathLike) -> ExportedNetwork:
    """The network in a file, which its name tells the format of."""
    kind = TorchNetwork if os.fspath(path).endswith(FORMATS['torch']) else OnnxNetwork
    return kind(path)


def _existing(path: str | os.PathLike) -> str:
    if not os.path.isfile(path):
        raise MissingFile(f'{path}: no such file; tools/export.py writes one')
    return os.fspath(path)


def _meta(path: str, texts: dict) -> dict:
    if not all(texts.get(key) for key in META):
        raise BadValue(f'{path}: was not written by tools/export.py, which says in the file for '
                       'what frames it is')
    return {key: json.loads(texts[key]) for key in META}


class ExportedTracker:
    """Follows objects as the detector that was exported does.

    Args:
        cfg: config of the detector, with the test settings it was exported with.
        network: of its file.

    Raises:
        ValueError: the file is of another number of classes.
    """
    device = torch.device('cpu')

    def __init__(self, cfg: Config, network: ExportedNetwork) -> None:
        self.cfg, self.network = cfg, network
        self.tracker = build_tracker(cfg)
        self.num_classes: int = network.meta['num_classes']
        if self.num_classes != self.tracker.num_classes:
            raise BadValue(f'{network.path}: has {self.num_classes} classes, the config '
                           f'{self.tracker.num_classes}; give the config it was exported with')
        self.CLASSES: Sequence[str] | None = network.meta['classes']

    @torch.no_grad()
    def track(self, img: Tensor, img_meta: dict, memory: TrackMemory | None = None,
              keep: Callable | None = None) -> tuple[TrackResult, TrackMemory]:
        """The objects of the next frame of a video, and the memory for the one after.

        Args:
            img: (1, 3, H, W) normalised.
            img_meta: ``img_shape``, ``ori_shape``, ``scale_factor``.
            memory: what the call for the previous frame returned; None for the first.
            keep: not taken.

        Raises:
            ValueError: the frame has another size than the file is for, or there are several
                views of it; the network gives NaN or infinity.
        """
        if keep is not None:
            raise BadValue('exported networks do not save detections; use the checkpoint')
        found = self.find(img, img_meta)
        dets = Detections(*found[:3], finite=found.finite, probs=found.probs)
        if 'masks' in self.tracker.tracking.reads:
            dets = replace(dets, masks=found.masks > self.tracker.test_cfg.rcnn.mask_thr_binary)
        dets, host, memory = self.tracker.associate(dets, found.embeddings, memory)
        rows = host.ids >= 0
        return TrackResult(*(x[rows].numpy() for x in (host.boxes, host.scores, host.labels,
                                                       host.ids)),
                           self.masks(found, rows, img_meta)), memory

    def find(self, img: Tensor, img_meta: dict) -> Found:
        """All detections of a frame; see :meth:`track`."""
        if not isinstance(img, Tensor):
            raise BadValue(f'{self.network.path}: takes one view of a frame; set '
                           'data.test.img_scale to one pair and data.test.flip_ratio=0')
        self._check_size(img, img_meta)
        found = self.network(img, scale_tensor(img_meta))
        if not (found.finite and found.embeddings.isfinite().all()):
            name = img_meta.get('filename') or f'frame {img_meta.get("frame_id", "?")}'
            raise BadValue(f'{name}: the network gives NaN or infinity; the weights diverged: '
                           'export an earlier checkpoint')
        return found

    def masks(self, found: Found, rows: Tensor, img_meta: dict) -> list[dict]:
        """Run-length codes of chosen detections."""
        if self.tracker.mask_head is None:
            return []
        around = img_meta['img_shape'], img_meta['scale_factor'], False
        boxes = bbox_mapping_back(bbox_mapping(found.boxes[rows], *around), *around)
        return self.tracker.stages[-1].mask_head.get_masks(
            found.masks[rows], boxes, img_meta['ori_shape'], self.tracker.test_cfg.rcnn)

    def _check_size(self, img: Tensor, img_meta: dict) -> None:
        want = self.network.meta
        got = dict(img_shape=list(img_meta['img_shape'][:2]), pad_shape=list(img.shape[2:]))
        if any(want[key] != got[key] for key in got):
            (h, w), size = img_meta['ori_shape'][:2], want['img_shape']
            raise BadValue(
                f'{self.network.path}: is for frames that become {size[1]}x{size[0]} pixels, those '
                f'of {w}x{h} become {got["img_shape"][1]}x{got["img_shape"][0]}; export with '
                f'--shape {w}x{h}')


def scale_tensor(img_meta: dict) -> Tensor:
    """``scale_factor`` of ``img_meta``, a number or four, as (4,) float32."""
    factor = np.asarray(img_meta['scale_factor'], np.float32).reshape(-1)
    return torch.from_numpy(np.broadcast_to(factor, 4).copy())
