"""The page for a report: its comparisons on the CPU, and what it says without a GPU."""
import importlib
import math
import os
import pathlib
import subprocess
import sys

import pytest
import torch

from mmdet import ops
from mmdet.ops import library

ANALYSIS = pathlib.Path(__file__).parents[2] / 'tools/analysis'
CPU = torch.device('cpu')


@pytest.fixture
def page(monkeypatch):
    monkeypatch.syspath_prepend(str(ANALYSIS))
    module = importlib.import_module('gpu_check')
    for name, value in dict(FRAMES=1, STEPS=1, WARMUP=1).items():
        monkeypatch.setattr(module, name, value)
    return module


def test_without_a_gpu_it_says_so():
    done = subprocess.run([sys.executable, ANALYSIS / 'gpu_check.py'], capture_output=True,
                          text=True, env={**os.environ, 'CUDA_VISIBLE_DEVICES': ''})
    assert done.returncode == 1 and done.stderr == ''
    assert done.stdout.startswith('gpu_check: PyTorch sees no GPU here; nothing was checked')


def test_the_cpu_equals_itself(page):
    rows = page.compare_operators(CPU) + page.compare_training(str(page.CONFIG), CPU, (64, 64))
    assert len(rows) > 35 and all(row.difference == 0 for row in rows)
    assert any('loss_match' in row.name for row in rows)


@pytest.mark.parametrize('difference', [1e-3, math.nan])
def test_a_difference_is_reported(page, monkeypatch, difference):
    align = ops.multi_level_roi_align
    calls = []

    def not_as_the_cpu(*args):  # CPU, device, device in order
        calls.append(args)
        return align(*args) + (difference if len(calls) % 3 == 2 else 0)

    monkeypatch.setattr(ops, 'multi_level_roi_align', not_as_the_cpu)
    rows = page.compare_align(CPU, torch.float32)
    assert [row.fine for row in rows] == [False, True, True]
    assert 'RoIAlign forward, float32' in page.comparison_table(rows)


def test_lost_boxes_are_reported(page, monkeypatch):
    nms, calls = ops.batched_nms, []

    def every_second_differs(*args):
        calls.append(args)
        return nms(*args)[len(calls) % 2:]

    monkeypatch.setattr(ops, 'batched_nms', every_second_differs)
    assert not any(row.fine for row in page.compare_nms(CPU, 100))


@pytest.mark.skipif(library._cpu_problem is not None, reason='operators not built')
@pytest.mark.slow
def test_the_whole_page(page, monkeypatch, capsys):
    monkeypatch.setattr(page, 'operator_times', lambda *args: [['operator'], ['RoIAlign']])
    monkeypatch.setattr(page, 'compare_operators', lambda device: [page.Compared('NMS', 2, 0)])
    assert page.check(str(page.CONFIG), CPU, (64, 64), 1, .01) == 1
    text = capsys.readouterr().out
    for words in ('operators: compiled for cpu', 'training step, loss_mask', 'peak MiB',
                  'frame: detect', 'bfloat16, 1 pairs', 'differs from the CPU: NMS'):
        assert words in text


def test_times_of_operators(page, monkeypatch):
    case = page.benchmark_ops.Case('RoIAlign backward, 1024 NMS 10', lambda: None, lambda: None,
                                   traffic=8)
    monkeypatch.setattr(page.benchmark_ops, 'align_cases', lambda device: [case])
    monkeypatch.setattr(page.benchmark_ops, 'nms_cases', lambda device: [])
    rows = page.operator_times(CPU, .01)
    assert [row[0] for row in rows[1:]] == [case.name, f'deterministic {case.name}']
    assert all(len(row) == len(rows[0]) for row in rows)
