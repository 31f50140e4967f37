"""Frames as files: listed in order, found missing, measured."""
import os
import re
from collections.abc import Iterable

import cv2
from PIL import Image, UnidentifiedImageError

from mmdet.utils.errors import BadValue

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')
_ORIENTATION = 0x0112  # EXIF tag; from 5 on width and height change places


def natural_key(name: str) -> list:
    """Sort key under which frame 10 follows frame 9."""
    parts = re.split(r'(\d+)', name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def list_images(folder: str) -> list[str]:
    """Names of the images in a folder, in natural order."""
    names = (name for name in os.listdir(folder) if name.lower().endswith(IMAGE_SUFFIXES))
    return sorted(names, key=natural_key)


def missing_files(paths: Iterable[str]) -> list[str]:
    """Those of ``paths`` that are not there; folders are listed once, no file is opened."""
    listings, missing = {}, []
    for path in paths:
        folder, name = os.path.split(path)
        if folder not in listings:
            listings[folder] = _files_in(folder)
        if name not in listings[folder]:
            missing.append(path)
    return missing


def _files_in(folder: str) -> set[str]:
    if not os.path.isdir(folder or '.'):
        return set()
    with os.scandir(folder or '.') as entries:
        return {entry.name for entry in entries if entry.is_file()}


def image_size(path: str, whole: bool = False) -> tuple[int, int]:
    """(width, height) in pixels as the data sets see it: a photo's orientation counts.

    Args:
        path: any picture OpenCV reads.
        whole: decode it; otherwise only its header is read.

    Raises:
        BadValue: it is no picture or, when decoded, cut short.
    """
    try:
        with Image.open(path) as image:
            if whole:
                image.load()
            turned = image.format in ('JPEG', 'MPO') and image.getexif().get(_ORIENTATION, 1) > 4
            return image.size[::-1] if turned else image.size
    except UnidentifiedImageError as error:
        frame = cv2.imread(path)  # knows formats that Pillow does not
        if frame is None:
            raise BadValue(f'{path}: not a readable image ({error})') from None
        return frame.shape[1], frame.shape[0]
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadValue(f'{path}: not a readable image ({error})') from None
