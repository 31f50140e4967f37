"""Curves and times of logs, one run and its continuation."""
import importlib.util
import pathlib
import sys

import pytest

from mmdet.utils.cli import run_tool

PATH = pathlib.Path(__file__).parents[2] / 'tools' / 'analysis' / 'analyze_logs.py'


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('analyze_logs', PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call(tool, monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', ['analyze_logs.py', *map(str, args)])
    with pytest.raises(SystemExit) as stop:
        run_tool(tool.main)
    return stop.value.code


def test_plot_curve(tool, logged_run, monkeypatch, capsys):
    out = logged_run / 'out' / 'c.pdf'
    assert call(tool, monkeypatch, 'plot_curve', logged_run, logged_run, '--keys', 'loss',
                'segm_AP', '--out', out) == 0
    assert out.read_bytes().startswith(b'%PDF') and str(out) in capsys.readouterr().out
    assert call(tool, monkeypatch, 'plot_curve', logged_run, '--keys', 'segm_PA', '--out', out) == 1
    assert 'did you mean "segm_AP"?' in capsys.readouterr().err
    assert call(tool, monkeypatch, 'plot_curve', logged_run / 'no') == 1


@pytest.mark.parametrize('flags, slow', [([], 'epoch 2: 0.7000'),
                                         (['--include-outliers'], 'epoch 1: 1.0000')])
def test_cal_train_time(tool, logged_run, monkeypatch, capsys, flags, slow):
    assert call(tool, monkeypatch, 'cal_train_time', logged_run, *flags) == 0
    assert f'slowest {slow}' in capsys.readouterr().out
