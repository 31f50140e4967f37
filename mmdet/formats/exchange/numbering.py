"""Numbers that objects get in files."""
from collections.abc import Sequence

from mmdet.formats.annotation_checks import is_id
from mmdet.formats.entries import Id

NEW_NUMBERS = 'numbers of objects, which are others now'


def kept_or_new(ids: Sequence[Id | None], highest: int = 2**53, keep: bool = True
                ) -> tuple[list[int], bool]:
    """Ids as they are, where all are different whole numbers from 1 to ``highest``; else 1, 2, ...

    Args:
        ids: of what is numbered.
        highest: the largest number there may be.
        keep: False: count from 1 whatever they are.

    Returns:
        the numbers, and whether they had to be changed.
    """
    if not keep:
        return list(range(1, len(ids) + 1)), False
    whole = [int(key) for key in ids if is_id(key) and 0 < int(key) <= highest]
    if len(whole) == len(ids) and len(set(whole)) == len(whole):
        return whole, False
    return list(range(1, len(ids) + 1)), True
