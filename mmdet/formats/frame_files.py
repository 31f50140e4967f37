"""Frames as files: listed in order, found missing."""
import os
import re
from collections.abc import Iterable

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')


def natural_key(name: str) -> list:
    """Sort key under which frame 10 follows frame 9."""
    parts = re.split(r'(\d+)', name)
    for place in range(1, len(parts), 2):
        number = parts[place].lstrip('0')  # not by int(), which refuses thousands of digits
        parts[place] = len(number), number
    return parts


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
