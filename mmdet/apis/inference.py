"""Using a trained detector on frames of one's own."""
import copy
import functools
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import nn

from mmdet.apis.test import track_score
from mmdet.apis.tracked import TrackedVideo
from mmdet.checkpoint import load_checkpoint
from mmdet.checkpoint.download import COCO_WEIGHTS
from mmdet.core import FramePreprocessor
from mmdet.datasets import CocoDataset, YTVOSDataset
from mmdet.datasets.transforms import check_scales, one_or_all, views_to_test
from mmdet.engine import classic, test_loop
from mmdet.engine.environment import set_threads, this_device
from mmdet.engine.export import ExportedTracker
from mmdet.engine.inference import prepare_inference
from mmdet.engine.live import open_live
from mmdet.engine.prefetch import default_workers, read_ahead
from mmdet.evaluation import get_classes
from mmdet.formats.pictures import write_picture
from mmdet.formats.sources import FrameSource, Picture, Source, as_frame, open_source
from mmdet.formats.track_result import TrackResult
from mmdet.models import build_detector
from mmdet.utils.config import load_config, require
from mmdet.utils.errors import BadType, BadValue
from mmdet.utils.logger import get_root_logger
from mmdet.visualization import draw_result

Result = TrackResult | tuple | list

CONFIGS = pathlib.Path(__file__).parents[2] / 'configs'
# Detectors that are ready to be used: their config, and their weights where none are named.
READY = dict(coco=('mask_rcnn_r50_fpn_coco_track.py', COCO_WEIGHTS))


def init_detector(config: str | os.PathLike | Config = 'coco', checkpoint: str | None = None,
                  device: str | torch.device | None = None, amp: bool | str | None = None,
                  compile: bool | None = None,
                  cfg_options: dict[str, Any] | None = None) -> nn.Module:
    """Build a detector, load its weights, prepare it for inference.

    Args:
        config: path of a config file, or its content; ``'coco'``: torchvision's Mask R-CNN, which
            knows the 80 classes of COCO, with a tracking head that needs no training.
        checkpoint: path or URL of the weights; None leaves random ones, but those of ``'coco'``
            are downloaded, once a machine.
        device: by default the GPU, or the CPU where there is none.
        amp, compile: see :func:`mmdet.apis.prepare_inference`; by default as the config's
            ``inference`` says, else off.
        cfg_options: dotted keys of the config to other values.

    Returns:
        the detector, for use only (its batch norms are folded), with ``cfg`` and ``CLASSES``
        (names by label; None if nothing tells them).

    Raises:
        FileNotFoundError: no such config or checkpoint.
        ConnectionError: weights cannot be downloaded.
        ValueError: the checkpoint does not fit the config, or there is no such device.
    """
    device = this_device(device)
    detector = load_detector(config, checkpoint, cfg_options)
    cfg, classes = detector.cfg, detector.CLASSES
    set_threads(0, cfg.get('num_threads'), device)
    detector = prepare_inference(detector.to(device),
                                 **classic.inference(cfg, amp=amp, compile=compile))
    detector.cfg, detector.CLASSES = cfg, classes
    return detector


def load_detector(config: str | os.PathLike | Config, checkpoint: str | None = None,
                  cfg_options: dict[str, Any] | None = None) -> nn.Module:
    """As :func:`init_detector`, on the CPU and as it was trained, not prepared."""
    cfg = read_config(config, cfg_options)
    detector = build_detector({**cfg.model, 'pretrained': None}, test_cfg=cfg.test_cfg)
    if checkpoint is None and _is_ready(config):
        checkpoint = READY[config][1]
    meta = {}
    if checkpoint is not None:
        meta = load_checkpoint(detector, checkpoint, strict=True).meta
    detector.cfg = cfg
    detector.CLASSES = meta.get('CLASSES') or _configured_classes(cfg, detector)
    return detector


def read_config(config: str | os.PathLike | Config,
                cfg_options: dict[str, Any] | None = None) -> Config:
    """A config file, or a copy of one's content, with what a detector in use needs."""
    if isinstance(config, Config):
        cfg = copy.deepcopy(config)
        cfg.merge_from_dict(cfg_options or {})
    else:
        path = CONFIGS / READY[config][0] if _is_ready(config) else config
        cfg = load_config(os.fspath(path), cfg_options)
    require(cfg, 'model', 'test_cfg', 'data.test')
    return cfg


def _is_ready(config: str | os.PathLike | Config) -> bool:
    return isinstance(config, str) and config in READY


def device_of(detector: nn.Module | ExportedTracker) -> torch.device:
    """Where frames go."""
    return (detector.device if isinstance(detector, ExportedTracker)
            else next(detector.parameters()).device)


