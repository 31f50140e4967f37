#!/usr/bin/env python3
"""Annotations of one tool to those of another.

    python tools/convert_datasets/convert.py IN OUT --to ytvis
    python tools/convert_datasets/convert.py ann.json out --from ytvis --to davis --overlap top

IN is a file or folder; what it is is guessed where --from does not say. What the other format
cannot keep is listed with its count; where an object itself could not be kept, nothing is written.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.formats.exchange import (  # noqa: E402
    FORMATS,
    Given,
    Wishes,
    build_format_by_words,
    convert,
    guess,
    readable,
    writable,
)
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402
from mmdet.utils.errors import BadValue  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(f'{__doc__}\nread:\n{listing(readable())}\nwritten:\n{listing(writable())}')
    add = parser.add_argument
    add('input', metavar='IN', help='file or folder of annotations')
    add('out', metavar='OUT', help='file (json, xml) or new folder to write')
    add('--from', dest='source', metavar='FORMAT', help='of IN; guessed where not given')
    add('--to', required=True, metavar='FORMAT', help='of OUT')
    add('--read', nargs='+', default=[], metavar='KEY=VALUE',
        help='options of the reader, such as frames=DIR; see .github/docs/formats.md')
    add('--write', nargs='+', default=[], metavar='KEY=VALUE', help='options of the writer')
    add('--classes', nargs='+', help='class names in the order of their ids; no other may occur')
    add('--rename', nargs='+', default=[], metavar='OLD=NEW', help='other names for classes')
    add('--drop', nargs='+', default=[], metavar='CLASS', help='leave out objects of a class')
    add('--crowds', choices=['keep', 'drop', 'objects'], default='keep',
        help='regions marked as crowd: keep them as such, leave them out, or take them as objects')
    add('--overlap', choices=['refuse', 'top'], default='refuse',
        help='masks that overlap, where a pixel can be of one object: refuse them, or give the '
             'pixel to the higher score, else the later object')
    add('--fill-boxes', action='store_true', help='an object with a box only gets it as its mask')
    return parser.parse_args()


def listing(names: list[str]) -> str:
    """A line per format."""
    return ''.join(f'  {name:14}{FORMATS.module_dict[name].title}\n' for name in names)


def pairs(texts: list[str], flag: str) -> dict[str, str]:
    """``KEY=VALUE`` texts as a dict.

    Raises:
        ValueError: one has no ``=``.
    """
    found = {}
    for text in texts:
        key, equals, value = text.partition('=')
        if not (key and equals and value):
            raise BadValue(f'{flag} {text}: expected two words with = between them')
        found[key] = value
    return found


def main() -> None:
    args = parse_args()
    given = Given(args.input)
    writer = build_format_by_words(args.to, pairs(args.write, '--write'))
    source = args.source or guess(given)
    reader = build_format_by_words(source, pairs(args.read, '--read'))
    if not args.source:
        print(f'{args.input} is taken as {source}: {reader.title}')
    wishes = Wishes(args.classes, pairs(args.rename, '--rename'), frozenset(args.drop),
                    args.crowds, args.overlap, args.fill_boxes)
    print(*convert(given, reader, writer, args.out, wishes).lines(args.out), sep='\n')


if __name__ == '__main__':
    run_tool(main)
