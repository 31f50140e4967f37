"""How far a checkpoint is, without reading its weights."""
from typing import Any

import torch

from mmdet.utils.errors import BadValue


def read_meta(path: str) -> dict[str, Any]:
    """``meta`` of a checkpoint; its tensors are mapped, not read, so damage in them is not seen.

    Raises:
        ValueError: the file is no checkpoint, or one without ``meta``.
    """
    try:
        checkpoint = torch.load(path, mmap=True, map_location='cpu', weights_only=True)
    except Exception as error:  # what torch raises depends on where the file is broken
        raise BadValue(f'{path}: no checkpoint that can be read ({error})') from None
    meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
    if not isinstance(meta, dict):
        raise BadValue(f'{path}: a checkpoint without "meta"')
    return meta
