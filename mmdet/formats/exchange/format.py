"""What a format of another tool is: a class that knows its files, reads and writes them."""
import functools
import os
import types
import typing
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

from mmdet.formats.exchange.tracks import Contents
from mmdet.formats.json_files import read_json
from mmdet.utils.errors import BadValue, MissingFile
from mmdet.utils.registry import Registry, nearest

FORMATS = Registry('format')
SWITCH = {'0': False, 'false': False, '1': True, 'true': True}
PROPERTIES = ('names', 'masks', 'boxes', 'numbers', 'classes', 'scores', 'occlusion', 'crowds',
              'overlap')


class Given:
    """A file or folder somebody named; json is parsed once, for guessing and reading.

    Args:
        path: must exist.

    Raises:
        FileNotFoundError: it does not.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = os.fspath(path)
        if not os.path.exists(path):
            raise MissingFile(f'{self.path}: no such file or folder')
        self.is_folder = os.path.isdir(path)

    @functools.cached_property
    def json(self) -> Any:
        """What the file holds; ValueError if it is no json."""
        return read_json(self.path)

    def top(self, key: str) -> Any:
        """The value under ``key`` where it is a json file with an object; else None."""
        if self.is_folder or not self.path.lower().endswith('.json'):
            return None
        return self.json.get(key) if isinstance(self.json, dict) else None


class Format:
    """One format; a subclass is registered in :data:`FORMATS` and takes its options as arguments.

    Attributes:
        title: for people.
        keeps: which of :data:`PROPERTIES` a file of it can hold: names of frames; masks; boxes
            that are not those of their masks, or have none; the numbers of objects; classes by
            name; scores; occlusion; crowd regions; masks that overlap.
        lost: what reading left out and writing changed, by words that follow a count.
        notes: what was assumed.
    """
    title: ClassVar[str]
    keeps: frozenset[str]

    def __init__(self) -> None:
        self.lost: Counter[str] = Counter()
        self.notes: list[str] = []

    def note_once(self, text: str) -> None:
        """Add a note that is not there yet."""
        if text not in self.notes:
            self.notes.append(text)

    @classmethod
    def sniff(cls, given: Given) -> bool:
        """Whether it looks like this format; cheap, and never an error."""
        return False

    def read(self, given: Given) -> Contents:
        """What it holds, video by video.

        Raises:
            ValueError: it is of another format, or damaged; one sentence.
        """
        raise BadValue(f'{self.title} is written only')

    def write(self, contents: Contents, out: str) -> None:
        """Write it, whole or not at all.

        Args:
            contents: holds what :attr:`keeps` names and nothing else.
            out: file or folder, as the format has it.

        Raises:
            ValueError, FileExistsError: it cannot be written; nothing is left behind.
        """
        raise BadValue(f'{self.title} is read only')


def readable() -> list[str]:
    """Names of the formats that can be read."""
    return [name for name, cls in _all().items() if cls.read is not Format.read]


def writable() -> list[str]:
    """Names of the formats that can be written."""
    return [name for name, cls in _all().items() if cls.write is not Format.write]


def _all() -> dict[str, type[Format]]:
    return dict(sorted(FORMATS.module_dict.items()))


def guess(given: Given) -> str:
    """Name of the format of a file or folder.

    Raises:
        ValueError: it looks like none of them, or like several.
    """
    found = [name for name in readable() if _all()[name].sniff(given)]
    if len(found) == 1:
        return found[0]
    if found:
        raise BadValue(f'{given.path}: could be {" or ".join(found)}; say which with --from')
    raise BadValue(f'{given.path}: looks like none of {", ".join(readable())}; if it is one of '
                   'them, say which with --from')


def build_format(name: str, **options: Any) -> Format:
    """A format by name.

    Raises:
        KeyError: it has no such option.
        ValueError: there is no such format, or an option cannot have this value.
    """
    _check_name(name)
    return FORMATS.build(dict(type=name, **options))


def build_format_by_words(name: str, words: dict[str, str]) -> Format:
    """A format by name with options as a command line has them.

    A word is made what the constructor takes: a text, a whole number, 0 or 1 for a switch, or
    several of these with commas between them where it takes a sequence.

    Raises:
        KeyError, ValueError: as of :func:`build_format`, or a word is not of that type.
    """
    _check_name(name)
    hints = typing.get_type_hints(FORMATS.module_dict[name].__init__)
    return build_format(name, **{key: _from_words(f'{key}={text}', text, hints.get(key, str))
                                 for key, text in words.items()})


def _check_name(name: str) -> None:
    if name not in FORMATS.module_dict:
        raise BadValue(f'no format "{name}"{nearest(name, FORMATS.module_dict)}')


def _from_words(option: str, text: str, hint: Any) -> Any:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for kind in kinds:
        if typing.get_origin(kind) is Sequence:
            return [_from_word(option, part, *typing.get_args(kind)) for part in text.split(',')]
    return _from_word(option, text, kinds[0])


def _from_word(option: str, text: str, kind: type) -> Any:
    if kind is bool:
        return SWITCH[one_of(option.partition('=')[0], text.lower(), tuple(SWITCH))]
    try:
        return kind(text)
    except ValueError:
        raise BadValue(f'{option}: expected a whole number, got "{text}"') from None


def one_of(option: str, value: str, choices: Sequence[str]) -> str:
    """An option's value if it is one of its choices; else a ValueError that names them."""
    if value not in choices:
        raise BadValue(f'{option}={value}: expected {" or ".join(choices)}')
    return value
