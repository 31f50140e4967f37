"""Augmentations before the resize: the classic keys of ``extra_aug`` (SSD, arXiv:1512.02325)."""
from typing import Any, Protocol, Sequence

import cv2
import numpy as np

from mmdet.datasets.annotations import FrameObjects
from mmdet.utils import check_keys


class Augmentation(Protocol):
    """img (h, w, 3) BGR, uint8 or float32, and its objects to new ones, at random."""

    def __call__(self, img: np.ndarray, objects: FrameObjects, rng: np.random.Generator
                 ) -> tuple[np.ndarray, FrameObjects]:
        ...


class PhotoMetricDistortion:
    """Change brightness, contrast, saturation, hue, order of channels, each with probability 1/2.

    The picture becomes float32 and is not clipped, as in the 2019 code.

    Args:
        brightness_delta: largest change, in grey levels.
        contrast_range, saturation_range: factors.
        hue_delta: largest change, in degrees.
    """

    def __init__(self, brightness_delta: float = 32,
                 contrast_range: tuple[float, float] = (0.5, 1.5),
                 saturation_range: tuple[float, float] = (0.5, 1.5), hue_delta: float = 18) -> None:
        self.brightness_delta, self.hue_delta = brightness_delta, hue_delta
        self.contrast_range, self.saturation_range = contrast_range, saturation_range

    def __call__(self, img: np.ndarray, objects: FrameObjects, rng: np.random.Generator
                 ) -> tuple[np.ndarray, FrameObjects]:
        contrast_first = rng.random() < 0.5
        img = img.astype(np.float32)
        if rng.random() < 0.5:
            img += np.float32(rng.uniform(-self.brightness_delta, self.brightness_delta))
        if contrast_first:
            img = self._contrast(img, rng)
        img = self._color(img, rng)
        if not contrast_first:
            img = self._contrast(img, rng)
        if rng.random() < 0.5:
            img = img[..., rng.permutation(3)]
        return np.ascontiguousarray(img), objects

    def _contrast(self, img: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return img * np.float32(rng.uniform(*self.contrast_range)) if rng.random() < 0.5 else img

    def _color(self, img: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV)
        if rng.random() < 0.5:
            hsv[..., 1] *= rng.uniform(*self.saturation_range)
        if rng.random() < 0.5:
            hsv[..., 0] = (hsv[..., 0] + rng.uniform(-self.hue_delta, self.hue_delta)) % 360
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


class Expand:
    """Put the image somewhere on a larger canvas of the mean colour, with probability 1/2.

    Args:
        mean: colour of the canvas.
        to_rgb: ``mean`` is RGB (as in ``img_norm_cfg``), the image BGR.
        ratio_range: size of the canvas by that of the image.
    """

    def __init__(self, mean: Sequence[float] = (0, 0, 0), to_rgb: bool = True,
                 ratio_range: tuple[float, float] = (1, 4)) -> None:
        self.mean = tuple(mean)[::-1] if to_rgb else tuple(mean)
        self.ratio_range = ratio_range

    def __call__(self, img: np.ndarray, objects: FrameObjects, rng: np.random.Generator
                 ) -> tuple[np.ndarray, FrameObjects]:
        if rng.random() < 0.5:
            return img, objects
        height, width = img.shape[:2]
        ratio = rng.uniform(*self.ratio_range)
        big_h, big_w = int(height * ratio), int(width * ratio)
        top, left = int(rng.integers(big_h - height + 1)), int(rng.integers(big_w - width + 1))
        canvas = np.full((big_h, big_w, 3), self.mean, img.dtype)
        canvas[top:top + height, left:left + width] = img
        return canvas, _shifted(objects, left, top)


class RandomCrop:
    """Crop so that a box keeps a least overlap with the patch; boxes whose centre falls outside go.

    Args:
        min_ious: least overlaps to choose from; no crop and any crop are choices too.
        min_crop_size: least width and height of the patch by those of the image.
    """
    TRIES = 50

    def __init__(self, min_ious: Sequence[float] = (0.1, 0.3, 0.5, 0.7, 0.9),
                 min_crop_size: float = 0.3) -> None:
        self.modes: list[float | None] = [None, *min_ious, 0.0]
        self.min_crop_size = min_crop_size

    def __call__(self, img: np.ndarray, objects: FrameObjects, rng: np.random.Generator
                 ) -> tuple[np.ndarray, FrameObjects]:
        while True:
            mode = self.modes[rng.integers(len(self.modes))]
            if mode is None:
                return img, objects
            for _ in range(self.TRIES):
                patch = self._patch(img.shape, rng)
                keep = _kept(objects.boxes, patch, mode)
                if len(keep):
                    return _cropped(img, objects, patch, keep)

    def _patch(self, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """x1 y1 x2 y2, ends exclusive, of an aspect ratio between 1/2 and 2."""
        while True:
            height, width = (int(rng.uniform(self.min_crop_size, 1) * side) for side in shape[:2])
            if height and width and 0.5 <= height / width <= 2:
                break
            if not 0.5 <= shape[0] / shape[1] <= 2:
                break  # so long an image may have no such patch
        top = int(rng.integers(shape[0] - height + 1))
        left = int(rng.integers(shape[1] - width + 1))
        return np.array([left, top, left + max(width, 1), top + max(height, 1)])


def _kept(boxes: np.ndarray, patch: np.ndarray, min_iou: float) -> np.ndarray:
    """Rows whose centre lies in the patch; none if a box overlaps it less than ``min_iou``."""
    if not len(boxes):
        return np.zeros(0, np.int64)
    sides = np.minimum(boxes[:, 2:] + 1, patch[2:]) - np.maximum(boxes[:, :2], patch[:2])
    overlap = sides.clip(0).prod(1)
    area = (boxes[:, 2:] - boxes[:, :2] + 1).prod(1)
    iou = overlap / (area + (patch[2:] - patch[:2]).prod() - overlap)
    if iou.min() < min_iou:
        return np.zeros(0, np.int64)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.flatnonzero(((centres > patch[:2]) & (centres < patch[2:])).all(1))


def _shifted(objects: FrameObjects, x: int, y: int) -> FrameObjects:
    moved = objects.select(np.arange(len(objects.boxes)), objects.boxes + np.float32([x, y, x, y]))
    moved.boxes_ignore = objects.boxes_ignore + np.float32([x, y, x, y])
    return moved


def _cropped(img: np.ndarray, objects: FrameObjects, patch: np.ndarray, keep: np.ndarray
             ) -> tuple[np.ndarray, FrameObjects]:
    left, top, right, bottom = patch
    kept = _shifted(objects.select(keep, objects.boxes[keep]), -left, -top)
    limit = np.float32([right - left - 1, bottom - top - 1] * 2)
    kept.boxes = kept.boxes.clip(0, limit)
    ignore = kept.boxes_ignore
    outside = (ignore[:, 2:] < 0).any(1) | (ignore[:, :2] > limit[:2]).any(1)
    kept.boxes_ignore = ignore[~outside].clip(0, limit)
    return np.ascontiguousarray(img[top:bottom, left:right]), kept


KINDS = dict(photo_metric_distortion=PhotoMetricDistortion, expand=Expand, random_crop=RandomCrop)


class ExtraAugmentation:
    """The augmentations of ``extra_aug``, in the classic order.

    Args:
        photo_metric_distortion, expand, random_crop: arguments of each; None leaves it out.

    Raises:
        TypeError: an unknown key; the nearest valid one is named.
    """

    def __init__(self, **cfg: Any) -> None:
        check_keys(cfg, KINDS, 'extra_aug')
        self.steps: list[Augmentation] = [
            kind(**cfg[name]) for name, kind in KINDS.items() if cfg.get(name) is not None]

    def __call__(self, img: np.ndarray, objects: FrameObjects, rng: np.random.Generator
                 ) -> tuple[np.ndarray, FrameObjects]:
        """Apply every step, see :class:`Augmentation`; the picture becomes float32, as in 2019."""
        img = img.astype(np.float32)
        for step in self.steps:
            img, objects = step(img, objects, rng)
        return img, objects
