"""Pickles of plain data, read by a machine that knows how to make nothing else.

Python's own unpickler calls what a file names; a list of allowed names does not help, because
numpy's are enough to run code. Here opcodes are walked by ``pickletools`` and only build
numbers, texts, lists, tuples, dicts, and arrays of numbers (:mod:`mmdet.utils.numpy_parts`).
"""
import io
import os
import pickletools
from collections.abc import Callable
from typing import Any

import numpy as np

from mmdet.utils import numpy_parts
from mmdet.utils.errors import BadValue, MissingFile

MAX_BYTES = 2**32  # of a file
MAX_DEPTH = 32
MAX_REPEATS = 10  # how often, on average, a value may be reached; few are shared
_KEYS = (str, bytes, int, float, type(None), np.generic)


def read_pickle(path: str) -> Any:
    """A pickle of plain data: results, lists of images, proposals.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is cut short, no pickle, too large, or holds anything but numbers,
            texts, arrays of numbers and built-in containers.
    """
    if not os.path.isfile(path):
        raise MissingFile(f'{path}: no such file; check the path')
    size = os.path.getsize(path)
    if size > MAX_BYTES:
        raise BadValue(f'{path}: {size} bytes, expected at most {MAX_BYTES}')
    with open(path, 'rb') as file:
        data = file.read()
    try:
        return unpickle(data)
    except (ValueError, IndexError, KeyError, TypeError, RecursionError) as error:
        raise BadValue(f'{path}: refused: {str(error) or "the file is damaged":.200}; expected a '
                       'complete pickle of numbers, texts, numpy arrays, dicts and lists') from None


def unpickle(data: bytes) -> Any:
    """The value of a pickle, protocols 0 to 5, Python 2's too.

    Raises:
        ValueError, IndexError, KeyError, TypeError: it is none, or not of plain data.
    """
    return unpickle_from(io.BytesIO(data), len(data))


def unpickle_from(file: Any, size: int, names: dict[str, 'Name'] | None = None,
                  refer: Callable[[Any], Any] | None = None) -> Any:
    """The value of the pickle at the current place of a file.

    Args:
        file: open for bytes.
        size: bytes that the pickle may have.
        names: functions besides those of arrays.
        refer: makes a value of a persistent id; without it there may be none.

    Raises:
        ValueError, IndexError, KeyError, TypeError: see :func:`unpickle`, or what they raise.
    """
    machine = _Machine(size, {**NAMES, **(names or {})}, refer)
    code = file.read(1)
    while code != b'.':  # stop
        action, read = _OPCODES.get(code) or _refuse(code)
        action(machine, read(file) if read else None)
        machine.count += 1
        code = file.read(1)
    value = machine.stack.pop()
    _check(value, machine.count)
    return value


def _refuse(code: bytes) -> Any:
    name = next((op.name for op in pickletools.opcodes if op.code.encode('latin-1') == code), '')
    if not code:
        raise ValueError('it is cut short')
    raise ValueError(f'it needs {name}, which could run code' if name else 'it is no pickle')


def _check(value: Any, count: int) -> None:
    """Refuse what is deep, endless, or large by repetition only."""
    allowed = MAX_REPEATS * count + 1000
    waiting = [(value, 0)]
    while waiting:
        value, depth = waiting.pop()
        allowed -= 1
        if depth > MAX_DEPTH or allowed < 0:
            raise ValueError('it nests too deeply' if allowed >= 0 else
                             'it repeats values too often')
        if type(value) in (list, tuple):
            waiting += [(item, depth + 1) for item in value]
        elif type(value) is dict:
            waiting += [(item, depth + 1) for item in value.values()]
        elif isinstance(value, numpy_parts.Part):
            raise ValueError('it holds part of an array or a function')


class Name(numpy_parts.Part):
    """A function or class that a pickle names, and what is called in its place."""

    def __init__(self, name: str, call: Callable) -> None:
        self.name, self.call = name, call


def _encode(text: Any, encoding: Any = 'latin1') -> bytes:
    """``_codecs.encode``, with which protocol 2 of Python 3 writes bytes."""
    if not isinstance(text, str) or encoding not in ('latin1', 'latin-1'):
        raise ValueError('it encodes text in an unknown way')
    return text.encode('latin-1')


NAMES = {name: Name(name, call) for name, call in {
    **numpy_parts.stand_ins(), '_codecs.encode': _encode,
    '__builtin__.bytes': lambda: b'', 'collections.OrderedDict': lambda: {}}.items()}


