"""Copies of a program: their variables, their exit status, their end."""
import os
import signal
import sys
import threading
import time

import pytest

from mmdet.engine.launch import run_copies


def python(code):
    return [sys.executable, '-c', f'import os, sys, time\n{code}']


def test_copies_know_their_places(tmp_path):
    code = (f'names = "RANK LOCAL_RANK WORLD_SIZE LOCAL_WORLD_SIZE MASTER_ADDR".split()\n'
            f'text = " ".join(os.environ[n] for n in names)\n'
            f'open("{tmp_path}/" + os.environ["RANK"], "w").write(text)')
    assert run_copies(python(code), 2) == 0
    assert [(tmp_path / r).read_text() for r in '01'] == ['0 0 2 2 127.0.0.1', '1 1 2 2 127.0.0.1']


@pytest.mark.parametrize('end, status', [('sys.exit(3)', 3), ('os.kill(os.getpid(), 9)', 137)])
def test_one_failure_ends_all(monkeypatch, end, status):
    monkeypatch.setattr('mmdet.engine.launch.GRACE', .5)
    begin = time.time()
    assert run_copies(python(f'time.sleep(60) if os.environ["RANK"] == "0" else {end}'),
                      2) == status
    assert time.time() - begin < 30


def test_sigterm_is_passed_on(tmp_path):
    code = (f'import signal\nsignal.signal(15, lambda *_: sys.exit(143))\n'
            f'open("{tmp_path}/" + os.environ["RANK"], "w")\ntime.sleep(60)')

    def stop():
        while len(os.listdir(tmp_path)) < 2:
            time.sleep(.05)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    threading.Thread(target=stop).start()
    assert run_copies(python(code), 2) == 143
    assert signal.getsignal(signal.SIGTERM) is before
