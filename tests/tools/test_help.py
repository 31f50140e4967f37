"""``--help`` of every command is there at once: without torch, whose import takes seconds."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
MEASURE_TORCH = ('benchmark', 'gpu_check', 'get_flops')  # they are about torch itself
HELP = """
import contextlib, io, runpy, sys
for path in sys.argv[1:]:
    sys.argv = [path, '--help']
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        runpy.run_path(path, run_name='__main__')
    if 'torch' in sys.modules or len(text.getvalue()) < 200:
        sys.exit(f'{path}: torch was imported, or there is no help')
"""


def test_help_of_every_command_comes_without_torch():
    tools = [path for folder in ('', 'analysis', 'convert_datasets')
             for path in sorted((ROOT / 'tools' / folder).glob('*.py'))
             if not path.name.startswith(MEASURE_TORCH) and 'ToolParser' in path.read_text()]
    assert len(tools) > 15
    run = subprocess.run([sys.executable, '-c', HELP, *map(str, tools)], capture_output=True,
                         text=True)
    assert run.returncode == 0, run.stderr
