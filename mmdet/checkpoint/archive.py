"""Files that ``torch.save`` wrote, read by a machine that makes tensors and plain data only.

``torch.load`` is not asked: a list of classes it may build lets a file build anything of them,
numpy's dtypes over foreign memory for instance, it does not compare the checksums of an archive,
and a nested tuple of 3 MB ends the process. Here :mod:`mmdet.utils.unpickle` reads what is
pickled, tensors are rebuilt from checked parts, and what the classes of mmengine's logs held
becomes a dict. Both layouts are read: the zip archive since PyTorch 1.6, the stream before.
"""
import io
import math
import os
import struct
import zipfile
from collections.abc import Callable
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from mmdet.utils.numpy_parts import Part
from mmdet.utils.unpickle import Name, unpickle_from

MAX_PICKLE = 2**28  # bytes of what is no tensor; a million tensors need a third
MAX_DIMS = 16
_STREAM = b'\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.'  # the magic number of the older layout
_DTYPES = {
    'Double': torch.float64, 'Float': torch.float32, 'Half': torch.float16,
    'BFloat16': torch.bfloat16, 'Long': torch.int64, 'Int': torch.int32, 'Short': torch.int16,
    'Char': torch.int8, 'Byte': torch.uint8, 'Bool': torch.bool,
    'ComplexFloat': torch.complex64, 'ComplexDouble': torch.complex128}


class Damaged(ValueError):
    """The file is cut short, or its bytes are not those that were written."""


def read_archive(path: str, values: bool = True) -> Any:
    """What was saved.

    Args:
        path: a file.
        values: False: tensors are on the meta device; their bytes are neither read nor checked.

    Raises:
        Damaged: see there.
        ValueError, IndexError, KeyError, TypeError: it is no checkpoint, or holds anything but
            tensors, numbers, texts, arrays of numbers and built-in containers.
    """
    size = os.path.getsize(path)
    with _Bounded(io.FileIO(path)) as file:
        begin = file.read(len(_STREAM))
        file.seek(0)
        if begin.startswith(b'PK'):
            try:
                with zipfile.ZipFile(file) as archive:
                    return _Archive(archive, size, values).read()
            except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError,
                    OverflowError, struct.error) as error:
                raise Damaged(str(error)) from None
        if begin == _STREAM:
            file.seek(len(_STREAM))
            return _Stream(file, size, values).read()
    raise ValueError('it is no checkpoint')


class _Bounded(io.BufferedReader):
    """A file of which nobody asks for more bytes than it has."""

    def read(self, size: int | None = -1) -> bytes:
        whole = os.fstat(self.fileno()).st_size
        return super().read(whole if size is None or size < 0 else min(size, whole))


class _Storage(Part):
    """A flat tensor that others are views of."""

    def __init__(self, flat: Tensor) -> None:
        self.flat = flat


class _Reader:
    """What both layouts have in common; ``size`` is of the file, in bytes."""

    def __init__(self, size: int, values: bool) -> None:
        self.size, self.values = size, values
        self.storages: dict[str, _Storage] = {}

    def unpickle(self, file: IO[bytes]) -> Any:
        return unpickle_from(file, self.size, _NAMES, self.refer)

    def refer(self, reference: Any) -> _Storage:
        """The storage that ``('storage', type, key, device, count, [view])`` means."""
        if not isinstance(reference, tuple) or len(reference) not in (5, 6):
            raise ValueError('it refers to no tensor')
        kind, storage_type, key, _, count, *view = map(_text, reference)
        dtype = _STORAGES.get(storage_type.name) if isinstance(storage_type, Name) else None
        if (kind != 'storage' or dtype is None or not isinstance(key, str)
                or view not in ([], [None]) or type(count) is not int
                or not 0 <= count <= self.size):
            raise ValueError('it refers to no tensor')
        if key not in self.storages:
            self.storages[key] = _Storage(self.flat(key, dtype, count))
        storage = self.storages[key]
        if (storage.flat.dtype, len(storage.flat)) != (dtype, count):
            raise ValueError('it takes a tensor for two')
        return storage

    def flat(self, key: str, dtype: torch.dtype, count: int) -> Tensor:
        """The values under a key, or of the meta device; overridden to read them."""
        raise NotImplementedError


class _Archive(_Reader):
    """The zip archive; its checksums are compared with what is read."""

    def __init__(self, archive: zipfile.ZipFile, size: int, values: bool) -> None:
        super().__init__(size, values)
        self.archive = archive
        infos = archive.infolist()
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
            raise ValueError('it is compressed')
        if sum(info.file_size for info in infos) > size:
            raise ValueError('its parts are more than the file')
        self.members = {info.filename.partition('/')[2]: info for info in infos}

    def read(self) -> Any:
        """The value of a file as torch has written it since 1.6; ValueError if it is none."""
        if self.member('byteorder', 9, b'little') != b'little':
            raise ValueError('its numbers are in another byte order than those of this machine')
        return self.unpickle(io.BytesIO(self.member('data.pkl', MAX_PICKLE)))

    def member(self, name: str, limit: int, default: bytes | None = None) -> bytes:
        info = self.members.get(name)
        if info is None and default is None:
            raise ValueError('it is no checkpoint')
        if info is None:
            return default or b''
        if info.file_size > limit:
            raise ValueError(f'its {name} has {info.file_size} bytes')
        return self.archive.read(info)

    def flat(self, key: str, dtype: torch.dtype, count: int) -> Tensor:
        info = self.members.get(f'data/{key}')
        if info is None or info.file_size != count * dtype.itemsize:
            raise Damaged(f'the values of tensor {key} are not there')
        if not self.values:
            return torch.empty(count, dtype=dtype, device='meta')
        flat, raw = _new(dtype, count)
        raw[:] = np.frombuffer(self.archive.read(info), np.uint8)
        return _valid(flat)


