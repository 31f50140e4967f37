"""Json files: read whoever wrote them, written whole or not at all."""
import contextlib
import gc
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

from mmdet.utils.errors import BadValue, MissingFile
from mmdet.utils.fileio import write_bytes


def read_json(path: str | os.PathLike, object_hook: Callable[[dict], Any] | None = None) -> Any:
    """Parse a json file.

    Args:
        path: the file; UTF-8.
        object_hook: gets every object as soon as it is parsed and returns what
            to keep instead (the standard parser then reads the file).

    Returns:
        what it holds.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not json (says where it breaks).
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise MissingFile(f'{path}: no such file; check the path')
    try:
        text = _read_text(path)
        with _collector_paused():
            return json.loads(text, object_hook=object_hook)
    except (ValueError, RecursionError) as error:
        raise BadValue(f'{path}: not valid json ({error}); the file is cut off '
                       'or is something else, write it again') from None


def _read_text(path: str) -> str:
    """As ``json.loads`` decodes bytes, which then need not stay beside the text."""
    with open(path, 'rb') as file:
        data = file.read()
    return data.decode(json.detect_encoding(data), 'surrogatepass')


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep Python from searching millions of new objects for garbage again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def write_json(content: Any, path: str | os.PathLike) -> None:
    """Write json to a temporary name, then rename it to ``path``.

    Raises:
        ValueError: it holds NaN or infinity, which json has no way to write.
    """
    try:
        text = json.dumps(content, separators=(',', ':'), allow_nan=False)
    except ValueError as error:
        raise BadValue(f'{path}: not written, json cannot hold it ({error})') from None
    write_bytes(text.encode(), path)
