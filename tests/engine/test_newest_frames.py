"""Frames that do not wait: the newest counts, the others are dropped and counted."""
import threading
import time

import numpy as np
import pytest

from mmdet.engine import live
from mmdet.engine.live import Meter, NewestFrames
from mmdet.utils.errors import BadValue, NoConnection
from mmdet.utils.logger import get_root_logger

LOGGER = get_root_logger()


def camera(count, rate=30.0):
    """Frames that are numbered, at a rate."""
    for number in range(count):
        time.sleep(1 / rate)
        yield np.full((2, 2, 3), number, np.uint8)


def test_a_slow_tracker_drops_frames_and_does_not_lag():
    newest, seen, late = NewestFrames(camera(30), LOGGER), [], []
    for frame in newest:
        late.append(time.monotonic() - newest.grabbed)
        seen.append(int(frame[0, 0, 0]))
        time.sleep(.1)
    assert len(seen) + newest.dropped == 30 and newest.dropped >= 5
    assert seen == sorted(set(seen)) and seen[-1] == 29
    assert np.median(late) < .5  # of a queue: a second


def test_a_fast_tracker_misses_nothing():
    free = threading.Semaphore(1)

    def patient():
        for frame in camera(5, 1000):
            free.acquire(timeout=10)
            yield frame

    newest, seen = NewestFrames(patient(), LOGGER), []
    for frame in newest:
        seen.append(int(frame[0, 0, 0]))
        free.release()
    assert seen == [0, 1, 2, 3, 4] and newest.dropped == 0


def test_opening_again_has_time(monkeypatch):
    monkeypatch.setattr(live, 'STALL', .05)

    def again():
        time.sleep(.3)
        return camera(1, 1000)

    newest = NewestFrames(camera(1, 1000), LOGGER, again, tries=1, wait=.001)
    assert len([next(newest), next(newest)]) == 2
    newest.close()


def test_a_stream_that_breaks_is_opened_again(spoken):
    opened = []

    def again():
        opened.append(len(opened))
        if len(opened) < 3:
            raise BadValue('rtsp://camera: no frame could be read')
        return camera(2, 100) if len(opened) == 3 else iter(())

    newest = NewestFrames(camera(1, 100), LOGGER, again, tries=3, wait=.001)
    taken = []
    with pytest.raises(NoConnection, match='3 tries to open it again failed .it ended'):
        for frame in newest:
            taken.append(frame)
    assert len(taken) + newest.dropped == 3 and len(opened) == 6
    assert 'the stream broke (it ended); opening it again, try 1 of 3' in spoken
    assert [line for line in spoken if '(rtsp://camera: no frame could be read)' in line]


def test_an_error_of_the_source_is_raised_after_its_frames():
    def broken():
        yield from camera(1)
        raise ValueError('broken')

    newest = NewestFrames(broken(), LOGGER)
    next(newest)
    with pytest.raises(ValueError, match='broken'):
        next(newest)


def test_a_camera_that_hangs_does_not_hold_the_process(monkeypatch):
    monkeypatch.setattr(live, 'STALL', .05)
    gate = threading.Event()

    def hung():
        gate.wait(10)
        yield from ()

    newest = NewestFrames(hung(), LOGGER)
    with pytest.raises(NoConnection, match='no frame came for'):
        next(newest)
    gate.set()
    newest.close()


def test_the_meter(monkeypatch):
    now = iter([10.0, 10.1, 10.2])
    monkeypatch.setattr(live.time, 'monotonic', lambda: next(now))
    meter = Meter()
    assert meter.line(0) == '0.0 frames/s, 0 ms behind, 0 dropped'
    for grabbed in (9.9, 10.0, 10.15):
        meter.update(grabbed)
    assert meter.line(7) == '10.0 frames/s, 50 ms behind, 7 dropped'
