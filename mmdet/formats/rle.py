"""Run-length encoded masks: checked before pycocotools may see them.

pycocotools trusts its input: runs that do not sum to height x width make it
loop for ever, empty counts crash the process, zero-length inner runs give
wrong areas. Here whole lists of masks are checked at once, without a pixel.
"""
import numbers
from collections import defaultdict
from typing import Any, Iterator, NamedTuple, Sequence

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.utils.errors import BadValue

try:
    from mmdet.formats import rle_loops as loops
except ImportError:  # not compiled: a second or two slower
    loops = None

MAX_PIXELS = 2**28
MAX_CHARS = 6  # of one compressed run: 30 bits
CHUNK = 512  # masks checked at once: many more leave the processor's cache, fewer cost calls


class BadMask(BadValue):
    """A mask nobody should draw; ``index`` is its place in the list checked."""

    def __init__(self, index: Any, reason: str) -> None:
        super().__init__(reason)
        self.index = index


class Runs(NamedTuple):
    """Run lengths of M masks in column-major order.

    A mask is ``lead`` background pixels and then rows of (foreground,
    background) pixels; the rows of mask i are ``first[i]:first[i + 1]``.
    """
    lead: np.ndarray  # (M,) int64
    rows: np.ndarray  # (R, 2) int64
    first: np.ndarray  # (M + 1,) int64

    def sums(self) -> np.ndarray:
        """(M, 2) int64: foreground and following background pixels."""
        total = np.zeros((len(self.rows) + 1, 2), np.int64)
        np.cumsum(self.rows, axis=0, out=total[1:])
        return total[self.first[1:]] - total[self.first[:-1]]


