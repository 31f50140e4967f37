"""Style and types, checked with the tools that also tidy: see CONTRIBUTING."""
import pathlib
import subprocess
import sysconfig

import pytest

ROOT = pathlib.Path(__file__).parents[1]
C_FILES = sorted(str(path) for folder in ('mmdet/ops/csrc', 'tests/ops/emulation')
                 for path in (ROOT / folder).rglob('*')
                 if path.suffix in ('.h', '.cpp', '.cu', '.cuh'))


@pytest.mark.parametrize('command', [
    ['ruff', 'check', '--quiet', '.'],
    ['isort', '--check-only', '--quiet', '.'],
    ['mypy'],
    ['clang-format', '--dry-run', '--Werror', *C_FILES],
], ids=lambda command: command[0])
def test_files_are_as_the_tool_leaves_them(command):
    tool = pathlib.Path(sysconfig.get_path('scripts'), command[0])
    run = subprocess.run([tool, *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
