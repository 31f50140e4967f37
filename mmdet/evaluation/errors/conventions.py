"""Two ways to count, where evaluators of tracks differ."""
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmdet.evaluation.ytvoseval import Params
from mmdet.utils.errors import BadValue
from mmdet.utils.registry import nearest

LIMIT = 100  # result tracks that count


@dataclass(frozen=True)
class Convention:
    """What an AP depends on beside overlaps and scores.

    Attributes:
        levels: (101,) recall levels at which precision is read.
        epsilon: added to the denominator of the precision.
        limit_per_class: ``LIMIT`` counts per video and class; False: per video.
        empty_class_is_zero: a class with results but without objects has AP 0;
            False: it is left out of the mean.
        last_of_equal: of equal overlaps the later object is found; False: the earlier.
        video_order: of equal scores the earlier video comes first; False: as the
            results are listed.
        ignore_at_threshold: an IoU equal to the threshold is enough for an ignored
            object to excuse a result.
        ignore_once: an ignored object that is no crowd excuses one result; False: any number.
        bare_videos_count: in a range of sizes or lengths, results of a video without
            any object count as false.
        areas: objects of another mean area, in pixels, are ignored.
    """
    levels: np.ndarray = field(repr=False)
    epsilon: float
    limit_per_class: bool
    empty_class_is_zero: bool
    last_of_equal: bool
    video_order: bool
    ignore_at_threshold: bool
    ignore_once: bool
    bare_videos_count: bool
    areas: Sequence[float]


CONVENTIONS = {
    # The evaluator of YouTube-VIS, as YTVOSeval.
    'official': Convention(Params().recThrs, float(np.spacing(1)), limit_per_class=True,
                           empty_class_is_zero=False, last_of_equal=True, video_order=True,
                           ignore_at_threshold=True, ignore_once=True, bare_videos_count=True,
                           areas=Params().areaRng[0]),
    # TIVE (arXiv:2210.08856) over TIDE (arXiv:2008.08115).
    'tive': Convention(np.arange(101) / 100, 0.0, limit_per_class=False,
                       empty_class_is_zero=True, last_of_equal=False, video_order=False,
                       ignore_at_threshold=False, ignore_once=False, bare_videos_count=False,
                       areas=(-np.inf, np.inf)),
}


def find_convention(name: Any) -> Convention:
    """The convention of that name; a ValueError names those there are."""
    if name not in CONVENTIONS:
        raise BadValue(f'convention: unknown "{name}"{nearest(name, CONVENTIONS)}')
    return CONVENTIONS[name]
