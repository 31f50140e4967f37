"""XML as a stream of elements, without what XML can do to its reader."""
from collections.abc import Iterator
from typing import IO, NamedTuple
from xml.parsers import expat

from mmdet.utils.errors import BadValue

DEEPEST = 16
PIECE = 2**16


class Element(NamedTuple):
    """The begin or end of an element.

    Attributes:
        path: tags from the outermost to its own.
        attributes: of its begin; None at its end.
        text: what stood in it, after its last child; '' at its begin.
    """
    path: tuple[str, ...]
    attributes: dict[str, str] | None
    text: str


def elements(file: IO[bytes], where: str) -> Iterator[Element]:
    """The begins and ends of all elements, in order; a piece of the file is in memory.

    Args:
        file: opened for reading.
        where: for messages.

    Raises:
        ValueError: it is no XML, elements are too deep, or it has a document type, the place
            where entities are declared that grow without end or read other files.
    """
    found: list[Element] = []
    path: list[str] = []
    texts: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        path.append(tag)
        texts.clear()
        if len(path) > DEEPEST:
            raise BadValue(f'{where}: elements are nested more than {DEEPEST} deep; expected an '
                           'export of CVAT')
        found.append(Element(tuple(path), attributes, ''))

    def end(tag: str) -> None:
        found.append(Element(tuple(path), None, ''.join(texts)))
        path.pop()
        texts.clear()

    def doctype(*_: object) -> None:
        raise BadValue(f'{where}: has a document type (<!DOCTYPE), which no export has and which '
                       'can do harm; remove it')

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = texts.append
    parser.StartDoctypeDeclHandler = doctype
    last = False
    while not last:
        piece = file.read(PIECE)
        last = not piece
        try:
            parser.Parse(piece, last)
        except expat.ExpatError as error:
            raise BadValue(f'{where}: not valid XML ({error}); export it again') from None
        yield from found
        found.clear()
