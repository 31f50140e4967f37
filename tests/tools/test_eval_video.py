"""The command line of the evaluator."""
import json
import pathlib
import subprocess
import sys

import pytest

TOOL = pathlib.Path(__file__).parents[2] / 'tools' / 'eval_video.py'


def run(*args, folder=None):
    return subprocess.run([sys.executable, TOOL, *map(str, args)], capture_output=True, text=True,
                          cwd=folder)


@pytest.fixture
def files(golden, tmp_path):
    for name in ('gt', 'results'):
        (tmp_path / f'{name}.json').write_text(json.dumps(golden(f'eval/o1_basic.{name}')))
    return tmp_path


def test_prints_tables_and_writes_files(files):
    done = run(files / 'results.json', files / 'gt.json', '--no-tracking', '--json',
               files / 'out.json', '--csv', files / 'out.csv')
    assert done.returncode == 0 and not done.stderr
    assert 'segm: 226 tracks, 98 objects' in done.stdout and '0.439' in done.stdout
    report = json.loads((files / 'out.json').read_text())[0]
    assert report['all']['AP'] == pytest.approx(0.43932626751898446, abs=1e-12)
    assert len((files / 'out.csv').read_text().splitlines()) == 7


@pytest.mark.parametrize('args, message', [
    (('nothing.json', 'gt.json'), 'nothing.json: no such file'),
    (('X.pkl', 'gt.json'), 'in the json written beside it, '),
    (('results.json', 'gt.json', '--videos=none.txt'), 'none.txt: No such file'),
    (('gt.json', 'results.json'), 'a list of tracks is a result file'),
    (('gt.json', 'gt.json'), 'expected a list of tracks'),
])
def test_errors_are_one_line(files, args, message):
    done = run(*args, '--no-tracking', folder=files)
    assert done.returncode == 1 and not done.stdout
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


def test_starts_without_torch(files):
    code = (f'import runpy, sys\nsys.argv[1:] = {str(files / "results.json")!r}, '
            f'{str(files / "gt.json")!r}, "--no-tracking"\n'
            f'try:\n    runpy.run_path({str(TOOL)!r}, run_name="__main__")\n'
            'finally:\n    print("torch" in sys.modules)')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.endswith('False\n'), done.stderr
