"""The command line of the error analysis."""
import csv
import json
import pathlib
import subprocess
import sys

import pytest

TOOL = pathlib.Path(__file__).parents[2] / 'tools' / 'analysis' / 'analyze_errors.py'


def run(*args):
    return subprocess.run([sys.executable, TOOL, *map(str, args)], capture_output=True, text=True)


@pytest.fixture
def files(golden, tmp_path):
    for name in ('gt', 'results'):
        (tmp_path / f'{name}.json').write_text(json.dumps(golden(f'analysis/o1.{name}')))
    return tmp_path


def test_prints_tables_and_writes_files(files, golden):
    other = [dict(track, score=1 - track['score']) for track in golden('analysis/o1.results')]
    (files / 'other.json').write_text(json.dumps(other))
    done = run(files / 'results.json', files / 'gt.json', '--convention', 'tive', '--json',
               files / 'out.json', '--csv', files / 'out.csv', '--samples', 20, '--compare',
               files / 'other.json')
    assert done.returncode == 0 and not done.stderr
    assert 'AP 26.8 [' in done.stdout and '| gap         |      1 |' in done.stdout
    report, numbers = json.loads((files / 'out.json').read_text()), golden('analysis/o1.golden')
    assert set(numbers) - {'case', 'seed', 'planted_per_result'} <= set(report)
    assert report['dap'] == pytest.approx(numbers['dap'], abs=1e-9)
    with open(files / 'out.csv', newline='') as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 58 + 7 and [line['type'] for line in lines[:58]] == numbers[
        'type_per_result']
    assert lines[8]['cause'] == 'gap' and lines[8]['gap'] == '20' and lines[8]['object'] == '29'
    assert sum(line['kind'] == 'object' for line in lines) == 7


@pytest.mark.parametrize('args, message', [
    (('nothing.json', 'gt.json'), 'nothing.json: no such file'),
    (('gt.json', 'results.json'), 'a list of tracks is a result file'),
    (('gt.json', 'gt.json'), 'expected a list of tracks'),
    (('results.json', 'gt.json', '--compare', 'gt.json'), 'expected a list of tracks'),
])
def test_errors_are_one_line(files, args, message):
    done = run(*(files / arg if arg.endswith('json') else arg for arg in args))
    assert done.returncode == 1 and not done.stdout
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


def test_starts_without_torch(files):
    code = (f'import runpy, sys\nsys.argv[1:] = {str(files / "results.json")!r}, '
            f'{str(files / "gt.json")!r}, "--samples", "0"\n'
            f'try:\n    runpy.run_path({str(TOOL)!r}, run_name="__main__")\n'
            'finally:\n    print("torch" in sys.modules)')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.endswith('False\n'), done.stderr
