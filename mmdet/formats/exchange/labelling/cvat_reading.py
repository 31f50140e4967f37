"""The files of CVAT, opened, and their tracks."""
import contextlib
import os
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np

from mmdet.formats.exchange.format import Given
from mmdet.formats.exchange.labelling.shapes import numbers
from mmdet.formats.exchange.labelling.xml_events import elements
from mmdet.formats.frame_files import natural_key
from mmdet.formats.rle import short
from mmdet.utils.errors import BadValue

SHAPES = 'box', 'polygon', 'mask', 'ellipse'
NO_AREA = 'polyline', 'points', 'cuboid', 'skeleton'
LARGEST = 2**34  # bytes of the XML in an archive


@dataclass
class Shape:
    """What a track says of a frame."""
    kind: str
    frame: int
    outside: bool
    keyframe: bool
    attributes: dict[str, str]
    values: np.ndarray | None = None  # of a box or ellipse: four numbers and an angle
    segm: Any = None
    more: dict[str, str] = field(default_factory=dict)  # its <attribute> elements


def xml_files(given: Given) -> list[str]:
    """The XML files or ZIPs that somebody named, in natural order."""
    if not given.is_folder:
        return [given.path] if given.path.lower().endswith(('.xml', '.zip')) else []
    names = [name for name in os.listdir(given.path) if name.lower().endswith('.xml')]
    return [os.path.join(given.path, name) for name in sorted(names, key=natural_key)]


@contextlib.contextmanager
def open_xml(path: str) -> Iterator[IO[bytes]]:
    """The XML, which may be the one file of its kind in a ZIP; nothing is unpacked."""
    if not path.lower().endswith('.zip'):
        with open(path, 'rb') as file:
            yield file
        return
    try:
        with zipfile.ZipFile(path) as archive:
            found = [info for info in archive.infolist() if info.filename.endswith('.xml')]
            if len(found) != 1 or found[0].file_size > LARGEST:
                raise BadValue(f'{path}: expected one annotations.xml of at most {LARGEST} bytes '
                               f'in it, found {len(found)}')
            with archive.open(found[0]) as member:
                yield member
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise BadValue(f'{path}: not a readable ZIP ({error}); export it again') from None


def tracks(file: IO[bytes], path: str, lost: Counter[str]
           ) -> Iterator[tuple[dict[str, str], list[Shape]]]:
    """The attributes and shapes of each track.

    Args:
        file: opened for reading.
        path: for messages.
        lost: counts what has no area.

    Raises:
        ValueError: it is damaged, or of another format of CVAT.
    """
    track: dict[str, str] = {}
    shapes: list[Shape] = []
    attribute = ''
    for element in elements(file, path):
        tags, attributes = element.path[1:], element.attributes
        if attributes is None and tags == ('track', ):
            yield track, shapes
        elif attributes is not None and tags == ('track', ):
            track, shapes = attributes, []
        elif attributes is not None and tags == ('image', ):
            raise BadValue(f'{path}: is "CVAT for images", which does not say which objects '
                           'are the same in two frames; export it as "CVAT for video 1.1"')
        elif attributes is not None and tags[:1] == ('track', ) and len(tags) == 2:
            if tags[1] in SHAPES:
                shapes.append(_shape(tags[1], attributes, f'{path}: track '
                                     f'{short(track.get("id"))}'))
            else:
                what = f'of type "{tags[1]:.40}"'
                lost[f'shapes {what}, which have no area' if tags[1] in NO_AREA
                     else f'elements {what}'] += 1
        elif tags[:1] == ('track', ) and len(tags) == 3 and tags[1] in SHAPES:
            if attributes is not None:
                attribute = attributes.get('name', '')
            elif tags[2] == 'attribute' and element.text:
                shapes[-1].more[attribute] = element.text


def _shape(tag: str, attributes: dict[str, str], where: str) -> Shape:
    """A shape, its numbers checked."""
    frame = attributes.get('frame', '')
    if not re.fullmatch('[0-9]{1,9}', frame):
        raise BadValue(f'{where}: expected the number of a frame, got {short(frame)}')
    where = f'{where}, frame {frame}'
    shape = Shape(tag, int(frame), attributes.get('outside') == '1',
                   attributes.get('keyframe', '1') == '1',
                   {key: attributes[key] for key in ('occluded', 'z_order') if key in attributes})
    if tag in ('box', 'ellipse'):
        keys = ('xtl', 'ytl', 'xbr', 'ybr') if tag == 'box' else ('cx', 'cy', 'rx', 'ry')
        values = [attributes.get(key, '') for key in keys]
        shape.values = np.array(numbers([*values, attributes.get('rotation', '0')], where))
    elif tag == 'polygon':
        points = re.split('[,;]', attributes.get('points', ''))
        shape.segm = [numbers(points, f'{where}, points')]
    else:
        try:
            box = tuple(int(attributes.get(key, '')) for key in ('left', 'top', 'width', 'height'))
            counts = [int(number) for number in attributes.get('rle', '').split(',')]
            shape.segm = np.array(counts, np.int64), box
        except (ValueError, OverflowError):
            raise BadValue(f'{where}: expected a mask of whole numbers, rle, left, top, width and '
                           f'height, got {short(attributes)}') from None
    return shape


