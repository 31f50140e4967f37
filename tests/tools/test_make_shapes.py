"""The command that writes the small data set."""
import importlib.util
import pathlib

import cv2
import pytest

TOOL = pathlib.Path(__file__).parents[2] / 'tools/convert_datasets/make_shapes.py'


@pytest.fixture
def run(monkeypatch):
    """``run('--out', ...)`` calls the command."""
    spec = importlib.util.spec_from_file_location('make_shapes', TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def call(*args):
        monkeypatch.setattr('sys.argv', ['make_shapes.py', *map(str, args)])
        tool.main()

    return call


def test_writes_once(run, tmp_path, capsys):
    args = ('--out', tmp_path / 'set', '--train-videos', 4, '--val-videos', 1, '--length', 2, '--size', '64x48',
            '--classes', 'ring', 'cross', '--sheet', tmp_path / 'sheet.png')
    run(*args)
    shown = capsys.readouterr()
    assert shown.out.endswith('set: written\n') and '5/5 videos' in shown.err
    assert cv2.imread(str(tmp_path / 'sheet.png')).shape == (4 * 48, 2 * 64, 3)
    run(*args)
    assert 'there already' in capsys.readouterr().out
    with pytest.raises(SystemExit, match='--force'):
        run('--out', tmp_path / 'set')


@pytest.mark.parametrize('wrong, message', [(('--size', 'big'), 'expected WIDTHxHEIGHT'), (('--size', '8x8'), 'at least 32x32'),
                                            (('--classes', 'cube'), 'out of disc')])
def test_wrong_options_end_with_one_sentence(run, capsys, wrong, message):
    with pytest.raises(SystemExit):
        run(*wrong)
    assert message in capsys.readouterr().err
