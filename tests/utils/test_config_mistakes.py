"""Every mistake in a config file or on the command line is one sentence that says what to do."""
import argparse
import sys

import pytest
from mmengine.config import Config

from mmdet.utils import load_config
from mmdet.utils.cli import ConfigOptions
from mmdet.utils.config import require
from mmdet.utils.errors import UserError


def written(folder, text, name='c.py'):
    (folder / name).write_text(text)
    return str(folder / name)


@pytest.mark.parametrize('text, said', [
    ('model = dict(\n', r'c\.py:1: not valid Python: .* was never closed'),
    ('_base_ = "./none.py"\n', r'c\.py: _base_ "\./none\.py" is not there; it is relative to'),
    ('_base_ = ["./c.py"]\n', r'c\.py: is its own _base_, by way of'),
    ('a = 1\nb = a + missing\n', r'c\.py:2: the config cannot be run: NameError: .*missing'),
    ('data = 3\n', r'data must be a dict, got 3'),
    ('custom_imports = ["x"]\n', r'custom_imports must be a dict'),
    ('custom_imports = dict(imports=["no_such_part"])\n',
     r'no module "no_such_part", neither beside the config'),
], ids=['syntax', 'no base', 'circle', 'fails', 'data', 'imports', 'no module'])
def test_a_mistake_in_the_file_is_one_sentence(tmp_path, text, said):
    with pytest.raises(UserError, match=said) as caught:
        load_config(written(tmp_path, text))
    assert '\n' not in str(caught.value)


def test_a_circle_of_two_and_a_mistake_in_a_base_are_told(tmp_path):
    written(tmp_path, '_base_ = "./c.py"', 'b.py')
    with pytest.raises(UserError, match='is its own _base_.*c.py and .*b.py'):
        load_config(written(tmp_path, '_base_ = "./b.py"'))
    written(tmp_path, 'x = [1\n', 'b.py')
    with pytest.raises(UserError, match=r'b\.py:1: not valid Python'):
        load_config(str(tmp_path / 'c.py'))


@pytest.mark.parametrize('overrides, said', [
    ({'data_root': '/new/'}, 'data_root=.*changes nothing.*data.train.ann_file'),
    ({'num_classes': 7}, 'num_classes=.*changes nothing.*made from it'),
    ({'total_epochs.x': 7}, '--cfg-options: cannot be applied'),
])
def test_an_override_that_changes_nothing_is_refused(tmp_path, overrides, said):
    path = written(tmp_path, 'data_root = "d/"\nnum_classes = 4\ntotal_epochs = 1\n'
                   'data = dict(train=dict(ann_file=data_root + "a.json"))')
    with pytest.raises(UserError, match=said):
        load_config(path, overrides)


def test_keys_that_a_command_needs_are_named():
    with pytest.raises(UserError, match='has no data.train; start from a config'):
        require(Config(dict(model=dict(), data=dict(test=dict()))), 'model', 'data.train')


def test_custom_imports_are_found_beside_the_config_and_in_the_current_folder(
        tmp_path, monkeypatch):
    (tmp_path / 'here').mkdir()
    monkeypatch.setattr(sys, 'path', sys.path.copy())
    monkeypatch.chdir(tmp_path / 'here')
    written(tmp_path, 'LOADED = 1', 'part_beside_config.py')
    written(tmp_path / 'here', 'LOADED = 1', 'part_in_current_folder.py')
    names = ['part_beside_config', 'part_in_current_folder']
    load_config(written(tmp_path, f'custom_imports = dict(imports={names})'))
    assert all(sys.modules.pop(name).LOADED for name in names)


def test_a_package_missing_inside_a_custom_module_is_not_called_a_missing_module(
        tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'path', sys.path.copy())
    written(tmp_path, 'import no_such_package', 'part_with_a_fault.py')
    with pytest.raises(ModuleNotFoundError, match='no_such_package') as caught:
        load_config(written(tmp_path, 'custom_imports = dict(imports=["part_with_a_fault"])'))
    assert not isinstance(caught.value, UserError)


@pytest.mark.parametrize('values, found', [
    (['a.b=3', 'c=(1,2)', "d='0.5'"], {'a.b': 3, 'c': (1, 2), 'd': .5}),
    (['load_from=my runs/a.pth'], {'load_from': 'my runs/a.pth'}),
    (['total_epochs'], 'total_epochs: expected KEY=VALUE'), (['a=(1,2'], 'a bracket is not closed'),
])
def test_options_on_the_command_line(values, found, capsys):
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    if isinstance(found, dict):
        assert parser.parse_args(['--cfg-options', *values]).cfg_options == found
        return
    with pytest.raises(SystemExit, match='2'):
        parser.parse_args(['--cfg-options', *values])
    assert found in capsys.readouterr().err
