"""Everything about one result file: what was found, what went wrong and what that costs."""
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mmdet.evaluation.errors.bootstrap import draw
from mmdet.evaluation.errors.causes import CAUSES, Holding, count_lost, holding
from mmdet.evaluation.errors.conventions import find_convention
from mmdet.evaluation.errors.fixes import Costs, Fixes, single_costs
from mmdet.evaluation.errors.ladder import climb
from mmdet.evaluation.errors.matching import kept, match
from mmdet.evaluation.errors.precision import class_mean
from mmdet.evaluation.errors.slices import Slice, ap_in, ap_per_threshold
from mmdet.evaluation.errors.tracks import Tracks, Traits, read_tracks, traits
from mmdet.evaluation.errors.types import Errors, Overlap, find_errors, frame_overlap
from mmdet.evaluation.scoring import check_annotated
from mmdet.evaluation.ytvoseval import Params
from mmdet.formats.ytvos import YTVOS
from mmdet.utils.errors import BadValue


@dataclass(frozen=True)
class Options:
    """How to analyse.

    Attributes:
        convention: ``'official'`` or ``'tive'``.
        length_limits: frames up to which a track is short, and medium.
        size_limits: mean areas up to which it is small, and medium, in pixels.
        company_limits: mean numbers of objects in its frames, up to which they are few, and some.
        samples: of the bootstrap; 0: no intervals.
        seed: of the bootstrap.
    """
    convention: str = 'official'
    length_limits: Sequence[float] = (16, 32)
    size_limits: Sequence[float] = (128**2, 256**2)
    company_limits: Sequence[float] = (2, 5)
    samples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        find_convention(self.convention)
        for name in ('length_limits', 'size_limits', 'company_limits'):
            limits = getattr(self, name)
            if len(limits) != 2 or not 0 <= limits[0] < limits[1]:
                raise BadValue(f'{name}: expected two numbers, the smaller one first, got '
                               f'{" ".join(map(str, limits))}')
        if self.samples < 0:
            raise BadValue(f'samples: expected 0 or more, got {self.samples}')


class Analysis:
    """Errors of a result file; what is expensive is computed when first asked for.

    Args:
        results: what ``YTVOS.loadRes`` takes.
        ytvos: the annotation index.
        options: how.

    Raises:
        FileNotFoundError, ValueError: one sentence.

    Attributes:
        gt, dt: the annotations and the results.
        tracks: their tracks as arrays.
        matching: which results find an object, at each threshold.
    """

    def __init__(self, results: str | os.PathLike | list, ytvos: YTVOS,
                 options: Options = Options()) -> None:
        check_annotated(ytvos)
        self.options = options
        self.convention = find_convention(options.convention)
        self.gt, self.dt = ytvos, ytvos.loadRes(results)
        self.thresholds = Params().iouThrs
        self.tracks, self.frames = read_tracks(self.gt, self.dt, self.convention.areas)
        self.matching = match(self.tracks, self.convention, self.thresholds)

    @cached_property
    def ap(self) -> np.ndarray:
        """(T, K) AP of every class in percent, NaN where it is left out."""
        return ap_per_threshold(self.tracks, self.matching, self.convention)[:, 0]

    @cached_property
    def sampled_ap(self) -> np.ndarray:
        """(T, B) AP of every sample of the videos in percent, mean over classes."""
        return class_mean(ap_per_threshold(
            self.tracks, self.matching, self.convention, self.samples))

    @cached_property
    def looked_at(self) -> np.ndarray:
        """(N,) bool: among the best that count."""
        looked_at = np.zeros(len(self.tracks.dt.score), bool)
        for video in self.tracks.videos:
            looked_at[video.dts[kept(video, self.tracks, self.convention)]] = True
        return looked_at

    @cached_property
    def overlaps(self) -> list[Overlap]:
        """Frames in which results and objects overlap, per video."""
        return [frame_overlap(frames) for frames in self.frames]

    @cached_property
    def errors(self) -> list[Errors]:
        """At each threshold."""
        return [find_errors(self.tracks, self.overlaps, self.matching, t, self.convention)
                for t in range(len(self.thresholds))]

    @cached_property
    def fixes(self) -> list[Fixes]:
        """At each threshold."""
        return [Fixes(self.tracks, errors, self.convention) for errors in self.errors]

    @cached_property
    def costs(self) -> Costs:
        """What each error costs by itself, in points of AP50."""
        return single_costs(self.fixes[0], self.convention)

    @cached_property
    def traits(self) -> tuple[Traits, Traits]:
        """Length, area and company of the objects and of the results."""
        return traits(self.gt, self.dt, self.tracks, self.frames)

    @cached_property
    def holdings(self) -> list[Holding]:
        """Who holds what, per video."""
        return [holding(frames, kept(video, self.tracks, self.convention))
                for video, frames in zip(self.tracks.videos, self.frames)]

    def places(self, result: int, obj: int) -> tuple[int, int, int]:
        """Which video a result and an object of it are in, and their places there."""
        place = int(self.tracks.dt.video[result])
        video = self.tracks.videos[place]
        return (place, int(np.searchsorted(video.dts, result)),
                int(np.searchsorted(video.gts, obj)))

    def iou(self, result: int, obj: int) -> float:
        """The IoU over all frames of a result and an object of the same video."""
        video, d, g = self.places(result, obj)
        return float(self.tracks.videos[video].ious[d, g])

    def lost_frames(self, t: int, kind: int) -> np.ndarray:
        """(N, C) frames that the results of a kind, at a threshold, lose to each of CAUSES."""
        errors = self.errors[t]
        lost = np.zeros((len(errors.kind), len(CAUSES)), np.int64)
        for row in np.flatnonzero(errors.kind == kind).tolist():
            video, d, g = self.places(row, int(errors.target[row]))
            lost[row] = count_lost(self.holdings[video], d, g)
        return lost

    @cached_property
    def samples(self) -> np.ndarray:
        """(B, V) samples of the videos."""
        return draw(len(self.tracks.videos), self.options.samples, self.options.seed)

    def slice_ap(self, trait: str, part: Slice) -> tuple[np.ndarray, int]:
        """(T,) AP of the objects in a slice of a trait, and how many they are."""
        values = tuple(getattr(each, trait) for each in self.traits)
        return ap_in(part, values, self.tracks, self.convention, self.thresholds)

    def ladder(self) -> dict[str, np.ndarray]:
        """(T,) AP on every rung of the oracle ladder."""

        def score(tracks: Tracks) -> np.ndarray:
            matching = match(tracks, self.convention, self.thresholds)
            return class_mean(ap_per_threshold(tracks, matching, self.convention))[:, 0]

        return climb(self.tracks, self.frames, self.convention, score)