def _characters(counts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """All characters as 6-bit numbers, and the end of every string."""
    ends = np.cumsum([len(c) for c in counts], dtype=np.int64)
    chars = np.frombuffer(b''.join(counts), np.uint8) - np.uint8(48)
    if chars.max() > 63:
        index = int(np.searchsorted(ends, (chars > 63).argmax(), 'right'))
        raise BadMask(index, 'counts has a character outside "0" to "o"')
    cut = np.flatnonzero(chars[ends - 1] > 31)
    if len(cut):
        raise BadMask(int(cut[0]), 'counts is cut off inside a number')
    return chars, ends


def _numbers(chars: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The signed numbers the characters spell, and where each string's end.

    Five bits a character, lowest first; 32 marks that more follow, 16 in the
    last one is the sign.
    """
    more = chars > 31
    values = ((chars ^ 16).view(np.int8) - 16)[~more].astype(np.int32)
    place = np.flatnonzero(more)
    stop = ends - np.searchsorted(place, ends)
    number = place - np.arange(len(place))  # which value a character belongs to
    before_last = ~more[place + 1]
    place, number = place[before_last], number[before_last]
    for _ in range(MAX_CHARS - 1):
        values[number] = values[number] * 32 + (chars[place] & 31)
        longer = more[place - 1] & (place > 0)
        place, number = place[longer] - 1, number[longer]
    if not len(place):
        return values, stop
    index = int(np.searchsorted(ends, place[0], 'right'))
    raise BadMask(index, 'counts holds a number too large for any mask')


def _table(values: np.ndarray, lengths: np.ndarray) -> Runs:
    """Sort M concatenated lists of ``lengths`` numbers into ``Runs``."""
    start = np.cumsum(lengths) - lengths
    first = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths // 2, out=first[1:])
    place = np.arange(len(values)) + np.repeat(2 * first[:-1] - start - 1, lengths)
    place[start] = -1  # the lead; written to the spare last cell
    table = np.zeros(2 * first[-1] + 1, np.int64)
    table[place] = values
    return Runs(values[start].astype(np.int64), table[:-1].reshape(-1, 2), first)


def decode_counts(counts: Sequence[bytes]) -> Runs:
    """Decode compressed RLE strings (COCO's format).

    Args:
        counts: M non-empty byte strings.

    Returns:
        the runs, not yet checked against a mask size.

    Raises:
        BadMask: a string is no such encoding.
    """
    chars, ends = _characters(counts)
    values, stop = _numbers(chars, ends)
    lengths = np.diff(stop, prepend=0)
    lead, rows, first = _table(values, lengths)
    # From the fourth run on a string holds the difference to the run two before.
    total = np.zeros((len(rows) + 1, 2), np.int64)
    np.cumsum(rows, axis=0, out=total[1:])
    before = np.repeat(total[first[:-1]], np.diff(first), axis=0)
    rows = total[1:] - before
    rows[first[1:][lengths % 2 == 0] - 1, 1] = 0  # those end on foreground
    return Runs(lead, rows, first)


def check_runs(runs: Runs, size: tuple[int, int]) -> np.ndarray:
    """Check that runs describe masks of one size.

    Args:
        runs: M masks.
        size: (height, width) in pixels.

    Returns:
        (M,) int64 areas in pixels.

    Raises:
        BadMask: runs that are negative, empty inside or of another sum.
    """
    inner = (runs.rows < 1) | (runs.rows > MAX_PIXELS)
    last = runs.first[1:][np.diff(runs.first) > 0] - 1
    inner[last, 1] &= runs.rows[last, 1] != 0  # a mask may end on foreground
    bad = np.flatnonzero(inner.any(axis=1))
    if len(bad):
        index = int(np.searchsorted(runs.first, bad[0], 'right')) - 1
        raise BadMask(index, 'a run inside the mask is zero, negative or too long')
    sums = runs.sums()
    total = runs.lead + sums.sum(axis=1)
    bad = np.flatnonzero((total != size[0] * size[1]) | (runs.lead < 0))
    if len(bad):
        raise BadMask(int(bad[0]), f'its runs sum to {total[bad[0]]} pixels, not to '
                      f'{size[0]} x {size[1]} = {size[0] * size[1]}')
    return sums[:, 0]


def _counts_of(rle: Any, size: tuple[int, int]) -> bytes:
    """The compressed counts of one RLE dict of the right size, or ValueError."""
    if not isinstance(rle, dict):
        raise ValueError('expected a compressed RLE {"size": [h, w], "counts": "..."} '
                         f'or null, got {_kind(rle)}')
    if rle.get('size') != [*size] and tuple(_pair(rle.get('size'))) != tuple(size):
        raise ValueError(f'its size is {_short(rle.get("size"))}, the video is '
                         f'[{size[0]}, {size[1]}] (height, width)')
    counts = rle.get('counts')
    if isinstance(counts, str) and counts.isascii():
        counts = counts.encode()
    if not isinstance(counts, bytes):
        raise ValueError('expected compressed counts (a string), got '
                         f'{_kind(counts)}; compress it with pycocotools')
    if not counts:
        raise ValueError('its counts are empty; write null for an empty frame')
    return counts


def rle_areas(rles: Sequence[Any], size: tuple[int, int]) -> np.ndarray:
    """Check M compressed RLEs of one size and return their areas.

    Args:
        rles: dicts ``{'size': [h, w], 'counts': str or bytes}``.
        size: (height, width) in pixels.

    Returns:
        (M,) int64, pixels.

    Raises:
        BadMask: the first mask found that pycocotools could not take.
    """
    areas = np.full(len(rles), -1, np.int64)
    if loops and size[0] * size[1] <= MAX_PIXELS:
        loops.areas(rles, *size, areas)
    left = np.flatnonzero(areas < 0)  # bad, or written in an unusual way, or no compiled loop
    counts = []
    for index in left.tolist():
        try:
            counts.append(_counts_of(rles[index], size))
        except ValueError as error:
            raise BadMask(index, str(error)) from None
    if counts:
        try:
            areas[left] = check_runs(decode_counts(counts), size)
        except BadMask as error:
            raise BadMask(int(left[error.index]), str(error)) from None
    return areas


def _check_list(counts: list, size: tuple[int, int]) -> None:
    if not counts or not all(type(c) is int and 0 <= c <= MAX_PIXELS for c in counts):
        raise BadMask(0, 'counts must be whole numbers from 0 up, at least one')
    check_runs(_table(np.array(counts, np.int64), np.array([len(counts)])), size)


def _check_polygons(polygons: list, size: tuple[int, int]) -> None:
    # Drawing time and memory grow with the length of an edge, not with the picture.
    limit = 10 * max(size)
    for polygon in polygons:
        if not isinstance(polygon, list) or len(polygon) < 6:
            raise BadMask(0, 'a polygon is a list of at least three points '
                          f'[x1, y1, x2, y2, x3, y3, ...], got {_short(polygon)}')
        for value in polygon:
            if not isinstance(value, numbers.Real) or not abs(value) <= limit:
                raise BadMask(0, f'polygon coordinate {_short(value)} is no number '
                              f'near a frame of {size[1]} x {size[0]} pixels')


def to_rles(segms: Sequence[Any], size: tuple[int, int]
            ) -> tuple[list[dict | None], np.ndarray]:
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
    rles, areas = [None] * len(segms), np.zeros(len(segms), np.int64)
    compressed = []
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


Track = tuple[Sequence[Any], tuple[int, int]]  # segmentations; (height, width)


def _chunks(tracks: Sequence[Track]) -> Iterator[tuple[list, tuple[int, int]]]:
    """Places (track, frame) of the masks of many tracks, together by size."""
    # glibc returns freed arrays to the system, which hands them out zeroed again for every
    # chunk; once a block of 16 MB was freed it keeps that much (half the time of the checks).
    np.empty(2**24, np.uint8)
    by_size = defaultdict(list)
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
    areas = [[None] * len(segms) for segms, _ in tracks]
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
    masks = [[None] * len(segms) for segms, _ in tracks]
    areas = [np.zeros(len(segms), np.int64) for segms, _ in tracks]
    for places, size in _chunks(tracks):
        try:
            rles, values = to_rles([tracks[i][0][t] for i, t in places], size)
        except BadMask as error:
            raise BadMask(places[error.index], str(error)) from None
        for (track, frame), rle, area in zip(places, rles, values.tolist()):
            masks[track][frame], areas[track][frame] = rle, area
    return list(zip(masks, areas))


def json_rle(rle: dict) -> dict:
    """A compressed RLE with its ``counts`` as text; a new dict."""
    counts = rle['counts']
    text = counts.decode('ascii') if isinstance(counts, bytes) else counts
    return {'size': [int(n) for n in rle['size']], 'counts': text}


def _compress(segm: Any, size: tuple[int, int]) -> dict:
    """Polygons or an uncompressed RLE, checked and drawn."""
    if isinstance(segm, list):
        _check_polygons(segm, size)
        return mask_utils.merge(mask_utils.frPyObjects(segm, *size))
    if not isinstance(segm, dict):
        raise BadMask(0, f'expected polygons, an RLE or null, got {_kind(segm)}')
    if tuple(_pair(segm.get('size'))) != tuple(size):
        raise BadMask(0, f'its size is {_short(segm.get("size"))}, the video is '
                      f'[{size[0]}, {size[1]}] (height, width)')
    _check_list(segm['counts'], size)
    return mask_utils.frPyObjects(segm, *size)


def _pair(value: Any) -> Sequence:
    return value if isinstance(value, (list, tuple)) else ()


def _kind(value: Any) -> str:
    return {list: 'a list', dict: 'an object', str: 'a string',
            type(None): 'null'}.get(type(value), type(value).__name__)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + '...'
