"""Proposals from a file: ``proposal_file`` of a config."""
from typing import Any

import numpy as np

from mmdet.utils.errors import BadValue


def check_proposals(proposals: Any, num_images: int, path: str, ann_file: str) -> list[np.ndarray]:
    """The boxes of every image, looked at before any of them is used.

    Args:
        proposals: what the file holds: for each image an array (m, 4) or (m, 5) of x1 y1 x2 y2
            (inclusive, original pixels) and a score.
        num_images: of the annotation file.
        path, ann_file: for messages.

    Returns:
        ``num_images`` arrays (m, 4) or (m, 5) of their own dtype; m may be 0.

    Raises:
        ValueError: of other images, or no such arrays.
    """
    if not isinstance(proposals, (list, tuple)) or len(proposals) != num_images:
        got = (f'{len(proposals)}' if isinstance(proposals, (list, tuple))
               else type(proposals).__name__)
        raise BadValue(f'{path}: expected proposals for the {num_images} images of {ann_file}, got '
                       f'{got}; make them with the same file')
    return [_checked(boxes, f'{path}: entry {place}') for place, boxes in enumerate(proposals)]


def _checked(boxes: Any, where: str) -> np.ndarray:
    try:
        array = np.asarray(boxes)
        numeric = array.dtype.kind in 'fiu'
    except ValueError:  # rows of different lengths
        array, numeric = np.zeros(0), False
    if numeric and not array.size:
        return array.reshape(0, 5 if array.shape[-1] == 5 else 4)
    if not numeric or array.ndim != 2 or array.shape[1] not in (4, 5):
        raise BadValue(f'{where}: expected an array (m, 4) or (m, 5) of numbers, got '
                       f'{array.shape if numeric else type(boxes).__name__}; write the results of '
                       'an RPN with tools/test.py --out')
    if not np.isfinite(array).all():
        raise BadValue(f'{where}: a box or score is NaN or infinite; make the proposals again')
    return array
