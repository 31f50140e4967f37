"""The same program in several processes on this machine."""
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

PR_SET_PDEATHSIG = 1  # of <linux/prctl.h>
GRACE = 30  # seconds the others get to save when one process has failed
PARENT = 'MMDET_LAUNCHER'  # process number of the program that started the copies


def run_copies(command: Sequence[str], count: int) -> int:
    """Run a command ``count`` times with the variables of ``--launcher pytorch``.

    SIGTERM is passed on; Ctrl-C reaches all through the terminal. When one
    fails the others are ended.

    Args:
        command: program and arguments.
        count: number of processes.

    Returns:
        The exit status: 0, or that of the first that failed (128 + n for a
        signal n).
    """
    env = {**os.environ, PARENT: str(os.getpid()), 'WORLD_SIZE': str(count),
           'LOCAL_WORLD_SIZE': str(count), 'MASTER_ADDR': '127.0.0.1',
           'MASTER_PORT': str(_free_port())}
    running = [
        subprocess.Popen(command, env={**env, 'RANK': str(i), 'LOCAL_RANK': str(i)})
        for i in range(count)
    ]

    def pass_on(signum: int, frame: Any) -> None:
        for process in running:
            if process.poll() is None:
                process.send_signal(signum)

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, pass_on),
              signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    try:
        return _wait(running)
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def follow_launcher() -> None:
    """In a copy: end like after SIGTERM when the program that started it is gone, even killed.

    On Linux; elsewhere a copy whose launcher was killed trains on.
    """
    launcher = os.environ.get(PARENT)
    if launcher is None or sys.platform != 'linux':
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(launcher):  # it ended before it could be followed
        os.kill(os.getpid(), signal.SIGTERM)


def _wait(running: Sequence[subprocess.Popen]) -> int:
    failed, deadline = 0, float('inf')
    while any(process.poll() is None for process in running):
        codes = [process.poll() for process in running]
        if not failed and any(codes):
            failed = next(code for code in codes if code)
            deadline = time.time() + GRACE
        if time.time() > deadline:
            for process in running:
                process.kill()
        time.sleep(.1)
    failed = failed or next((p.returncode for p in running if p.returncode), 0)
    return 128 - failed if failed < 0 else failed


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]
