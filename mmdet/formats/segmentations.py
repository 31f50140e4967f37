"""Segmentations as files hold them, polygons or RLE of either kind, to checked compressed RLE."""
import numbers
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.formats.rle import BadMask, check_counts, check_size, kind_of, rle_areas, short

CHUNK = 512  # masks checked at once: many more leave the processor's cache, fewer cost calls
Track = tuple[Sequence[Any], tuple[int, int]]  # segmentations; (height, width)


def to_rles(segms: Sequence[Any], size: tuple[int, int]) -> tuple[list[dict | None], np.ndarray]:
    """Segmentations of an annotation file, all of one video, as compressed RLE.

    Args:
        segms: M of polygons, uncompressed or compressed RLE, or null.
        size: (height, width) of the video in pixels.

    Returns:
        M of ``{'size': [h, w], 'counts': ...}`` or None where there is no mask,
        and (M,) int64 areas in pixels, 0 without a mask.

    Raises:
        BadMask: the first found that pycocotools could not take.
    """
    rles: list[dict | None] = [None] * len(segms)
    areas, compressed = np.zeros(len(segms), np.int64), []
    for index, segm in enumerate(segms):
        if not segm:
            continue
        if isinstance(segm, dict) and not isinstance(segm.get('counts'), list):
            rles[index] = segm
            compressed.append(index)
        else:
            try:
                rles[index] = _compress(segm, size)
            except BadMask as error:
                raise BadMask(index, str(error)) from None
            areas[index] = mask_utils.area(rles[index])
    try:
        areas[compressed] = rle_areas([segms[i] for i in compressed], size)
    except BadMask as error:
        raise BadMask(compressed[error.index], str(error)) from None
    return rles, areas


def _chunks(tracks: Sequence[Track]) -> Iterator[tuple[list[tuple[int, int]], tuple[int, int]]]:
    """Places (track, frame) of the masks of many tracks, together by size."""
    # glibc returns freed arrays to the system, which hands them out zeroed again for every
    # chunk; once a block of 16 MB was freed it keeps that much (half the time of the checks).
    np.empty(2**24, np.uint8)
    by_size: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for track, (segms, size) in enumerate(tracks):
        by_size[size] += [(track, t) for t, segm in enumerate(segms) if segm is not None]
    for size, places in by_size.items():
        for start in range(0, len(places), CHUNK):
            yield places[start:start + CHUNK], size


def check_tracks(tracks: Sequence[Track]) -> list[list[int | None]]:
    """``rle_areas`` of many tracks: areas in pixels, None where there is no mask.

    Raises:
        BadMask: its ``index`` is (track, frame).
    """
    areas: list[list[int | None]] = [[None] * len(segms) for segms, _ in tracks]
    for places, size in _chunks(tracks):
        try:
            values = rle_areas([tracks[i][0][t] for i, t in places], size)
        except BadMask as error:
            raise BadMask(places[error.index], str(error)) from None
        for (track, frame), area in zip(places, values.tolist()):
            areas[track][frame] = area
    return areas


def to_rle_tracks(tracks: Sequence[Track]) -> list[tuple[list[dict | None], np.ndarray]]:
    """``to_rles`` of many tracks: F RLEs or None, and (F,) int64 areas, each.

    Raises:
        BadMask: its ``index`` is (track, frame).
    """
    masks: list[list[dict | None]] = [[None] * len(segms) for segms, _ in tracks]
    areas = [np.zeros(len(segms), np.int64) for segms, _ in tracks]
    for places, size in _chunks(tracks):
        try:
            rles, values = to_rles([tracks[i][0][t] for i, t in places], size)
        except BadMask as error:
            raise BadMask(places[error.index], str(error)) from None
        for (track, frame), rle, area in zip(places, rles, values.tolist()):
            masks[track][frame], areas[track][frame] = rle, area
    return list(zip(masks, areas))


def _compress(segm: Any, size: tuple[int, int]) -> dict:
    """Polygons or an uncompressed RLE, checked and drawn."""
    if isinstance(segm, list):
        _check_polygons(segm, size)
        return mask_utils.merge(mask_utils.frPyObjects(segm, *size))
    if not isinstance(segm, dict):
        raise BadMask(0, f'expected polygons, an RLE or null, got {kind_of(segm)}')
    check_size(segm, size)
    check_counts(segm['counts'], size)
    return mask_utils.frPyObjects(segm, *size)


def _check_polygons(polygons: list, size: tuple[int, int]) -> None:
    # Drawing time and memory grow with the length of an edge, not with the picture.
    limit = 10 * max(size)
    for polygon in polygons:
        if not isinstance(polygon, list) or len(polygon) < 6:
            raise BadMask(0, 'a polygon is a list of at least three points '
                          f'[x1, y1, x2, y2, x3, y3, ...], got {short(polygon)}')
        for value in polygon:
            if not isinstance(value, numbers.Real) or not value <= limit or value < -limit:
                raise BadMask(0, f'polygon coordinate {short(value)} is no number '
                              f'near a frame of {size[1]} x {size[0]} pixels')
