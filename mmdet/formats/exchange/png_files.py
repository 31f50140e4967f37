"""PNGs of masks: where they lie, what kind they are, and how they are written."""
import os
from collections.abc import Iterable

import numpy as np
from PIL import Image
from pycocotools import mask as mask_utils

from mmdet.formats.exchange.folders import list_videos, sub_folders
from mmdet.formats.exchange.format import Given
from mmdet.formats.exchange.tracks import Mark
from mmdet.formats.frame_files import list_images
from mmdet.formats.pictures import read_numbers
from mmdet.utils.errors import MissingFile
from mmdet.utils.fileio import atomic_write

ROOTS = 'Annotations/480p', 'Annotations/Full-Resolution', 'Annotations'  # below that of a release


def masks_root(path: str) -> str:
    """Where the folders of masks are in a release, or the folder itself.

    Raises:
        FileNotFoundError: no such folder.
    """
    if not os.path.isdir(path):
        raise MissingFile(f'{path}: no such folder of masks')
    below = [os.path.join(path, *root.split('/')) for root in ROOTS]
    return next((folder for folder in below if os.path.isdir(folder)), path)


def own_masks(folder: str) -> str:
    """The folder ``masks`` in that of a video, where Cutie and tools/demo.py write, or itself."""
    inner = os.path.join(folder, 'masks')
    return inner if os.path.isdir(inner) and (list_images(inner) or list_videos(inner)) else folder


def meta_paths(path: str, root: str) -> list[str]:
    """Where a release keeps its ``meta.json``: beside or above the masks."""
    return [os.path.join(path, 'meta.json'), os.path.join(os.path.dirname(root), 'meta.json')]


def is_binary(paths: Iterable[str]) -> bool:
    """Whether all of these masks are of 0 and 255, and some 255 is there."""
    values = {0}
    for path in paths:
        values.update(np.unique(read_numbers(path)).tolist())
        if values - {0, 255}:
            return False
    return 255 in values


def png_mode(folder: str) -> str:
    """How Pillow calls the pixels of the first PNG in a folder; '' without one that opens."""
    for name in list_images(folder)[:1]:
        try:
            with Image.open(os.path.join(folder, name)) as image:
                return image.mode if image.format == 'PNG' else ''
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return ''
    return ''


def first_mode(given: Given, depth: int) -> str:
    """:func:`png_mode` of the first folder that has images, so many folders below the masks."""
    folders = [own_masks(masks_root(given.path))] if given.is_folder else []
    for _ in range(depth):
        folders = [own_masks(os.path.join(folder, sub)) for folder in folders
                   for sub in sub_folders(folder)[:20]]
    return next((mode for mode in map(png_mode, folders) if mode), '')


def write_binary(mark: Mark | None, size: tuple[int, int], path: str) -> None:
    """Write the mask of an object as 0 and 255."""
    pixels = np.zeros(size, np.uint8) if mark is None else mask_utils.decode(mark.rle) * 255
    with atomic_write(path, durable=False) as file:
        Image.fromarray(pixels).save(file, 'PNG')


def write_palette(pixels: np.ndarray, path: str) -> None:
    """Write numbers of objects, uint8 (h, w), with the colours of DAVIS."""
    image = Image.fromarray(pixels)
    image.putpalette(davis_palette())
    with atomic_write(path, durable=False) as file:
        image.save(file, 'PNG')


def davis_palette() -> list[int]:
    """256 colours as red, green, blue: bit k of a number is one of channel k % 3, high ones first.

    Source: the colour map of Pascal VOC, which DAVIS took over.
    """
    colors = []
    for number in range(256):
        for channel in range(3):
            bits = [number >> (3 * place + channel) & 1 for place in range(3)]
            colors.append(sum(bit << (7 - place) for place, bit in enumerate(bits)))
    return colors
