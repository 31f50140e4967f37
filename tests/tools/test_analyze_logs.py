"""Curves and times of logs, one run and its continuation."""
import importlib.util
import json
import pathlib
import sys

import pytest

from mmdet.utils.cli import run_tool
from mmdet.visualization.curves import curve, draw_run, join_logs, read_log

PATH = pathlib.Path(__file__).parents[2] / 'tools' / 'analysis' / 'analyze_logs.py'


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('analyze_logs', PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def train(epoch, step, loss=1., time=.5):
    return dict(mode='train', epoch=epoch, iter=step, loss=loss, lr=.1, time=time, data_time=.1)


def write(path, records, end=''):
    path.write_text(''.join(json.dumps(r) + '\n' for r in records) + end)


@pytest.fixture
def run(tmp_path):
    """Two epochs of four steps; the second was begun twice."""
    val = dict(mode='val', epoch=1, iter=4, segm_AP=.25)
    write(tmp_path / '20260101_000000.log.json',
          [train(1, 2, time=1.5), train(1, 4), val, train(2, 2, 9.)], '{"mode": "tr')
    write(tmp_path / '20260101_000001.log.json',
          [train(2, 2, 3., .7), train(2, 4, 2., .7), dict(val, epoch=2, iter=8, segm_AP=.5)])
    return tmp_path


def test_joined_logs_hold_every_step_once(run):
    records = join_logs(read_log(str(p)) for p in sorted(run.glob('*.json')))
    assert curve(records, 'loss') == ([.5, 1., 1.5, 2.], [1., 1., 3., 2.])
    assert curve(records, 'segm_AP') == ([1, 2], [.25, .5])
    assert curve(records, 'nothing') == ([], [])


def test_damaged_line_is_named(run):
    (run / 'x.log.json').write_text('{"a": 1}\nnonsense\n{"a": 2}\n')
    with pytest.raises(ValueError, match='x.log.json:2: expected one json dict'):
        read_log(str(run / 'x.log.json'))


def test_curves_of_a_run(run):
    path = draw_run(str(run))
    assert open(path, 'rb').read(8) == b'\x89PNG\r\n\x1a\n'


def call(tool, monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', ['analyze_logs.py', *map(str, args)])
    with pytest.raises(SystemExit) as stop:
        run_tool(tool.main)
    return stop.value.code


def test_plot_curve(tool, run, monkeypatch, capsys):
    out = run / 'out' / 'c.pdf'
    assert call(tool, monkeypatch, 'plot_curve', run, run, '--keys', 'loss', 'segm_AP',
                '--out', out) == 0
    assert out.read_bytes().startswith(b'%PDF') and str(out) in capsys.readouterr().out
    assert call(tool, monkeypatch, 'plot_curve', run, '--keys', 'segm_PA', '--out', out) == 1
    assert 'did you mean "segm_AP"?' in capsys.readouterr().err
    assert call(tool, monkeypatch, 'plot_curve', run / 'no') == 1


@pytest.mark.parametrize('flags, slow', [([], 'epoch 2: 0.7000'),
                                         (['--include-outliers'], 'epoch 1: 1.0000')])
def test_cal_train_time(tool, run, monkeypatch, capsys, flags, slow):
    assert call(tool, monkeypatch, 'cal_train_time', run, *flags) == 0
    assert f'slowest {slow}' in capsys.readouterr().out
