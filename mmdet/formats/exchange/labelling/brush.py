"""The masks of Label Studio's brush: runs packed into bits.

A header gives the number of values (32 bits), the bits of a value less one (5) and four sizes less
one (4 each). Then follow runs: a bit that is 1 where one value fills the run, two bits that choose
a size, the length less one in so many bits, and the value or values. The values are those of a
picture of four channels, of which the last, alpha, is the mask.

Source: the rle-pack package of thi.ng/umbrella, as Label Studio uses it.
"""
from typing import Any

import numpy as np

from mmdet.formats.exchange.labelling.shapes import runs
from mmdet.formats.rle import short
from mmdet.utils.errors import BadValue

CHANNELS = 4
SIZES = 3, 4, 8, 16  # bits of a length; as label_studio_sdk packs them
LONGEST = 2**SIZES[-1]


class _Bits:
    """Reads numbers of some bits."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def read(self, count: int) -> int:
        """The next bits as a number; ValueError where the data end."""
        end = self.at + count
        if end > 8 * len(self.data):
            raise ValueError('it is cut off')
        piece = int.from_bytes(self.data[self.at // 8:(end + 7) // 8], 'big')
        self.at = end
        return piece >> (-end % 8) & ((1 << count) - 1)

    def which(self, count: int, bits: int) -> np.ndarray:
        """Whether each of the next ``count`` numbers is not 0; bool (count,)."""
        begin, end = self.at, self.at + count * bits
        if end > 8 * len(self.data):
            raise ValueError('it is cut off')
        piece = np.frombuffer(self.data[begin // 8:(end + 7) // 8], np.uint8)
        self.at = end
        found = np.unpackbits(piece)[begin % 8:begin % 8 + count * bits]
        return np.any(found.reshape(count, bits), axis=1)


def decode(data: Any, size: tuple[int, int], where: str) -> np.ndarray:
    """A mask from its bytes.

    Args:
        data: list of the bytes as numbers.
        size: (height, width) of the picture.
        where: for messages.

    Returns:
        bool (h, w).

    Raises:
        ValueError: it is no such mask.
    """
    try:
        if not isinstance(data, list):
            raise ValueError(f'got {short(data)}')
        return _decode(_Bits(bytes(data)), size)
    except (ValueError, TypeError) as error:
        raise BadValue(f'{where}: expected a mask of {size[1]} x {size[0]} pixels as a list of '
                       f'bytes, "rle" ({error})') from None


def _decode(bits: _Bits, size: tuple[int, int]) -> np.ndarray:
    count = bits.read(32)
    if count != size[0] * size[1] * CHANNELS:
        raise ValueError(f'it has {count} values')
    value_bits = bits.read(5) + 1
    sizes = [bits.read(4) + 1 for _ in range(4)]
    mask = np.zeros(count // CHANNELS, bool)
    at = 0
    while at < count:
        same = bits.read(1)
        length = bits.read(sizes[bits.read(2)]) + 1
        # Value i is alpha of pixel i // 4 where i % 4 is 3.
        first, end = at // CHANNELS, min(at + length, count) // CHANNELS
        if same:
            mask[first:end] = bits.read(value_bits) > 0
        else:
            alpha = bits.which(length, value_bits)[(CHANNELS - 1 - at) % CHANNELS::CHANNELS]
            mask[first:end] = alpha[:end - first]
        at += length
    return mask.reshape(size)


def encode(mask: np.ndarray) -> list[int]:
    """The bytes of a mask (h, w), 255 in all channels where it is not 0."""
    parts = [f'{mask.size * CHANNELS:032b}', f'{7:05b}', *(f'{size - 1:04b}' for size in SIZES)]
    for place, length in enumerate(runs(mask)):
        left = length * CHANNELS
        while left:
            part = min(left, LONGEST)
            size = next(size for size in SIZES if part <= 2**size)
            parts.append(f'1{SIZES.index(size):02b}{part - 1:0{size}b}{255 * (place % 2):08b}')
            left -= part
    text = ''.join(parts)
    text += '0' * (8 - len(text) % 8)  # as the SDK ends it, maybe with a byte of zeros
    return list(int(text, 2).to_bytes(len(text) // 8, 'big'))