def _configured_classes(cfg: Config, detector: nn.Module) -> Sequence[str] | None:
    """Names from the config, or those of YouTube-VIS 2019 or COCO if the head has as many."""
    named = cfg.data.test.get('classes')
    known = {len(names) + 1: names for names in (YTVOSDataset.CLASSES, CocoDataset.CLASSES)}
    return known.get(detector.num_classes) if named is None else named


class FrameLoader:
    """Makes what a data set makes of a frame in test mode.

    Args:
        cfg: config with ``data.test``, whose ``img_scale``, ``flip_ratio``,
            ``img_norm_cfg`` and ``size_divisor`` are used.
    """

    def __init__(self, cfg: Config) -> None:
        test = cfg.data.test
        self.scales, self.flip = check_scales(test.img_scale, 'data.test'), test.get('flip_ratio')
        self.size_divisor = test.get('size_divisor')
        self.keep_ratio = test.get('resize_keep_ratio', True)
        self.preprocess = FramePreprocessor(**test.img_norm_cfg, size_divisor=self.size_divisor)

    def item(self, frame: np.ndarray, frame_id: int = 0) -> dict[str, Any]:
        """A frame (h, w, 3) as an item: ``frame``, ``img`` (uint8, resized), ``img_meta``.

        With several scales or mirror images ``img`` and ``img_meta`` are lists.
        """
        views = views_to_test(frame.shape[:2], self.scales, bool(self.flip), self.size_divisor,
                              self.keep_ratio)
        return dict(frame=frame, **one_or_all([
            dict(img=view.image(frame), img_meta=view.meta(frame.shape, frame_id=frame_id))
            for view in views]))

    def items(self, frames: Iterable[np.ndarray]) -> Iterator[dict[str, Any]]:
        """The items of a video."""
        return (self.item(frame, t) for t, frame in enumerate(frames))


@torch.no_grad()
def track_frames(detector: nn.Module | ExportedTracker, frames: Iterable[np.ndarray],
                 ahead: int | None = None) -> Iterator[tuple[np.ndarray, TrackResult]]:
    """Follow the objects through a video as its frames come.

    Args:
        detector: from :func:`init_detector`.
        frames: uint8 (h, w, 3) BGR; read once.
        ahead: how many are read before they are needed; None: a few where a GPU waits for them.

    Yields:
        each frame and what is in it.

    Raises:
        TypeError: the detector does not track.
    """
    check_tracks(detector)
    loader, device = FrameLoader(_config_of(detector)), device_of(detector)
    if ahead is None:
        ahead = 3 * min(1, default_workers(device))
    items = read_ahead(loader.items(frames), ahead)
    for item, result in test_loop.track_video(detector, loader.preprocess, items, device):
        yield item['frame'], result


def track_video(detector: nn.Module | ExportedTracker, source: Source | FrameSource,
                live: bool = False) -> TrackedVideo:
    """Follow the objects through a video, frame by frame, however long it is.

    Args:
        detector: from :func:`init_detector`.
        source: a video file, folder of frames, stream or camera; an array (T, h, w, 3); a list
            or generator of pictures: paths, uint8 (h, w, 3) BGR arrays, PIL pictures.
        live: of a camera or stream: whenever the next result is asked for, the newest frame is
            taken and what came before it dropped; one that breaks is opened again. ``close()``
            gives it back. A file is played at its rate.

    Returns:
        an iterator of :class:`TrackedFrame`, which unpack as ``frame, result``; an object has the
        same id in all. Its ``save`` writes a video and a json instead.

    Raises:
        FileNotFoundError: no such file or folder.
        ConnectionError: with ``live``: the stream broke for good.
        TypeError: no source of frames, or a detector that does not track.
    """
    check_tracks(detector)
    score = track_score(_config_of(detector))
    say_left_out(detector)
    if live:
        if isinstance(source, FrameSource):
            raise BadType('live: expected a camera, stream or file by its name, got one that is '
                          'open already')
        if getattr(_tracking_of(detector), 'max_age', None) is None:
            _warn_once('live: test_cfg.track.max_age is not set; what is remembered grows as long '
                       'as objects come (demo.py --live takes 300)')
        video: FrameSource = open_live(source, get_root_logger())
    else:
        video = source if isinstance(source, FrameSource) else open_source(source)
    frames = track_frames(detector, video.even_frames(), ahead=0 if live else None)
    return TrackedVideo(frames, video, getattr(detector, 'CLASSES', None),
                        detector.num_classes - 1, score)


