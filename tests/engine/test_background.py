"""Work beside the network, and signals: in order, nothing lost, errors told."""
import os
import signal
import threading
import time

import pytest

from mmdet.engine.background import Background
from mmdet.engine.stops import Stopped, Stops


@pytest.mark.parametrize('ahead', [0, 1, 3])
def test_calls_are_done_in_order(ahead):
    done = []

    def work(number):
        time.sleep(.001 * (number % 3))
        done.append((number, threading.current_thread() is threading.main_thread()))

    with Background(work, ahead) as later:
        for number in range(20):
            later(number)
    assert done == [(number, ahead == 0) for number in range(20)]


def test_no_more_wait_than_asked_for():
    gate, begun = threading.Event(), []

    def work(number):
        begun.append(number)
        gate.wait(10)

    later = Background(work, 2)
    later(0)
    later(1)
    extra = threading.Thread(target=later, args=(2, ))
    extra.start()
    extra.join(.05)
    assert extra.is_alive() and begun == [0]
    gate.set()
    extra.join(10)
    later.finish()
    assert begun == [0, 1, 2]


@pytest.mark.parametrize('ahead', [0, 4])
def test_an_error_ends_it(ahead):
    done = []

    def work(number):
        if number == 2:
            raise OSError('disk full')
        done.append(number)

    with pytest.raises(OSError, match='disk full'):
        with Background(work, ahead) as later:
            for number in range(10):
                later(number)
    assert done == [0, 1]


def test_a_block_that_raises_stops_it():
    gate, done = threading.Event(), []

    def work(number):
        gate.wait(10)
        done.append(number)

    with pytest.raises(KeyError):
        with Background(work, 8) as later:
            for number in range(5):
                later(number)
            gate.set()
            raise KeyError
    assert done == list(range(len(done)))


@pytest.mark.parametrize('signum', Stops.SIGNALS)
def test_signals_wait_for_what_must_not_be_interrupted(signum):
    reached = []
    with pytest.raises(Stopped) as stop, Stops() as stops:
        with stops.held():
            os.kill(os.getpid(), signum)
            os.kill(os.getpid(), signum)  # an echo
            reached.append('held')
        reached.append('after')
    assert reached == ['held'] and stop.value.signum == stops.received == signum
    with pytest.raises(Stopped), Stops():
        os.kill(os.getpid(), signum)
        time.sleep(5)


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with Stops():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) is before
