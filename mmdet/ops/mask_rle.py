"""Mask probabilities of boxes to compressed COCO RLE without making the image."""
import cv2
import numpy as np
import torch
from pycocotools import mask as coco_mask
from torch import Tensor

from mmdet.ops import library

MOST_PIXELS = 2**28  # of one resized mask: 1 GiB of float32


def mask_to_rle(probs: Tensor | np.ndarray, boxes: Tensor | np.ndarray,
                height: int, width: int, threshold: float = 0.5) -> list[dict]:
    """Paste the mask of every box, threshold it, encode it.

    Bit-equal to ``cv2.resize`` (bilinear) of the probabilities to the integer
    box, ``> threshold``, paste into zeros and ``pycocotools.mask.encode``, but
    only the box is ever touched. Parts outside the image are cut off. OpenCV
    itself resizes: its rounding depends on the processor.

    Args:
        probs: (n, h, w) float32 in [0, 1], e.g. 28 x 28. On a GPU: moved to the CPU.
        boxes: (n, 4) x1, y1, x2, y2 in pixels of the image, inclusive; truncated
            to integers as the 2019 code did.
        height: of the image, pixels.
        width: of the image, pixels.
        threshold: a pixel belongs to the object above it.

    Returns:
        n dicts ``{'size': [height, width], 'counts': bytes}``.

    Raises:
        ValueError: shapes do not fit, a box is not finite or far too large.
    """
    probs, boxes = _array(probs), _array(boxes)
    if probs.ndim != 3 or boxes.shape != (len(probs), 4):
        raise ValueError(f'mask_to_rle: expected probs (n, h, w) and boxes (n, 4), got '
                         f'{probs.shape} and {boxes.shape}')
    corners, sizes = _integer_boxes(boxes)
    encode = _encode if library.compiled(torch.empty(0)) else _paste
    buffer = np.empty(sizes.prod(1).max(initial=0), np.float32)
    rles = []
    for prob, (w, h), corner in zip(probs.astype(np.float32, copy=False), sizes.tolist(),
                                    corners.tolist()):
        patch = buffer[:w * h].reshape(h, w)  # one for all: fresh memory costs more than the work
        cv2.resize(prob, (w, h), dst=patch, interpolation=cv2.INTER_LINEAR)
        rles.append(encode(patch, corner, int(height), int(width), float(threshold)))
    return rles


def _array(values: Tensor | np.ndarray) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _integer_boxes(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2) int64 top left corners (x, y) and (n, 2) int64 sizes (w, h)."""
    boxes = boxes.astype(np.float64)
    whole = np.trunc(np.where(np.isfinite(boxes), boxes, np.inf))
    sizes = np.maximum(whole[:, 2:] - whole[:, :2] + 1, 1)
    wrong = ~np.isfinite(whole).all(1) | ~(sizes.prod(1) <= MOST_PIXELS)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(f'mask_to_rle: box {row} is {boxes[row].tolist()}; boxes must be finite '
                         f'and at most {MOST_PIXELS} pixels large, clip them to the image')
    return whole[:, :2].astype(np.int64), sizes.astype(np.int64)


def _encode(patch: np.ndarray, corner: list[int], height: int, width: int,
            threshold: float) -> dict:
    text = torch.ops.mmdet.paste_rle(torch.from_numpy(patch), *corner, height, width, threshold)
    return dict(size=[height, width], counts=text.numpy().tobytes())


def _paste(patch: np.ndarray, corner: list[int], height: int, width: int,
           threshold: float) -> dict:
    """The plain way: a canvas for the whole image, then pycocotools."""
    x, y = corner
    canvas = np.zeros((height, width), np.uint8, order='F')
    part = patch[max(-y, 0):max(height - y, 0), max(-x, 0):max(width - x, 0)]
    top, left = max(y, 0), max(x, 0)
    canvas[top:top + part.shape[0], left:left + part.shape[1]] = part > np.float32(threshold)
    return coco_mask.encode(canvas)
