"""How a frame and what is annotated in it become network input: one value, applied to each."""
import dataclasses
from collections.abc import Sequence
from typing import Any

import cv2
import mmcv
import numpy as np
import torch

from mmdet.utils.errors import BadValue


@dataclasses.dataclass(frozen=True)
class View:
    """A resize, a flip and the size after padding.

    Attributes:
        img_shape: (h, w, 3) after resizing.
        pad_shape: (H, W, 3) after padding right and below.
        scale_factor: new size / old size: a float, or float32 (4,) for x1 y1
            x2 y2 where the aspect ratio is not kept.
        flip: mirrored left to right.
    """
    img_shape: tuple[int, int, int]
    pad_shape: tuple[int, int, int]
    scale_factor: float | np.ndarray
    flip: bool

    @classmethod
    def of(cls, size: tuple[int, int], scale: tuple[int, int], flip: bool = False,
           size_divisor: int | None = None, keep_ratio: bool = True) -> 'View':
        """The view that fits a frame into a scale.

        Args:
            size: (height, width) of the frame.
            scale: with ``keep_ratio`` (long edge, short edge) the result fits
                into, otherwise its (width, height).
            flip: mirror it.
            size_divisor: the padded size is a multiple of it; None: no padding.
            keep_ratio: keep the aspect ratio.
        """
        height, width = size
        if keep_ratio:
            (new_w, new_h), factor = mmcv.rescale_size((width, height), tuple(scale),
                                                       return_scale=True)
        else:
            new_w, new_h = scale
            factor = np.array([new_w / width, new_h / height] * 2, np.float32)
        new_w, new_h = max(new_w, 1), max(new_h, 1)
        step = size_divisor or 1
        padded = (-(-new_h // step) * step, -(-new_w // step) * step, 3)
        return cls((new_h, new_w, 3), padded, factor, bool(flip))

    def image(self, img: np.ndarray) -> torch.Tensor:
        """Resize bilinearly and flip; neither normalised nor padded.

        Args:
            img: (h, w, 3) uint8, or float32 after ``extra_aug``.

        Returns:
            tensor of ``img_shape`` and the dtype of ``img``.
        """
        img = self._resized(img, cv2.INTER_LINEAR)
        return torch.from_numpy(np.ascontiguousarray(img))

    def boxes(self, boxes: np.ndarray) -> np.ndarray:
        """Scale, flip (w - x - 1), clip to [0, w] and [0, h] as in 2019; (n, 4) float32 both."""
        height, width = self.img_shape[:2]
        boxes = (boxes * self.scale_factor).astype(np.float32)
        if self.flip:
            boxes[:, [0, 2]] = width - boxes[:, [2, 0]] - 1
        return boxes.clip(0, np.array([width, height] * 2, np.float32))

    def masks(self, masks: Sequence[np.ndarray]) -> np.ndarray:
        """Resize to the nearest pixel, flip, pad with 0.

        Args:
            masks: n uint8 arrays (h, w); each is looked at once.

        Returns:
            uint8 (n, H, W) of ``pad_shape``.
        """
        height, width = self.img_shape[:2]
        padded = np.zeros((len(masks), *self.pad_shape[:2]), np.uint8)
        for out, mask in zip(padded, masks):
            out[:height, :width] = self._resized(mask, cv2.INTER_NEAREST)
        return padded

    def meta(self, ori_shape: tuple[int, int, int], **more: Any) -> dict[str, Any]:
        """``img_meta``: ori_shape, img_shape, pad_shape, scale_factor, flip and ``more``."""
        return dict(ori_shape=ori_shape, img_shape=self.img_shape, pad_shape=self.pad_shape,
                    scale_factor=self.scale_factor, flip=self.flip, **more)

    def _resized(self, img: np.ndarray, interpolation: int) -> np.ndarray:
        img = cv2.resize(img, self.img_shape[1::-1], interpolation=interpolation)
        return img[:, ::-1] if self.flip else img


def views_to_test(size: tuple[int, int], scales: Sequence[tuple[int, int]], flip: bool,
                  size_divisor: int | None, keep_ratio: bool) -> list[View]:
    """Every view of a frame that is tested, as in 2019: each scale, followed by its mirror image.

    Args:
        size: (height, width) of the frame.
        flip: whether there are mirror images.
        scales, size_divisor, keep_ratio: see :meth:`View.of`.
    """
    return [View.of(size, scale, mirrored, size_divisor, keep_ratio)
            for scale in scales for mirrored in ((False, True) if flip else (False,))]


def one_or_all(views: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The item of a frame to test: its only view, or a dict of lists, one entry a view."""
    return views[0] if len(views) == 1 else {key: [v[key] for v in views] for key in views[0]}


def check_scales(img_scale: Any, where: str) -> list[tuple[int, int]]:
    """``img_scale`` of a config, a pair or a list of pairs, as a list of pairs.

    Raises:
        ValueError: it is neither.
    """
    scales = img_scale if isinstance(img_scale, list) else [img_scale]
    if not scales:
        raise BadValue(f'{where}: img_scale is an empty list; give (long edge, short edge) in '
                       'pixels')
    if all(isinstance(v, (int, float)) for v in scales):
        scales = [tuple(scales)]  # a pair written as a list
    for scale in scales:
        if not isinstance(scale, (tuple, list)) or len(scale) != 2 or min(scale) < 1:
            raise BadValue(f'{where}: img_scale must be (long edge, short edge) in pixels or a '
                           f'list of such pairs, got {img_scale!r}')
    return [tuple(map(int, scale)) for scale in scales]
