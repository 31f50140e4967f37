"""The names of the contract stay importable where 2019 had them."""
import importlib

import pytest

NAMES = 'ytvos_eval', 'coco_eval', 'results2json', 'results2json_videoseg'


@pytest.mark.parametrize('package', ['mmdet.core', 'mmdet.core.evaluation'])
@pytest.mark.parametrize('name', NAMES)
def test_evaluators(package, name):
    found = getattr(importlib.import_module(package), name)
    assert found.__name__ == name and name in dir(importlib.import_module(package))
    home = importlib.import_module(found.__module__.rpartition('.')[0])
    assert getattr(home, name) is found
