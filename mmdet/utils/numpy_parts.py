"""Numpy arrays from the parts a pickle holds, each part checked.

Numpy's own functions for that (``_reconstruct``, ``dtype.__setstate__``, ``scalar``,
``_frombuffer``) take any state: an object dtype over bytes of one's choice is memory read as
Python objects, and runs code. These stand in for them and make arrays of numbers only.
"""
import math
from typing import Any

import numpy as np

KINDS = frozenset(f'{kind}{size}' for kind, sizes in dict(
    b=(1, ), i=(1, 2, 4, 8), u=(1, 2, 4, 8), f=(2, 4, 8)).items() for size in sizes)
MAX_DIMS, MAX_SIDE = 8, 2**31


class Part:
    """What a pickle makes on its way to a value; no value holds one."""

    def complete(self, state: Any) -> Any:
        """The value, from the state a pickle gives it (ValueError if that is none)."""
        raise ValueError('it gives a state to what has none')


class Dtype(Part):
    """What ``numpy.dtype('f4', 0, 1)`` is in a pickle: numbers, in one of two byte orders."""

    def __init__(self, kind: Any, align: Any = False, copy: Any = False) -> None:
        if not isinstance(kind, str) or kind not in KINDS:
            found = repr(kind[:38]) if isinstance(kind, str) else type(kind).__name__
            raise ValueError(f'an array of {found} instead of numbers')
        self.kind, self.order = kind, '='

    def complete(self, state: Any) -> 'Dtype':
        """``(version, byte order, None, None, None, -1, -1, 0)``: no parts, fields or flags."""
        if (not isinstance(state, tuple) or len(state) not in (8, 9)
                or state[1] not in ('<', '>', '|', '=') or state[2:5] != (None, ) * 3
                or state[5:8] != (-1, -1, 0) or state[8:] not in ((), (None, ))):
            raise ValueError('an array of a compound type')
        self.order = state[1]
        return self

    def read(self, data: bytes) -> np.ndarray:
        """(n,) numbers in this machine's byte order, a copy."""
        if self.kind == 'b1':
            return np.frombuffer(data, np.uint8) != 0  # other bytes are no truth values
        found = np.frombuffer(data, np.dtype(self.kind).newbyteorder(self.order))
        return found.astype(self.kind)


def as_bytes(data: Any) -> bytes:
    """The raw numbers; Python 2 wrote them as text."""
    if isinstance(data, str):
        return data.encode('latin-1')
    if not isinstance(data, (bytes, bytearray)):
        raise ValueError(f'an array made of {type(data).__name__}')
    return bytes(data)


def make_array(data: Any, dtype: Any, shape: Any, order: str = 'C') -> np.ndarray:
    """An array whose bytes are as many as its shape says.

    Args:
        data: bytes.
        dtype: a :class:`Dtype`.
        shape: whole numbers.
        order: ``'C'`` or ``'F'``.

    Raises:
        ValueError: the parts do not fit, or are none.
    """
    if not isinstance(dtype, Dtype) or order not in ('C', 'F'):
        raise ValueError('an array of unknown type')
    if (not isinstance(shape, tuple) or len(shape) > MAX_DIMS
            or not all(type(side) is int and 0 <= side < MAX_SIDE for side in shape)):
        raise ValueError(f'an array of shape {shape!r:.60}')
    data = as_bytes(data)
    size = math.prod(shape)
    if len(data) != size * int(dtype.kind[1:]):
        raise ValueError(f'an array of shape {shape} and type {dtype.kind} made of {len(data)} '
                         'bytes')
    return dtype.read(data).reshape(shape, order=order) if size else np.zeros(shape, dtype.kind)


def from_buffer(data: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> np.ndarray:
    """An array of protocol 5, whose axes may lie in any order; raises as :func:`make_array`."""
    if order != 'K':
        return make_array(data, dtype, shape, order)
    array = make_array(data, dtype, shape)
    if not isinstance(axes, tuple) or sorted(axes) != list(range(array.ndim)):
        raise ValueError('an array whose axes are in no order')
    return array.transpose(axes)


def make_scalar(dtype: Any, data: Any = b'') -> np.generic:
    """One number; raises as :func:`make_array`."""
    return make_array(data, dtype, ())[()]


class Array(Part):
    """An array whose state comes later."""

    def __init__(self, *_: Any) -> None:
        pass

    def complete(self, state: Any) -> np.ndarray:
        """``(version, shape, dtype, fortran, bytes)``."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise ValueError('an array of unknown form')
        _, shape, dtype, fortran, data = state
        return make_array(data, dtype, shape, 'F' if fortran is True else 'C')


def stand_ins() -> dict[str, Any]:
    """What takes the place of numpy's functions, by their names of all versions."""
    found: dict[str, Any] = {'numpy.dtype': Dtype, 'numpy.ndarray': Array}
    for core in ('numpy.core', 'numpy._core'):
        found.update({f'{core}.multiarray._reconstruct': Array,
                      f'{core}.multiarray.scalar': make_scalar,
                      f'{core}.numeric._frombuffer': from_buffer})
    return found
