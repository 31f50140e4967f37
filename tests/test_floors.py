"""Imports point down: tools > apis > {datasets, models} > core > ops > utils."""
import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
FLOOR = dict(apis=8, datasets=6, models=6, curation=6, evaluation=4, visualization=4, core=3,
             formats=3, ops=2, checkpoint=1, utils=0)
FILES = sorted(ROOT.glob('mmdet/*/**/*.py'))


def imported_packages(path):
    """Packages of mmdet that a file imports, absolute or relative."""
    package = path.relative_to(ROOT).with_suffix('').parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name.split('.') for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*package[:-node.level]] if node.level else []
            base += (node.module or '').split('.') if node.module else []
            names = [base + [alias.name] for alias in node.names]
        else:
            continue
        yield from (n[1] for n in names if n[0] == 'mmdet' and len(n) > 1 and n[1] in FLOOR)


@pytest.mark.parametrize('path', FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    here = path.relative_to(ROOT).parts[1]
    upward = {there for there in imported_packages(path)
              if there != here and FLOOR[there] >= FLOOR[here]}
    assert not upward


def test_nothing_imports_the_tools():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or '').startswith('tools'), path
