"""Using a trained detector on frames of one's own."""
import itertools
import os
from typing import Any, Iterable, Iterator, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.config import Config
from torch import nn

from mmdet.core import FramePreprocessor, TrackResult
from mmdet.datasets import YTVOSDataset
from mmdet.datasets.transforms import View, check_scales
from mmdet.models import build_detector
from mmdet.checkpoint import load_checkpoint
from mmdet.utils.config import load_config
from mmdet.engine.environment import set_threads
from mmdet.engine.prefetch import default_workers, prefetch
from .show import draw_frame, write_picture
from .sources import IMAGE_SUFFIXES, Source, open_source, read_picture
from mmdet.engine.test_loop import track_video

Result = Union[TrackResult, tuple, list]


def init_detector(config: Union[str, Config], checkpoint: Optional[str] = None,
                  device: Union[str, torch.device, None] = None) -> nn.Module:
    """Build a detector, load its weights, ready to be used.

    Args:
        config: path of a config file, or its content.
        checkpoint: path or URL of the weights; None leaves random ones.
        device: by default the GPU, or the CPU where there is none.

    Returns:
        the detector in evaluation mode, with ``cfg`` and ``CLASSES`` (names by
        label; None if nothing tells them).

    Raises:
        FileNotFoundError: no such config or checkpoint.
        ValueError: the checkpoint does not fit the config.
    """
    cfg = config if isinstance(config, Config) else load_config(config)
    detector = build_detector({**cfg.model, 'pretrained': None}, test_cfg=cfg.test_cfg)
    meta = {}
    if checkpoint is not None:
        meta = load_checkpoint(detector, checkpoint, strict=True).meta
    detector.cfg = cfg
    detector.CLASSES = meta.get('CLASSES') or _configured_classes(cfg, detector)
    if device is None:
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
    set_threads(0, cfg.get('num_threads'))
    return detector.to(device).eval()


def _configured_classes(cfg: Config, detector: nn.Module) -> Optional[Sequence[str]]:
    """Names from the config, or those of YouTube-VIS 2019 if the head has as many."""
    named = cfg.data.test.get('classes')
    if named is None and detector.bbox_head.num_classes == len(YTVOSDataset.CLASSES) + 1:
        return YTVOSDataset.CLASSES
    return named


class FrameLoader:
    """Makes what a data set makes of a frame in test mode.

    Args:
        cfg: config with ``data.test``, whose ``img_scale``, ``img_norm_cfg``
            and ``size_divisor`` are used.
    """

    def __init__(self, cfg: Config) -> None:
        test = cfg.data.test
        self.scale = check_scales(test.img_scale, 'data.test')[0]
        self.size_divisor = test.get('size_divisor')
        self.keep_ratio = test.get('resize_keep_ratio', True)
        self.preprocess = FramePreprocessor(**test.img_norm_cfg, size_divisor=self.size_divisor)

    def item(self, frame: np.ndarray, frame_id: int = 0) -> dict[str, Any]:
        """``img`` uint8 tensor (h, w, 3), resized, and ``img_meta`` of a frame (h, w, 3)."""
        view = View.of(frame.shape[:2], self.scale, False, self.size_divisor, self.keep_ratio)
        return dict(img=view.image(frame), img_meta=view.meta(frame.shape, frame_id=frame_id))


def track_frames(detector: nn.Module, frames: Iterable[np.ndarray]
                 ) -> Iterator[tuple[np.ndarray, TrackResult]]:
    """Follow the objects through a video as its frames come.

    Args:
        detector: from :func:`init_detector`.
        frames: uint8 (h, w, 3) BGR; read once, a few ahead where a GPU waits for them.

    Yields:
        each frame and what is in it.

    Raises:
        TypeError: the detector does not track.
    """
    if not hasattr(detector, 'track'):
        raise TypeError(f'{type(detector).__name__} does not track; use a config with a track_head')
    loader, device = FrameLoader(detector.cfg), next(detector.parameters()).device
    numbered = enumerate(frames)

    def load(_: int) -> Optional[tuple[np.ndarray, dict]]:
        t, frame = next(numbered, (0, None))
        return None if frame is None else (frame, loader.item(frame, t))

    workers = min(1, default_workers(device))  # a video is decoded in order
    pairs = itertools.takewhile(lambda pair: pair is not None,
                                prefetch(load, itertools.count(), workers))
    shown, used = itertools.tee(pairs)
    results = track_video(detector, loader.preprocess, (item for _, item in used), device)
    for (frame, _), result in zip(shown, results):
        yield frame, result


def inference_detector(detector: nn.Module, source: Union[Source, np.ndarray]
                       ) -> Union[Result, list[Result]]:
    """Find the objects of a picture or a video.

    Args:
        detector: from :func:`init_detector`.
        source: a picture (path, or uint8 (h, w, 3) BGR), or a video: file,
            folder of frames, list of pictures.

    Returns:
        for a video, a :class:`TrackResult` a frame, the same object with the
        same id in all of them; for a picture one of them. A detector that does
        not track gives ``(bbox_results, segm_results)`` as ``detect`` does.

    Raises:
        FileNotFoundError, ValueError, TypeError: the source is not there or
            holds no frames.
    """
    if isinstance(source, np.ndarray) or _is_picture(source):
        frame = source if isinstance(source, np.ndarray) else read_picture(source)
        return _infer(detector, [frame])[0]
    return _infer(detector, open_source(source).frames)


def _is_picture(source: Source) -> bool:
    return (isinstance(source, (str, os.PathLike))
            and os.fspath(source).lower().endswith(IMAGE_SUFFIXES))


def _infer(detector: nn.Module, frames: Iterable[np.ndarray]) -> list[Result]:
    if hasattr(detector, 'track'):
        return [result for _, result in track_frames(detector, frames)]
    loader, device = FrameLoader(detector.cfg), next(detector.parameters()).device
    items = (loader.item(frame) for frame in frames)
    return [detector.detect(loader.preprocess([item['img'].to(device)]), item['img_meta'])
            for item in items]


def show_result(frame: Union[str, np.ndarray], result: Result,
                class_names: Optional[Sequence[str]] = None, score_thr: float = 0.3,
                out_file: Optional[str] = None) -> np.ndarray:
    """Draw what :func:`inference_detector` found in a frame.

    Args:
        frame: path, or uint8 (h, w, 3) BGR; left as it is.
        result: of this frame.
        class_names: names by label, e.g. ``detector.CLASSES``.
        score_thr: objects below are left out.
        out_file: where to write the picture, if anywhere.

    Returns:
        uint8 (H, W, 3) BGR; small frames come out enlarged.

    Raises:
        OSError: ``out_file`` cannot be written.
    """
    frame = frame if isinstance(frame, np.ndarray) else read_picture(frame)
    tracked = isinstance(result, TrackResult)
    picture = draw_frame(frame, *(result.to_classic() if tracked else _numbered(result)),
                         class_names, score_thr)
    if out_file is not None:
        write_picture(picture, out_file)
    return picture


def _numbered(result: Union[tuple, list]) -> tuple[dict, dict]:
    """Per-class detections as (det, seg); they are numbered as they come."""
    boxes, masks = result if isinstance(result, tuple) else (result, None)
    det = [dict(bbox=box, label=label) for label, found in enumerate(boxes) for box in found]
    rles = [rle for found in masks or () for rle in found]
    return dict(enumerate(det)), dict(enumerate(rles))
