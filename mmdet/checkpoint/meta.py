"""How far a checkpoint is, without reading its weights."""
import os
from typing import Any

from mmdet.checkpoint.archive import read_archive
from mmdet.checkpoint.read import checked_form, refused
from mmdet.utils.errors import BadValue


def read_meta(path: str) -> dict[str, Any]:
    """``meta`` of a checkpoint; the values of its tensors are not read, damage not seen there.

    Raises:
        ValueError: the file is no checkpoint, or one without ``meta``.
    """
    if not os.path.isfile(path):
        raise BadValue(f'{path}: no checkpoint file')
    try:
        found = read_archive(path, values=False)
    except Exception as error:  # what is raised depends on where the file is broken
        raise refused(path, error) from None
    meta = checked_form(found, path).get('meta')
    if meta is None:
        raise BadValue(f'{path}: a checkpoint without "meta"')
    return meta
