"""One run at a time in a work folder, and none over another."""
import contextlib
import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator

from mmdet.engine.distribution import broadcast, rank_and_world
from mmdet.engine.run_checkpoints import UNKNOWN, list_checkpoints, progress_of
from mmdet.utils.errors import FileInTheWay
from mmdet.utils.logger import get_root_logger


@contextlib.contextmanager
def work_folder(folder: str, resume_from: str | None, overwrite: bool) -> Iterator[None]:
    """Have a work folder to oneself; asked of all ranks.

    Args:
        folder: it is made.
        resume_from: checkpoint the run goes on from.
        overwrite: remove what is in the way of the run.

    Raises:
        FileExistsError: another run trains there, or left checkpoints.
    """
    problem = None
    with contextlib.ExitStack() as stack:
        if rank_and_world()[0] == 0:
            try:
                stack.enter_context(claimed(folder))
                make_room(folder, resume_from, overwrite)
            except OSError as error:  # of all ranks; FileInTheWay is one
                problem = error
        problem = broadcast(problem)
        if problem is not None:
            raise problem
        yield


@contextlib.contextmanager
def claimed(folder: str) -> Iterator[None]:
    """Keep other runs out of a folder while one trains there.

    The lock goes with its process, however that ends; where a file system has no locks,
    nothing is kept out.

    Raises:
        FileExistsError: another run trains there; says which.
    """
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, '.lock'), 'a+') as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise FileInTheWay(f'{folder}: another run trains there{_owner(file)}; wait for '
                                   'it, end it, or choose another --work_dir') from None
        else:
            file.truncate(0)
            json.dump(dict(host=socket.gethostname(), pid=os.getpid(), since=time.asctime()), file)
            file.flush()
        yield


def _owner(file) -> str:
    file.seek(0)
    try:
        return ' (process {pid} on {host} since {since})'.format(**json.load(file))
    except (ValueError, KeyError, TypeError):
        return ''


def make_room(folder: str, resume_from: str | None, overwrite: bool) -> None:
    """No run writes over what another left: checkpoints that are further are in its way.

    Raises:
        FileExistsError: there are some, and ``overwrite`` does not allow to remove them.
    """
    found = {path: progress_of(path) for path in list_checkpoints(folder)}
    if resume_from:
        done = progress_of(resume_from)
        found = {path: far for path, far in found.items() if done < far < UNKNOWN}
    if not found:
        return
    last = os.path.basename(list(found)[-1])
    if not overwrite:
        raise FileInTheWay(
            f'{folder}: holds checkpoints of an earlier run, the last is {last}; go on with it '
            '(--auto-resume), choose another --work_dir, or replace it (--overwrite)')
    best = os.path.join(folder, 'best.pth')
    if os.path.exists(best) and (not resume_from or progress_of(best) > done):
        os.unlink(best)
    for path in found:
        os.unlink(path)
    get_root_logger().warning('%s: %d checkpoints of an earlier run removed (--overwrite)', folder,
                              len(found))
