"""A trained detector as a file for other programs, and such a file at work."""
import dataclasses
import itertools
import os
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmdet.apis.inference import FrameLoader, load_detector, read_config
from mmdet.datasets import build_dataset
from mmdet.datasets.transforms import View, check_scales
from mmdet.engine import checks
from mmdet.engine.environment import set_threads
from mmdet.engine.export import (FORMATS, LIMITS, Difference, ExportedTracker, compare,
                                 open_network, write_network)
from mmdet.engine.test_loop import network_input
from mmdet.formats.sources import open_source
from mmdet.utils.errors import BadValue
from mmdet.utils.logger import get_root_logger

CPU = torch.device('cpu')


@dataclasses.dataclass
class ExportOptions:
    """The options of ``tools/export.py``, which explains each."""
    config: str | Config
    checkpoint: str
    format: str = 'onnx'
    out: str | None = None
    shape: tuple[int, int] = (1280, 720)
    verify: str | None = None
    frames: int = 10
    cfg_options: dict | None = None

    @property
    def path(self) -> str:
        """Of the file that is written."""
        base = os.path.splitext(os.path.basename(self.checkpoint))[0]
        return self.out or base + FORMATS[self.format]

    def check(self) -> None:
        """ValueError or FileNotFoundError for what would fail later."""
        checks.check_checkpoint(self.checkpoint)
        if min(self.shape) < 1:
            raise BadValue(f'--shape {self.shape[0]}x{self.shape[1]}: expected a width and height '
                           'in pixels, such as 1280x720')
        if self.frames < 1:
            raise BadValue(f'--frames {self.frames}: expected 1 or more')
        if not self.path.endswith(FORMATS[self.format]):
            raise BadValue(f'--out {self.out}: expected a name that ends with '
                           f'{FORMATS[self.format]}, which readers know the format by')


def export_detector(options: ExportOptions) -> list[Difference]:
    """Write the network and, where it was asked for, compare what it finds.

    Returns:
        a difference per frame compared.

    Raises:
        FileNotFoundError, ValueError, TypeError, ImportError: something is missing or does not
            fit, or the file finds something else than the detector.
        OSError: the file cannot be written.
    """
    options.check()
    logger = get_root_logger()
    detector = load_detector(options.config, options.checkpoint, options.cfg_options)
    set_threads(0, detector.cfg.get('num_threads'), CPU)
    size = write_network(detector, view_of(detector.cfg, options.shape), options.path,
                         options.format, detector.CLASSES)
    logger.info('%s: %.1f MB, for frames of %dx%d', options.path, size / 1e6, *options.shape)
    if options.verify is None:
        return []
    exported = ExportedTracker(detector.cfg, open_network(options.path))
    found = compare(detector, exported, itertools.islice(
        frames_of(detector, options.verify), options.frames))
    for number, one in enumerate(found):
        logger.info('frame %d: %s', number, in_words(one))
    if not all(one.fits for one in found):
        raise BadValue(f'{options.path}: finds something else than PyTorch in '
                       f'{sum(not one.fits for one in found)} of {len(found)} frames, see above; '
                       f'allowed are {_numbers(LIMITS)}')
    logger.info('%s: the same as PyTorch in %d frames', options.path, len(found))
    return found


def in_words(one: Difference) -> str:
    """A difference as a line."""
    if not one.same_labels:
        return (f'PyTorch has {one.expected} detections, the file {one.got}' if
                one.expected != one.got else f'{one.got} detections, other labels')
    return f'{one.got} detections; largest differences: {_numbers(one.largest)}'


def _numbers(values: dict[str, float]) -> str:
    return ', '.join(f'{name} {value:.1e}' for name, value in values.items())


def view_of(cfg: Config, shape: tuple[int, int]) -> View:
    """How the config resizes a frame (width, height).

    Raises:
        ValueError: in several ways.
    """
    test = cfg.data.test
    scales = check_scales(test.img_scale, 'data.test')
    if len(scales) > 1 or test.get('flip_ratio'):
        raise BadValue('data.test: several scales or mirror images of a frame are not exported; '
                       'set img_scale to one pair and flip_ratio=0')
    return View.of(shape[::-1], scales[0], size_divisor=test.get('size_divisor'),
                   keep_ratio=test.get('resize_keep_ratio', True))


def frames_of(detector: nn.Module, video: str) -> Iterator[tuple[Tensor, dict]]:
    """Network input and ``img_meta`` of frames.

    Args:
        detector: with ``cfg``.
        video: as :func:`mmdet.formats.sources.open_source` takes it; '': those of ``data.test``.
    """
    loader = FrameLoader(detector.cfg)
    if video:
        items: Iterator[dict[str, Any]] = loader.items(open_source(video).even_frames())
    else:
        dataset = build_dataset({**detector.cfg.data.test, 'test_mode': True})
        items = (dataset[i] for i in range(len(dataset)))
    return ((network_input(loader.preprocess, item['img'], CPU), item['img_meta'])
            for item in items)


def init_exported(config: str | os.PathLike | Config, file: str | os.PathLike,
                  cfg_options: dict[str, Any] | None = None) -> ExportedTracker:
    """Open a file of the network where a detector of :func:`mmdet.apis.init_detector` is used.

    Args:
        config: of the detector that was exported; thresholds and suppression are in the file,
            how ids are given is not.
        file: written by ``tools/export.py``: ONNX, or an archive ``.pt2``.
        cfg_options: dotted keys of the config to other values.

    Raises:
        FileNotFoundError, ValueError, ImportError: a file is missing or does not fit the config,
            or onnxruntime is not installed.
    """
    cfg = read_config(config, cfg_options)
    set_threads(0, cfg.get('num_threads'), CPU)
    return ExportedTracker(cfg, open_network(file))
