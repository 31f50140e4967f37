"""What a COCO file must be before anything is built on it."""
from collections.abc import Sequence
from typing import Any

from mmdet.formats.annotation_checks import MAX_NAME
from mmdet.formats.entries import is_box
from mmdet.formats.rle import MAX_PIXELS, short
from mmdet.utils.errors import BadValue


def check_coco(content: Any, name: str, needs: dict[str, Sequence[str]]) -> None:
    """Check lists, entries, ids and sizes; no mask is looked at.

    Args:
        content: the parsed json.
        name: the file, for messages.
        needs: the keys that the entries of each list must have.

    Raises:
        ValueError: the first entry that is wrong is named.
    """
    for key, fields in needs.items():
        entries = content.get(key) if isinstance(content, dict) else None
        if not isinstance(entries, list):
            video = isinstance(content, dict) and 'videos' in content
            raise BadValue(f'{name}: no list "{key}"; expected a COCO file'
                           + ('; it lists videos: use type="YTVOSDataset"' if video else ''))
        for place, entry in enumerate(entries):
            where = f'{name}: entry {place} of "{key}"'
            if not isinstance(entry, dict):
                raise BadValue(f'{where} is no object: {short(entry)}')
            for field in fields:
                _check_field(entry, field, where)
    known = {f'{what}_id': {entry['id'] for entry in content[key]}
             for what, key in (('image', 'images'), ('category', 'categories'))}
    for ann in content['annotations'] if 'annotations' in needs else ():
        for key, ids in known.items():
            if ann[key] not in ids:
                raise BadValue(f'{name}: annotation {short(ann.get("id"))}: "{key}" is '
                               f'{short(ann[key])}, and the file lists no such entry; re-export it')


def _check_field(entry: dict, field: str, where: str) -> None:
    value = entry.get(field)
    if value is None:
        raise BadValue(f'{where} has no "{field}"')
    expected = ''
    if field.endswith('id') and type(value) not in (int, str):
        expected = 'a number or a text'
    elif field in ('width', 'height') and not (type(value) is int and 0 < value <= MAX_PIXELS):
        expected = 'a number of pixels'
    elif field == 'height' and value * entry['width'] > MAX_PIXELS:
        expected = f'at most {MAX_PIXELS} pixels of a picture {entry["width"]} pixels wide'
    elif field == 'file_name' and not isinstance(value, str):
        expected = 'a path'
    elif field == 'name' and not (isinstance(value, str) and len(value) <= MAX_NAME):
        expected = f'a text of at most {MAX_NAME} characters'
    elif field == 'bbox' and not is_box(value):
        expected = 'a box [x, y, width, height] in pixels'
    if expected:
        raise BadValue(f'{where}: expected {expected} as "{field}", got {short(value)}')
