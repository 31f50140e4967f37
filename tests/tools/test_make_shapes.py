"""The command that writes the small data set."""
import importlib.util
import pathlib

import cv2
import pytest

from mmdet.utils.cli import run_tool

TOOL = pathlib.Path(__file__).parents[2] / 'tools/convert_datasets/make_shapes.py'


@pytest.fixture
def run(monkeypatch):
    """``run('--out', ...)`` calls the command."""
    spec = importlib.util.spec_from_file_location('make_shapes', TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def call(*args):
        monkeypatch.setattr('sys.argv', ['make_shapes.py', *map(str, args)])
        with pytest.raises(SystemExit) as stop:
            run_tool(tool.main)
        return stop.value.code

    return call


def test_writes_once(run, tmp_path, capsys):
    args = ('--out', tmp_path / 'set', '--train-videos', 4, '--val-videos', 1, '--length', 2,
            '--size', '64x48', '--classes', 'ring', 'cross', '--sheet', tmp_path / 'sheet.png')
    assert run(*args) == 0
    shown = capsys.readouterr()
    assert shown.out.endswith('set: written\n') and '5/5 videos' in shown.err
    height, width = cv2.imread(str(tmp_path / 'sheet.png')).shape[:2]
    assert abs(width / height - 2 * 64 / (4 * 48)) < 0.02  # four rows of two frames
    assert run(*args) == 0 and 'there already' in capsys.readouterr().out
    assert run('--out', tmp_path / 'set') == 1 and '--force' in capsys.readouterr().err


@pytest.mark.parametrize('wrong, message', [
    (('--size', 'big'), 'expected WIDTHxHEIGHT'), (('--size', '8x8'), 'at least 32x32'),
    (('--classes', 'cube'), 'out of disc')])
def test_wrong_options_end_with_one_sentence(run, capsys, wrong, message):
    assert run(*wrong) in (1, 2)
    assert message in capsys.readouterr().err