class _Machine:
    """Stack, marks and memo of a pickle being read."""

    def __init__(self, size: int, names: dict[str, Name], refer: Callable | None) -> None:
        self.names, self.refer = names, refer
        self.stack: list[Any] = []
        self.below: list[list] = []  # stacks under the marks
        self.memo: dict[int, Any] = {}
        self.places: dict[int, list[int]] = {}  # in the memo, of arrays not yet built
        self.count = 0
        self.left = 2 * size + 1000  # bytes that arrays and encoded texts may take

    def mark(self, _: None) -> None:
        self.below.append(self.stack)
        self.stack = []

    def to_mark(self) -> list:
        """The values above the last mark."""
        values, self.stack = self.stack, self.below.pop()
        return values

    def put(self, place: int | None) -> None:
        place, value = len(self.memo) if place is None else int(place), self.stack[-1]
        self.memo[place] = value
        if isinstance(value, numpy_parts.Part):
            self.places.setdefault(id(value), []).append(place)

    def get(self, place: int) -> None:
        self.stack.append(self.memo[int(place)])

    def integer(self, value: int) -> None:
        if abs(value) >= 2**64:
            raise ValueError('it holds a number of more than 64 bits')
        self.stack.append(value)

    def append(self, values: list) -> None:
        if type(self.stack[-1]) is not list:
            raise ValueError('it appends to what is no list')
        self.stack[-1].extend(values)

    def set_items(self, values: list) -> None:
        if type(self.stack[-1]) is not dict or len(values) % 2:
            raise ValueError('it sets items of what is no dict')
        for key, value in zip(values[::2], values[1::2]):
            if not isinstance(key, _KEYS):
                raise ValueError(f'it has a {type(key).__name__} for a key')
            self.stack[-1][key] = value

    def pop(self, count: int) -> list:
        """The last values, the first of them first."""
        values = self.stack[len(self.stack) - count:]
        if len(values) < count:
            raise IndexError('it takes from an empty stack')
        del self.stack[len(self.stack) - count:]
        return values

    def name(self, name: Any) -> None:
        if name not in self.names:
            raise ValueError(f'it holds an object of type {name:.80}, which could run code')
        self.stack.append(self.names[name])

    def reference(self, _: None) -> None:
        if self.refer is None:
            raise ValueError('it refers to what is elsewhere')
        self.stack.append(self.refer(self.stack.pop()))

    def reduce(self, _: None) -> None:
        name, arguments = self.pop(2)
        if not isinstance(name, Name) or type(arguments) is not tuple:
            raise ValueError('it calls what is no function')
        made = name.call(*arguments)
        self.left -= len(made) if isinstance(made, bytes) else getattr(made, 'nbytes', 0)
        self._check_room()
        self.stack.append(made)

    def build(self, _: None) -> None:
        """Complete a part, on the stack and where the memo keeps it."""
        part, state = self.pop(2)
        if type(part) is dict:  # attributes of an OrderedDict
            self.stack.append(part)
            return
        if not isinstance(part, numpy_parts.Part):
            raise ValueError('it gives a state to what has none')
        whole = part.complete(state)
        self.left -= getattr(whole, 'nbytes', 0)
        self._check_room()
        self.stack.append(whole)
        for place in self.places.pop(id(part), ()) if whole is not part else ():
            if self.memo[place] is part:
                self.memo[place] = whole

    def _check_room(self) -> None:
        if self.left < 0:
            raise ValueError('it grows beyond its size')


def _push(machine: _Machine, value: Any) -> None:
    machine.stack.append(value)


def _pushes(make: Callable[[], Any]) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.stack.append(make())


def _pair(values: list) -> dict:
    machine = _Machine(0, {}, None)
    machine.stack.append({})
    machine.set_items(values)
    return machine.stack[0]


_ACTIONS: dict[str, Callable[[_Machine, Any], Any]] = {
    **dict.fromkeys(('PROTO', 'FRAME'), lambda m, _: None),
    **dict.fromkeys(('BININT1', 'BININT2', 'BININT', 'FLOAT', 'BINFLOAT', 'STRING', 'BINSTRING',
                     'SHORT_BINSTRING', 'UNICODE', 'BINUNICODE', 'SHORT_BINUNICODE', 'BINUNICODE8',
                     'BINBYTES', 'SHORT_BINBYTES', 'BINBYTES8', 'BYTEARRAY8', 'NONE'), _push),
    **dict.fromkeys(('INT', 'LONG', 'LONG1', 'LONG4'), _Machine.integer),
    **dict.fromkeys(('PUT', 'BINPUT', 'LONG_BINPUT', 'MEMOIZE'), _Machine.put),
    **dict.fromkeys(('GET', 'BINGET', 'LONG_BINGET'), _Machine.get),
    'NEWTRUE': _pushes(lambda: True), 'NEWFALSE': _pushes(lambda: False),
    'EMPTY_LIST': _pushes(list), 'EMPTY_DICT': _pushes(dict), 'EMPTY_TUPLE': _pushes(tuple),
    'MARK': _Machine.mark,
    'LIST': lambda m, _: _push(m, m.to_mark()),
    'DICT': lambda m, _: _push(m, _pair(m.to_mark())),
    'TUPLE': lambda m, _: _push(m, tuple(m.to_mark())),
    'TUPLE1': lambda m, _: _push(m, tuple(m.pop(1))),
    'TUPLE2': lambda m, _: _push(m, tuple(m.pop(2))),
    'TUPLE3': lambda m, _: _push(m, tuple(m.pop(3))),
    'APPEND': lambda m, _: m.append(m.pop(1)), 'APPENDS': lambda m, _: m.append(m.to_mark()),
    'SETITEM': lambda m, _: m.set_items(m.pop(2)),
    'SETITEMS': lambda m, _: m.set_items(m.to_mark()),
    'POP': lambda m, _: m.pop(1), 'POP_MARK': lambda m, _: m.to_mark(),
    'GLOBAL': lambda m, name: m.name(name.replace(' ', '.')),
    'STACK_GLOBAL': lambda m, _: m.name('.'.join(m.pop(2))),
    'REDUCE': _Machine.reduce, 'NEWOBJ': _Machine.reduce, 'BUILD': _Machine.build,
    'BINPERSID': _Machine.reference}
_READERS = {  # of most arguments, and faster than those of pickletools
    'uint1': lambda file: file.read(1)[0],
    'uint4': lambda file: int.from_bytes(file.read(4), 'little')}
_OPCODES = {
    opcode.code.encode('latin-1'):
    (_ACTIONS[opcode.name], opcode.arg and _READERS.get(opcode.arg.name, opcode.arg.reader))
    for opcode in pickletools.opcodes if opcode.name in _ACTIONS}
