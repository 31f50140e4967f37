"""Read one frame, or say exactly which one could not be read and why."""
import os

import numpy as np

from mmdet.formats.pictures import read_picture
from mmdet.utils.errors import BadValue, MissingFile


def read_frame(img_prefix: str, info: dict, ann_file: str) -> np.ndarray:
    """Read the frame an annotation file names.

    Args:
        img_prefix: folder the file names start from; may be empty.
        info: has ``filename``, ``height`` and ``width`` as the file states them.
        ann_file: that file, for messages.

    Returns:
        uint8 (h, w, 3) BGR.

    Raises:
        FileNotFoundError: there is no such frame.
        ValueError: it is no picture, or of another size than stated.
    """
    path = os.path.join(img_prefix or '', info['filename'])
    if not os.path.isfile(path):
        raise MissingFile(f'{path}: frame missing; {ann_file} lists "{info["filename"]}" below '
                          f'img_prefix "{img_prefix}"; correct img_prefix or extract the frame')
    img = read_picture(path)
    height, width = img.shape[:2]
    if (height, width) != (info['height'], info['width']):
        raise BadValue(
            f'{path}: expected {info["width"]}x{info["height"]} pixels as {ann_file} states, got '
            f'{width}x{height}; masks would not fit: use the frames the file was made for, or '
            'correct its width and height')
    return img
