"""What all commands share: options in both spellings, and how they end."""
import pathlib
import subprocess
import sys

import pytest

from mmdet.utils.cli import ToolParser, run_tool, width_x_height
from mmdet.utils.errors import BadValue

ROOT = pathlib.Path(__file__).parents[2]


def parser():
    made = ToolParser('first line\n  second line')
    made.add_argument('file')
    made.add_argument('--work_dir', metavar='DIR', help='where it goes')
    made.add_argument('--auto-scale-lr', action='store_true', help='scale it')
    made.add_argument('--seed', type=int, default=0, help='of everything')
    made.add_argument('--size', type=width_x_height, default='192x128', help='in pixels')
    made.add_argument('--kinds', nargs='+', default=['a', 'b'], help='of things')
    made.add_argument('--cfg-options', nargs='+', default=[], help='KEY=VALUE')
    return made


@pytest.mark.parametrize('args', [
    ['--work_dir', 'a_b', '--auto_scale_lr'], ['--work-dir', 'a_b', '--auto-scale-lr'],
    ['--work-dir=a_b', '--auto_scale-lr'], ['--work-d', 'a_b', '--auto_s']])
def test_both_spellings(args):
    found = parser().parse_args(['x', *args])
    assert (found.work_dir, found.auto_scale_lr) == ('a_b', True)


def test_values_stay_as_they_are():
    found = parser().parse_args(['--cfg-options', 'a_b=1-2', '--', '--work-dir'])
    assert (found.file, found.cfg_options, found.work_dir) == ('--work-dir', ['a_b=1-2'], None)


def test_subcommands_too():
    made = ToolParser()
    made.add_subparsers().add_parser('a').add_argument('--log-y', action='store_true')
    assert made.parse_args(['a', '--log_y']).log_y


def test_help_shows_the_description_as_written_and_defaults_that_say_something(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(['--help'])
    text = capsys.readouterr().out
    assert 'first line\n  second line' in text and '--work_dir' in text
    assert text.count('(default') == 3
    for shown in ('(default: 0)', '(default: 192x128)', '(default: a b)'):
        assert shown in text


def test_sizes(capsys):
    assert parser().parse_args(['x', '--size', '64X48']).size == (64, 48)
    assert parser().parse_args(['x']).size == (192, 128)
    with pytest.raises(SystemExit):
        parser().parse_args(['x', '--size', 'big'])
    assert 'expected WIDTHxHEIGHT such as 192x128, got big' in capsys.readouterr().err


def raises(error):
    raise error


@pytest.mark.parametrize('main, status, said', [
    (lambda: None, 0, ''), (lambda: 3, 3, ''), (lambda: raises(KeyboardInterrupt()), 130, ''),
    (lambda: raises(BadValue('a: wrong; do b')), 1, 'error: a: wrong; do b\n'),
    (lambda: raises(FileNotFoundError(2, 'No such file', 'a.txt')), 1,
     'error: a.txt: No such file\n')])
def test_exit_status(main, status, said, capsys):
    with pytest.raises(SystemExit) as stop:
        run_tool(main)
    assert stop.value.code == status and capsys.readouterr().err == said


def test_faults_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        run_tool(lambda: 1 / 0)


def test_the_sentence_can_go_elsewhere(capsys):
    heard = []
    with pytest.raises(SystemExit):
        run_tool(lambda: raises(BadValue('wrong')), heard.append)
    assert heard == ['wrong'] and capsys.readouterr().err == ''


def test_a_reader_that_left_is_no_error():
    code = ('from mmdet.utils.cli import run_tool\n'
            'run_tool(lambda: [print("line", i) for i in range(10**5)] and None)')
    done = subprocess.Popen([sys.executable, '-c', code], cwd=ROOT, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
    assert done.stdout.readline() == 'line 0\n'
    done.stdout.close()
    assert done.stderr.read() == '' and done.wait() == 141
