"""Shared fixtures: the golden files and the recipe that makes their inputs, a run's logs."""
import gzip
import importlib.util
import json
import logging
import pathlib
import sys

import mmdet  # noqa: F401  isort: skip  before torch: sets how compute threads wait
import pytest
import torch

from mmdet.ops import library

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import pretend_device  # noqa: E402
from tiny_detector import tiny  # noqa: E402,F401

GOLDEN = pathlib.Path(__file__).parent / 'data' / 'golden'


if not pretend_device.missing():
    pretend_device.register()  # autograd counts the devices at the first backward pass


def pytest_configure(config):
    config.addinivalue_line('markers', 'gpu: needs a GPU; skipped where there is none')
    config.addinivalue_line('markers', 'slow: left out by tests/run.sh unless asked for, -m slow')


def _load_recipe():
    spec = importlib.util.spec_from_file_location('recipe', GOLDEN / 'recipe.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='session')
def golden():
    """``golden('model/ops')`` is the parsed ``tests/data/golden/model/ops.json.gz``."""

    def load(name):
        with gzip.open(GOLDEN / f'{name}.json.gz', 'rt') as file:
            return json.load(file)

    return load


@pytest.fixture(scope='session')
def recipe():
    """The module that makes golden weights and videos."""
    return _load_recipe()


@pytest.fixture
def spoken():
    """What the package's logger says during the test, a string a record.

    Not ``caplog``: whether that hears a logger that does not propagate depends on pytest's
    version and on the tests before.
    """
    said = []
    listener = logging.Handler()
    listener.emit = lambda record: said.append(record.getMessage())
    logger = logging.getLogger('mmdet')
    logger.addHandler(listener)
    yield said
    logger.removeHandler(listener)


@pytest.fixture
def pretend(monkeypatch):
    """A device that behaves as a GPU does towards the host; see ``pretend_device.py``."""
    if pretend_device.missing():
        pytest.skip(pretend_device.missing())
    compiled = library.compiled
    monkeypatch.setattr(library, 'compiled', lambda *tensors: (
        tensors[0].device.type == pretend_device.NAME or compiled(*tensors)))
    device = pretend_device.Pretend()
    with pretend_device.PretendMode(), device.counting():
        yield device


def log_line(mode, epoch, step, **values):
    """One record of a json log."""
    return json.dumps(dict(mode=mode, epoch=epoch, iter=step, **values)) + '\n'


@pytest.fixture
def logged_run(tmp_path):
    """The work folder of a run of two epochs with four steps; the second was begun twice."""

    def train(epoch, step, loss, time):
        return log_line('train', epoch, step, loss=loss, lr=.1, time=time, data_time=.1)

    (tmp_path / '20260101_000000.log.json').write_text(
        train(1, 2, 1., 1.5) + train(1, 4, 1., .5) + log_line('val', 1, 4, segm_AP=.25)
        + train(2, 2, 9., .5) + '{"mode": "tr')
    (tmp_path / '20260101_000001.log.json').write_text(
        train(2, 2, 3., .7) + train(2, 4, 2., .7) + log_line('val', 2, 8, segm_AP=.5))
    return tmp_path


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)
