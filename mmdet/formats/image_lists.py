"""What a list of images with boxes must be."""
from typing import Any

import numpy as np

from mmdet.formats.rle import MAX_PIXELS, kind_of, short
from mmdet.utils.errors import BadValue


def check_image_list(infos: Any, name: str) -> list[dict]:
    """``infos`` itself if it is what :class:`~mmdet.datasets.CustomDataset` describes.

    Raises:
        ValueError: names the first entry that is wrong.
    """
    if not isinstance(infos, list):
        raise BadValue(f'{name}: expected a list with a dict per image, got {kind_of(infos)}')
    for place, info in enumerate(infos):
        try:
            _check_image(info)
        except (ValueError, TypeError, OverflowError) as error:
            raise BadValue(f'{name}: image {place}: {str(error) or "not as expected":.200}'
                           ) from None
    return infos


def _check_image(info: Any) -> None:
    if not isinstance(info, dict) or not isinstance(info.get('filename'), str):
        raise ValueError(f'expected a dict with a "filename", got {short(info)}')
    for key in ('width', 'height'):
        if not isinstance(info.get(key), (int, np.integer)) or info[key] < 1:
            raise ValueError(f'"{key}" must be a number of pixels, got {short(info.get(key))}')
    if int(info['width']) * int(info['height']) > MAX_PIXELS:
        raise ValueError(f'more than {MAX_PIXELS} pixels')
    ann = info.get('ann', {})
    if not isinstance(ann, dict):
        raise ValueError(f'"ann" must be a dict, got {kind_of(ann)}')
    boxes = _check_boxes(ann.get('bboxes', ()), 'bboxes')
    _check_boxes(ann.get('bboxes_ignore', ()), 'bboxes_ignore')
    labels = np.array(ann.get('labels', ()))
    if labels.shape != (len(boxes), ) or len(labels) and (
            labels.dtype.kind not in 'iu' or labels.min() < 1):
        raise ValueError(f'"labels" must be a whole number from 1 up for each of {len(boxes)} '
                         'boxes')
    masks, size = ann.get('masks', ()), (info['height'], info['width'])
    if len(masks) not in (0, len(boxes)) or any(np.shape(mask) != size for mask in masks):
        raise ValueError(f'"masks" must be an array of {size[0]} x {size[1]} for each box')


def _check_boxes(boxes: Any, name: str) -> np.ndarray:
    """(n, 4) numbers; raises ValueError or TypeError if they are none."""
    array = np.array(boxes)
    if not array.size:
        return np.zeros((0, 4))
    if array.ndim != 2 or array.shape[1] != 4 or array.dtype.kind not in 'iuf':
        raise ValueError(f'"{name}" must be rows of 4 numbers')
    if not np.isfinite(array).all():
        raise ValueError(f'"{name}" has a number that is not finite')
    return array
