"""``X.pkl``: pickles of plain arrays, read without running code."""
import os
import pickle
from typing import Any

from mmdet.utils.errors import BadValue, MissingFile
from mmdet.utils.fileio import atomic_write

_SAFE = {
    ('builtins', name)
    for name in ('set', 'frozenset', 'complex', 'bytearray', 'slice', 'range')
} | {
    ('collections', 'OrderedDict'),
    ('numpy', 'dtype'),
    ('numpy', 'ndarray'),
    ('numpy.core.multiarray', '_reconstruct'),
    ('numpy.core.multiarray', 'scalar'),
    ('numpy.core.numeric', '_frombuffer'),
    ('numpy._core.multiarray', '_reconstruct'),
    ('numpy._core.multiarray', 'scalar'),
    ('numpy._core.numeric', '_frombuffer'),
    ('_codecs', 'encode'),
}


class _Unpickler(pickle.Unpickler):
    """Knows numpy arrays and the built-in containers, nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _SAFE:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(
            f'holds an object of type {module}.{name}, which could run code')


def dump_results(obj: Any, path: str) -> None:
    """Pickle results (numpy arrays, dicts, lists, numbers, bytes) to ``path``."""
    with atomic_write(path) as file:
        pickle.dump(obj, file, protocol=4)


def load_results(path: str) -> Any:
    """Read what :func:`dump_results` or the 2019 code wrote; see :func:`read_pickle`.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if not os.path.isfile(path):
        raise MissingFile(f'{path}: no such results file; write one with tools/test_video.py '
                          'CONFIG CHECKPOINT --out X.pkl')
    return read_pickle(path)


def read_pickle(path: str) -> Any:
    """A pickle of plain arrays: results, lists of images, proposals.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is cut short, no pickle, or holds anything but
            numpy arrays and built-in containers.
    """
    if not os.path.isfile(path):
        raise MissingFile(f'{path}: no such file; check the path')
    try:
        with open(path, 'rb') as file:
            return _Unpickler(file).load()
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError,
            AttributeError, UnicodeDecodeError, MemoryError) as error:
        raise BadValue(f'{path}: refused: {error or "the file is cut short"}; expected a complete '
                       'pickle of numpy arrays, dicts and lists') from None
