"""Files that matter: written whole or not at all, and a full disk is told in one sentence."""
import contextlib
import errno
import fcntl
import functools
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import IO

from mmdet.utils.errors import CannotWrite, UserError

_PREFIX = '.mmdet-'  # of what is being written; the rest of the name is chance
_PARTIAL = re.compile(r'\.mmdet-\w{8}\.part(\.\w{1,8})?')
_NEW = 10  # seconds in which a partial file may not have its lock yet
_REMEDIES = {
    errno.ENOSPC: 'make room', errno.EDQUOT: 'make room', errno.ENAMETOOLONG: 'shorten the name'}


def _mode_of_new_files() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


# Asked when no other thread runs: the mask cannot be read without being set for a moment.
_MODE = _mode_of_new_files()


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike, mode: str = 'wb', durable: bool = True
                 ) -> Iterator[IO]:
    """A file that appears under ``path`` only when it is complete.

    Written to a name in the same folder that nobody can guess, and renamed; on any error, a
    full disk included, that file goes and what stood at ``path`` stays. No link is followed.

    Args:
        path: the final name; its folder is made.
        mode: ``'wb'`` or ``'w'`` (UTF-8).
        durable: wait until it is on the disk; not for what a run writes by the thousand.

    Raises:
        CannotWrite: the disk is full, or the place may not be written to.
    """
    with told(path):
        if os.path.exists(path) and not os.path.isfile(path):
            raise CannotWrite(f'{path}: cannot be written (no ordinary file); give another name')
        handle, temporary = open_partial(path)
        try:
            with os.fdopen(handle, mode, encoding='utf-8' if mode == 'w' else None) as file:
                yield file
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            publish(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise


def write_bytes(data: bytes, path: str | os.PathLike, durable: bool = True) -> None:
    """Write what was encoded in memory; see :func:`atomic_write`."""
    with atomic_write(path, durable=durable) as file:
        file.write(data)


def write_here_or_elsewhere(write: Callable[[str], None], path: str | os.PathLike) -> None:
    """Write what took hours to find; where its place takes it not, to another one.

    Args:
        write: writes to the name it is given, through :func:`atomic_write`.
        path: where it should go; else a new folder for temporary files, of the current folder
            or of the user takes it.

    Raises:
        CannotWrite: it could not be written to ``path``, and where it lies instead.
    """
    try:
        write(os.fspath(path))
        return
    except CannotWrite as error:
        refused = error
    for folder in (tempfile.gettempdir(), os.getcwd(), os.path.expanduser('~')):
        try:
            other = os.path.join(tempfile.mkdtemp(prefix='mmdet-kept-', dir=folder),
                                 os.path.basename(path))
            write(other)
        except OSError:
            continue
        raise CannotWrite(f'{refused}; it was written to {other} instead, move it') from refused
    raise refused


@contextlib.contextmanager
def told(path: str | os.PathLike) -> Iterator[None]:
    """Say what the system refuses to write for ``path`` as a :class:`CannotWrite`."""
    try:
        yield
    except UserError:
        raise
    except OSError as error:
        if not _is_about(error.filename, path):
            raise
        said = CannotWrite(f'{os.fspath(path)}: cannot be written ({error.strerror}); '
                           f'{_REMEDIES.get(error.errno, "choose another place")}')
        said.errno, said.strerror = error.errno, error.strerror
        raise said from error


def _is_about(filename: str | bytes | int | None, path: str | os.PathLike) -> bool:
    """Whether an error named no file, the folder of ``path``, one above it or a file in it."""
    if not isinstance(filename, (str, bytes)):
        return True
    named, folder = os.path.abspath(os.fsdecode(filename)), os.path.dirname(os.path.abspath(path))
    return os.path.dirname(named) == folder or f'{folder}/'.startswith(f'{named}/')


def open_partial(path: str | os.PathLike, suffix: str = '') -> tuple[int, str]:
    """A new empty file beside ``path``, for who writes by name; its folder is made.

    It is locked as long as the handle is open, so that what a killed process left behind can
    be told from what another one is writing; the former is removed here.

    Args:
        path: where the file will be renamed to, by :func:`publish`.
        suffix: the name must end like this, for instance ``'.mp4'``.

    Returns:
        its handle and its name.
    """
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder) from None
    clear_partials(folder)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=_PREFIX, suffix=f'.part{suffix}')
    with contextlib.suppress(OSError):  # a file system without locks
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle, temporary


def publish(temporary: str, path: str | os.PathLike) -> None:
    """Give a finished partial file its name and the permissions of any new file."""
    os.chmod(temporary, _MODE)
    os.replace(temporary, path)


@functools.cache
def clear_partials(folder: str) -> None:
    """Remove what killed processes left in a folder; looked for once per process."""
    with os.scandir(folder) as entries:
        left = [entry for entry in entries
                if _PARTIAL.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)]
    for entry in left:
        with contextlib.suppress(OSError):
            if time.time() - entry.stat().st_mtime > _NEW and _is_unlocked(entry.path):
                os.unlink(entry.path)


def _is_unlocked(path: str) -> bool:
    handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
