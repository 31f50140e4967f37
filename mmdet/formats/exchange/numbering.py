"""Numbers that objects get in files."""
from collections.abc import Sequence

from mmdet.formats.annotation_checks import is_id
from mmdet.formats.entries import Id

NEW_NUMBERS = 'numbers of objects, which are others now'
NEW_CLASSES = 'numbers of classes, which are others now'
NEW_VIDEOS = 'numbers of videos, which are others now'


def kept_or_new(ids: Sequence[Id | None], highest: int = 2**53, keep: bool = True, lowest: int = 1
                ) -> tuple[list[int], int]:
    """Ids as they are, where all are different whole numbers in a range; else 1, 2, ...

    Args:
        ids: of what is numbered.
        highest, lowest: the range: 0 is the background in images of masks, and no match to
            pycocotools if an annotation has it.
        keep: False: count from 1 whatever they are.

    Returns:
        the numbers, and how many of them are not what they were; 0 if that was asked.
    """
    new = list(range(1, len(ids) + 1))
    if not keep:
        return new, 0
    whole = [int(key) for key in ids if is_id(key) and lowest <= int(key) <= highest]
    if len(whole) == len(ids) and len(set(whole)) == len(whole):
        return whole, 0
    return new, sum(key is not None and key != number for key, number in zip(ids, new))
