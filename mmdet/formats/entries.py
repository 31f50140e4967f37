"""What the entries of an annotation file say."""
import numbers
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.formats.rle import json_rle

Id = int | float | str  # of a video, a category or a track; some scores are kept under a word


def num_frames(video: dict) -> int:
    """How many frames a video entry has: ``length``, else its file names."""
    return int(video.get('length', len(video.get('file_names') or ())))


def frame_folder(video: dict) -> str:
    """The folder its frames lie in, '' without one; releases name videos that way."""
    names = video.get('file_names') or ['']
    return os.path.dirname(names[0])


def video_name(video: dict) -> str:
    """The folder of its frames, or its id where it has none."""
    return frame_folder(video) or str(video['id'])


def mean_area(areas: Sequence) -> float:
    """Mean area in pixels over the frames that have one; 0 without any."""
    areas = [area for area in areas if area]
    if all(type(area) is int and area < 2**63 for area in areas):  # exact, faster than np.mean
        return sum(areas) / len(areas) if areas else 0.0
    return float(np.mean(areas))


def is_finite(value: Any) -> bool:
    """Whether it is a number that a float can hold; json knows larger ones."""
    return isinstance(value, (int, float, np.integer, np.floating)) and bool(-1e308 < value < 1e308)


def is_box(box: Any) -> bool:
    """Whether it is [x, y, width, height] of finite numbers, sides not negative."""
    return (isinstance(box, (list, tuple)) and len(box) == 4
            and all(isinstance(v, numbers.Real) and v < 1e9 and not v <= -1e9 for v in box)
            and box[2] >= 0 and box[3] >= 0)


def mask_lists(rles: Sequence[dict | None]) -> dict[str, list]:
    """``segmentations``, ``bboxes`` and ``areas`` of a track; None in frames without a mask.

    Args:
        rles: compressed RLE, as pycocotools encodes it, or None a frame.
    """
    return dict(segmentations=[rle and json_rle(rle) for rle in rles],
                bboxes=[rle and mask_utils.toBbox(rle).tolist() for rle in rles],
                areas=[rle and int(mask_utils.area(rle)) for rle in rles])
