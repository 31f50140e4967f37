"""Shared fixtures: the golden files and the recipe that makes their inputs."""
import gzip
import importlib.util
import json
import logging
import pathlib
import sys

import mmdet  # noqa: F401  before torch: sets how compute threads wait
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


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)
