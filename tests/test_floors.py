"""Imports point down, and rooms that work on files alone need no torch.

tools > apis > engine > {datasets, models, curation} > {evaluation, visualization} >
{core, formats} > ops > checkpoint > utils
"""
import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
FLOOR = dict(tools=9, apis=8, engine=7, datasets=6, models=6, curation=6, evaluation=4,
             visualization=4, core=3, formats=3, ops=2, checkpoint=1, utils=0)
FILES = sorted([*ROOT.glob('mmdet/*/**/*.py'), *ROOT.glob('tools/**/*.py')])
WITHOUT_TORCH = ('utils', 'formats', 'evaluation', 'visualization', 'curation')


def imported(path):
    """Every dotted name that a file imports, absolute or relative, as a list of parts."""
    package = path.relative_to(ROOT).with_suffix('').parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split('.') for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[:-node.level]] if node.level else []
            base += (node.module or '').split('.') if node.module else []
            yield from (base + [alias.name] for alias in node.names)


def floor_of(parts):
    """The room a dotted name or a path lies in, None for any other package."""
    room = 'tools' if parts[0] == 'tools' else parts[1] if parts[0] == 'mmdet' else None
    return room if room in FLOOR else None


def modules_of(room):
    paths = sorted(ROOT.glob(f'mmdet/{room}/**/*.py'))
    names = ['.'.join(path.relative_to(ROOT).with_suffix('').parts) for path in paths]
    return [name.removesuffix('.__init__') for name in names]


def test_every_room_has_a_floor():
    rooms = {path.parent.name for path in ROOT.glob('mmdet/*/__init__.py')}
    assert rooms <= FLOOR.keys()


@pytest.mark.parametrize('path', FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    here = floor_of(path.relative_to(ROOT).parts)
    rooms = {floor_of(parts) for parts in imported(path) if len(parts) > 1} - {here, None}
    assert not [there for there in rooms if FLOOR[there] >= FLOOR[here]]


def test_utils_never_names_torch():
    for path in ROOT.glob('mmdet/utils/**/*.py'):
        assert not [parts for parts in imported(path) if parts[0] in ('torch', 'torchvision')]


@pytest.mark.parametrize('room', WITHOUT_TORCH)
def test_files_are_read_and_scored_without_torch(room):
    if room == 'evaluation':
        pytest.importorskip('trackeval')
    names = modules_of(room)
    assert names
    code = f'import sys, {", ".join(names)}; assert "torch" not in sys.modules'
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