class _Stream(_Reader):
    """The older layout: pickles, and then the values in an order that the last of them tells."""

    def __init__(self, file: IO[bytes], size: int, values: bool) -> None:
        super().__init__(size, values)
        self.file, self.left = file, size
        self.waiting: dict[str, np.ndarray] = {}

    def read(self) -> Any:
        """The value of a file as torch wrote it before 1.6; ValueError if it is none."""
        version, system = self.unpickle(self.file), self.unpickle(self.file)
        if version != 1001 or not isinstance(system, dict) or not system.get('little_endian'):
            raise ValueError('it is of an unknown version or another byte order')
        value = self.unpickle(self.file)
        keys = self.unpickle(self.file)
        if not self.values:
            return value
        if not isinstance(keys, list) or {_text(key) for key in keys} != set(self.storages):
            raise Damaged('other tensors than it says')
        for key in keys:
            self.fill(_text(key))
        return value

    def fill(self, key: str) -> None:
        raw = self.waiting.pop(key)
        count = int.from_bytes(self.file.read(8), 'little')
        flat = self.storages[key].flat
        if count != len(flat) or self.file.readinto(raw) != len(raw):
            raise Damaged(f'the values of tensor {key} are not there')
        _valid(flat)

    def flat(self, key: str, dtype: torch.dtype, count: int) -> Tensor:
        if not self.values:
            return torch.empty(count, dtype=dtype, device='meta')
        self.left -= count * dtype.itemsize
        if self.left < 0:
            raise Damaged('its values are not all there')
        flat, self.waiting[key] = _new(dtype, count)
        return flat


def _new(dtype: torch.dtype, count: int) -> tuple[Tensor, np.ndarray]:
    """(count,) values, and their bytes to be filled."""
    raw = torch.empty(count * dtype.itemsize, dtype=torch.uint8)
    return raw.view(dtype), raw.numpy()


def _valid(flat: Tensor) -> Tensor:
    """A truth value is 0 or 1, in place."""
    if flat.dtype == torch.bool:
        flat.view(torch.uint8).clamp_(max=1)
    return flat


def _text(value: Any) -> Any:
    """Python 2's texts are bytes here and there."""
    return value.decode('latin-1') if isinstance(value, bytes) else value


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> Tensor:
    """A view of a storage, which has all of its values."""
    if not (isinstance(storage, _Storage) and isinstance(shape, tuple) and isinstance(stride, tuple)
            and len(shape) == len(stride) <= MAX_DIMS and all(
                type(n) is int and 0 <= n < 2**48 for n in (offset, *shape, *stride))):
        raise ValueError('a tensor of unknown form')
    last = offset + sum((n - 1) * step for n, step in zip(shape, stride))
    if math.prod(shape) and not last < len(storage.flat) or math.prod(shape) > 2**40:
        raise ValueError(f'a tensor of shape {shape} made of {len(storage.flat)} numbers')
    if not math.prod(shape):
        return torch.zeros(shape, dtype=storage.flat.dtype, device=storage.flat.device)
    return storage.flat.as_strided(shape, stride, offset)


def _parameter(tensor: Any, *_: Any) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise ValueError('a parameter that is no tensor')
    return tensor


def _size(shape: Any = ()) -> tuple:
    if not isinstance(shape, tuple):
        raise ValueError('a shape of unknown form')
    return shape


class _History(Part):
    """``HistoryBuffer`` of mmengine's logs: what it held, as a dict."""

    def complete(self, state: Any) -> dict:
        if not isinstance(state, dict):
            raise ValueError('a log of unknown form')
        return state


def _method(_: Any, name: Any) -> str:
    """``getattr``, with which those logs name functions; it gives the name."""
    if not isinstance(name, str):
        raise ValueError('a log of unknown form')
    return name


_STORAGES = {f'torch.{device}{name}Storage': dtype for name, dtype in _DTYPES.items()
             for device in ('', 'cuda.')}
_CALLS: dict[str, Callable] = {
    'torch._utils._rebuild_tensor': _tensor, 'torch._utils._rebuild_tensor_v2': _tensor,
    'torch._utils._rebuild_parameter': _parameter, 'torch.Size': _size,
    'mmengine.logging.history_buffer.HistoryBuffer': _History,
    '__builtin__.getattr': _method, 'builtins.getattr': _method}
# A storage's type is not called, only named.
_NAMES = {name: Name(name, call) for name, call in {
    **_CALLS, **dict.fromkeys(_STORAGES, _method)}.items()}
