"""What every command does: read its options, run, and say a mistake in one sentence."""
import argparse
import io
import os
import select
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from mmdet.utils.errors import told_to_user


class ToolParser(argparse.ArgumentParser):
    """Takes ``-`` for ``_`` in the names of options and back; ``--help`` shows their defaults.

    Options of argument groups have only the spelling they are given.

    Args:
        description: shown as it is written, line by line.
        **kwargs: for :class:`argparse.ArgumentParser`.
    """

    def __init__(self, description: str | None = None, **kwargs: Any) -> None:
        self.options: list[str] = []
        super().__init__(description=description, **{
            'formatter_class': argparse.RawDescriptionHelpFormatter, **kwargs})

    def add_argument(self, *names: str, **kwargs: Any) -> argparse.Action:
        """As of argparse; a default that says something is added to the help."""
        self.options += [name for name in names if name.startswith('--')]
        text, default = kwargs.get('help'), kwargs.get('default')
        says_something = bool(default) or type(default) in (int, float)
        if text and says_something and argparse.SUPPRESS not in (text, default):
            shown = ' '.join(map(str, default)) if isinstance(default, list) else '%(default)s'
            kwargs['help'] = f'{text} (default: {shown})'
        return super().add_argument(*names, **kwargs)

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> tuple:
        """As of argparse, options in either spelling; abbreviations too."""
        args = list(sys.argv[1:] if args is None else args)
        end = args.index('--') if '--' in args else len(args)
        args[:end] = map(self._as_declared, args[:end])
        return super().parse_known_args(args, namespace)

    def _as_declared(self, arg: str) -> str:
        name, equals, value = arg.partition('=')
        plain = name.replace('_', '-')
        for option in self.options if name.startswith('--') else ():
            if option.replace('_', '-').startswith(plain):
                return option[:len(name)] + equals + value
        return arg


class ConfigOptions(argparse.Action):
    """``--cfg-options KEY=VALUE ...`` as a dict of dotted keys; may be given several times.

    Values are as mmengine's ``DictAction`` reads them, which is imported when one is given:
    ``--help`` need not wait for it.
    """

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace,
                 values: Sequence[str], option_string: str | None = None) -> None:
        """Add the pairs to what was given before."""
        from mmengine.config import DictAction
        found = dict(getattr(namespace, self.dest) or {})
        for value in values:
            key, equals, text = value.partition('=')
            if not equals:
                parser.error(f'{option_string} {value}: expected KEY=VALUE, e.g. total_epochs=12')
            if text.count('(') != text.count(')') or text.count('[') != text.count(']'):
                parser.error(f'{option_string} {value}: a bracket is not closed')
            is_text = ' ' in text and not set(text) & set('([,')  # a path keeps its blanks
            found[key] = text if is_text else DictAction._parse_iterable(text)
        setattr(namespace, self.dest, found)


def width_x_height(text: str) -> tuple[int, int]:
    """``'192x128'`` as (192, 128); the ``type`` of an option that is a size in pixels."""
    try:
        width, height = map(int, text.lower().split('x'))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'expected WIDTHxHEIGHT such as 192x128, got {text}') from None
    return width, height


def complain(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f'error: {text}\n')


def _reader_is_gone() -> bool:
    """Whether stdout is a pipe that nobody reads any more."""
    ends = select.poll()
    ends.register(sys.stdout.fileno(), 0)
    return bool(ends.poll(0))


def run_tool(main: Callable[[], int | None], say: Callable[[str], None] = complain) -> NoReturn:
    """Run a command and leave with its exit status.

    Args:
        main: returns the status, None for 0.
        say: gets the sentence when the user made a mistake, which is status 1.
            Ctrl-C is 130, a SIGTERM that was waited for 143; a reader that went away
            (``| head``) is 141, and quiet. A fault of the program keeps its traceback.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors='backslashreplace')  # names in files are not always text
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt as stop:
        status = 128 + getattr(stop, 'signum', signal.SIGINT)
    except BrokenPipeError:
        if not _reader_is_gone():
            raise
        # Python writes what is left once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 141
    except Exception as error:
        text = told_to_user(error)
        if text is None:
            raise
        say(text)
        status = 1
    sys.exit(status or 0)