def inference_detector(detector: nn.Module, source: Source, cfg: str | Config | None = None,
                       device: str | torch.device | None = None
                       ) -> Result | list[Result] | Iterator[Result]:
    """Find the objects of a picture or a video.

    With ``cfg`` it is the call of the 2019 code: the detector need not be prepared and goes to
    ``device``, and a list gives a generator with a result per picture.

    Args:
        detector: from :func:`init_detector`; with ``cfg`` any.
        source: a picture (path, uint8 (h, w, 3) BGR array, PIL picture), or a video as
            :func:`track_video` takes it.
        cfg: its ``data.test`` says how pictures are resized; None: that of the detector.
        device: where it runs, with ``cfg``; None: where it is.

    Returns:
        for a video, a :class:`TrackResult` a frame, the same object with the
        same id in all of them; for a picture one of them. A detector that does
        not track gives ``(bbox_results, segm_results)`` as ``detect`` does.

    Raises:
        FileNotFoundError, ValueError, TypeError: the source is not there or
            holds no frames.
    """
    if cfg is not None and isinstance(detector, ExportedTracker):
        raise BadType('inference_detector: an exported tracker has its config from '
                      'init_exported; leave cfg out')
    if cfg is not None:
        detector.cfg = read_config(cfg)
        detector.to(device_of(detector) if device is None else this_device(device)).eval()
    elif device is not None:
        raise BadType('inference_detector: device goes with cfg, as in 2019; or make the detector '
                      'with init_detector(config, checkpoint, device)')
    video = open_source(source)
    found = _find(detector, video)
    if cfg is not None and isinstance(source, list):
        return found
    results = list(found)
    if not results:
        raise BadValue(f'{video.where}: there is no frame in it')
    return results[0] if video.is_picture else results


def _find(detector: nn.Module, video: FrameSource) -> Iterator[Result]:
    if hasattr(detector, 'track'):
        return (result for _, result in track_frames(detector, video.even_frames()))
    return _detect(detector, video.frames)


@torch.no_grad()
def _detect(detector: nn.Module, frames: Iterable[np.ndarray]) -> Iterator[Result]:
    loader, device = FrameLoader(_config_of(detector)), next(detector.parameters()).device
    for item in map(loader.item, frames):
        img = test_loop.network_input(loader.preprocess, item['img'], device)
        yield detector.detect(img, item['img_meta'])


def _config_of(detector: nn.Module | ExportedTracker) -> Config:
    if not hasattr(detector, 'cfg'):
        raise BadType(f'this {type(detector).__name__} has no config, which says how frames are '
                      'resized; make it with init_detector, or give '
                      'inference_detector(model, img, cfg)')
    return detector.cfg


def check_tracks(detector: nn.Module) -> None:
    if not hasattr(detector, 'track'):
        raise BadType(f'{type(detector).__name__} does not track; use a config with a track_head')


def say_left_out(detector: nn.Module | ExportedTracker) -> None:
    """Warn once of what needs the whole video, where its frames are handed out before."""
    tracking = _tracking_of(detector)
    left_out = [name for name in ('backward', 'after_video') if getattr(tracking, name, None)]
    if left_out:
        _warn_once(f'test_cfg.track.{" and ".join(left_out)}: left out, frames are handed out '
                   'before the video is over; test_video.py runs them')


def _tracking_of(detector: nn.Module | ExportedTracker) -> Any:
    """Options of ``test_cfg.track``; None of a detector that has none."""
    return getattr(getattr(detector, 'tracker', detector), 'tracking', None)


@functools.cache
def _warn_once(text: str) -> None:
    get_root_logger().warning(text)


def show_result(frame: Picture, result: Result,
                class_names: Sequence[str] | str | None = None, score_thr: float = 0.3,
                out_file: str | None = None, dataset: str | None = None) -> np.ndarray:
    """Draw what :func:`inference_detector` found in a frame.

    Args:
        frame: path, uint8 (h, w, 3) BGR array, or PIL picture; left as it is.
        result: of this frame.
        class_names: names by label, e.g. ``detector.CLASSES``; or a data set, as in 2019.
        score_thr: objects below are left out.
        out_file: where to write the picture, if anywhere.
        dataset: one of :func:`mmdet.evaluation.get_classes`, in place of ``class_names``.

    Returns:
        uint8 (H, W, 3) BGR; small frames come out enlarged.

    Raises:
        ValueError: an unknown data set, or one with fewer classes than the result.
        OSError: ``out_file`` cannot be written.
    """
    frame = as_frame(frame)
    if not isinstance(result, TrackResult):
        result = TrackResult.from_detections(*(result if isinstance(result, tuple) else (result,)))
    names = dataset if dataset is not None else class_names
    if isinstance(names, str):
        names = get_classes(names)
    picture = draw_result(frame, result, names, score_thr)
    if out_file is not None:
        write_picture(picture, out_file)
    return picture
