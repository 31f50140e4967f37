"""Pictures as files."""
import os
import pathlib

import cv2
import numpy as np

from mmdet.utils.errors import CannotWrite


def write_picture(picture: np.ndarray, path: str | os.PathLike) -> None:
    """Write a picture and make its folder; OpenCV would say nothing if that fails.

    Args:
        picture: uint8 (h, w, 3) BGR, or (h, w).
        path: its ending says the format.

    Raises:
        CannotWrite: the disk is full or read-only.
    """
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(os.fspath(path), picture):
        raise CannotWrite(f'{path}: could not be written; is the disk full?')
