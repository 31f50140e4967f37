"""From mask probabilities to run-length codes."""
import cv2
import numpy as np
from pycocotools import mask as mask_util


def paste_and_encode(probs: np.ndarray, boxes: np.ndarray, height: int, width: int,
                     threshold: float = 0.5) -> list[dict]:
    """Resize every mask to its box, threshold, paste into the image and encode.

    Args:
        probs: (n, h, w) float32 in [0, 1].
        boxes: (n, 4) xyxy in pixels of the image to paste into.
        height, width: of that image.
        threshold: a pixel is set where the resized probability is greater.

    Returns:
        n compressed COCO run-length codes ``{'size': [height, width], 'counts': bytes}``.

    Source: as the 2019 code: the box is truncated to integers and ``x2 - x1 + 1`` wide.
    """
    corners = boxes.astype(np.int32)
    return [_encode_one(p, box, height, width, threshold) for p, box in zip(probs, corners)]


def _encode_one(prob: np.ndarray, box: np.ndarray, height: int, width: int,
                threshold: float) -> dict:
    x1, y1, x2, y2 = (int(v) for v in box)
    w, h = max(x2 - x1 + 1, 1), max(y2 - y1 + 1, 1)
    resized = cv2.resize(prob, (w, h), interpolation=cv2.INTER_LINEAR) > threshold
    canvas = np.zeros((height, width), np.uint8, order='F')
    left, top = max(x1, 0), max(y1, 0)
    part = resized[top - y1:max(height - y1, 0), left - x1:max(width - x1, 0)]
    canvas[top:top + part.shape[0], left:left + part.shape[1]] = part
    return mask_util.encode(canvas)
