"""Pictures as files, and OpenCV's own voice."""
import contextlib
import os
import pathlib
from typing import Iterator

import cv2
import numpy as np

from mmdet.utils.errors import BadValue, CannotWrite, MissingFile


@contextlib.contextmanager
def quiet_opencv() -> Iterator[None]:
    """Silence what OpenCV itself writes to the terminal; errors are told otherwise."""
    log = cv2.utils.logging
    level = log.getLogLevel()
    log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        log.setLogLevel(level)


def read_picture(path: str | os.PathLike) -> np.ndarray:
    """Read a picture.

    Returns:
        uint8 (h, w, 3) BGR.

    Raises:
        MissingFile: there is none.
        BadValue: it is no picture.
    """
    if not os.path.isfile(path):
        raise MissingFile(f'{path}: no such picture')
    frame = cv2.imread(os.fspath(path))
    if frame is None:
        raise BadValue(f'{path}: expected a picture, could not decode it')
    return frame


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
