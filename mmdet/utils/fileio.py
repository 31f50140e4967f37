"""Files that matter: written whole or not at all, read without running code."""
import contextlib
import os
import pickle
import tempfile
from typing import Any, BinaryIO, Iterator

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


@contextlib.contextmanager
def atomic_write(path: str, mode: str = 'wb') -> Iterator[BinaryIO]:
    """A file that appears under ``path`` only when it is complete.

    Written to a temporary name in the same folder, synced to the disk and
    renamed; on any error, a full disk included, the temporary file goes and what
    stood at ``path`` stays.

    Args:
        path: the final name; its folder is made.
        mode: ``'wb'`` or ``'w'``.
    """
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(
        dir=folder, prefix=f'.{os.path.basename(path)}.', suffix='.tmp')
    try:
        with os.fdopen(handle, mode) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


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
    """Read what :func:`dump_results` or the 2019 code wrote.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is cut short, no pickle, or holds anything but
            numpy arrays and built-in containers.
    """
    try:
        with open(path, 'rb') as file:
            return _Unpickler(file).load()
    except FileNotFoundError:
        raise FileNotFoundError(
            f'{path}: no such results file; write one with '
            'tools/test_video.py CONFIG CHECKPOINT --out X.pkl') from None
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError,
            AttributeError, UnicodeDecodeError, MemoryError) as error:
        raise ValueError(
            f'{path}: refused as results: {error or "the file is cut short"}; '
            'expected a complete pickle of numpy arrays, dicts and lists') from None
