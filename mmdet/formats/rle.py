"""Run-length encoded masks: checked before pycocotools may see them.

pycocotools trusts its input: runs that do not sum to height x width make it
loop for ever, empty counts crash the process, zero-length inner runs give
wrong areas. Here whole lists of masks are checked at once, without a pixel.
"""
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mmdet.utils.errors import BadValue

try:
    from mmdet.formats import rle_loops as loops
except ImportError:  # not compiled: a second or two slower
    loops = None

MAX_PIXELS = 2**28
MAX_CHARS = 6  # of one compressed run: 30 bits


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


def check_size(rle: dict, size: tuple[int, int]) -> None:
    """Refuse an RLE of another (height, width); raises BadMask."""
    found = rle.get('size')
    if found != [*size] and found != (*size, ):
        raise BadMask(0, f'its size is {short(found)}, the video is [{size[0]}, {size[1]}] '
                      '(height, width)')


def rle_counts(rle: Any, size: tuple[int, int]) -> bytes:
    """The compressed counts of one RLE dict of a (height, width); raises ValueError."""
    if not isinstance(rle, dict):
        raise ValueError('expected a compressed RLE {"size": [h, w], "counts": "..."} '
                         f'or null, got {kind_of(rle)}')
    check_size(rle, size)
    counts = rle.get('counts')
    if isinstance(counts, str) and counts.isascii():
        counts = counts.encode()
    if not isinstance(counts, bytes):
        raise ValueError('expected compressed counts (a string), got '
                         f'{kind_of(counts)}; compress it with pycocotools')
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
            counts.append(rle_counts(rles[index], size))
        except ValueError as error:
            raise BadMask(index, str(error)) from None
    if counts:
        try:
            areas[left] = check_runs(decode_counts(counts), size)
        except BadMask as error:
            raise BadMask(int(left[error.index]), str(error)) from None
    return areas


def check_counts(counts: list, size: tuple[int, int]) -> None:
    """Check the run lengths of an uncompressed RLE.

    Raises:
        BadMask: they are no mask of this (height, width).
    """
    if not counts or not all(type(c) is int and 0 <= c <= MAX_PIXELS for c in counts):
        raise BadMask(0, 'counts must be whole numbers from 0 up, at least one')
    check_runs(_table(np.array(counts, np.int64), np.array([len(counts)])), size)


def json_rle(rle: dict) -> dict:
    """A compressed RLE with its ``counts`` as text; a new dict."""
    counts = rle['counts']
    text = counts.decode('ascii') if isinstance(counts, bytes) else counts
    return {'size': [int(n) for n in rle['size']], 'counts': text}


def kind_of(value: Any) -> str:
    """What a value is called in a sentence about json."""
    return {list: 'a list', dict: 'an object', str: 'a string',
            type(None): 'null'}.get(type(value), type(value).__name__)


def short(value: Any) -> str:
    """At most 60 characters of it."""
    text = repr(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 60 else text[:57] + '...'
