"""The steps of ``test_cfg.track.after_video`` over what was found in a whole video."""
from collections.abc import Sequence

import numpy as np
from torch import nn

from mmdet.core.track import VideoTracks
from mmdet.core.track.after_video import Step
from mmdet.formats.detections import FrameDetections
from mmdet.formats.track_result import TrackResult


def steps_of(detector: nn.Module) -> Sequence[Step]:
    """What a detector asks for after each video; nothing where it is no :class:`Tracker`."""
    return getattr(getattr(detector, 'tracking', None), 'after_video', ())


def video_tracks(frames: Sequence[TrackResult | FrameDetections], ids: Sequence[np.ndarray]
                 ) -> VideoTracks:
    """The frames of a video in one table; ``ids`` (n,) int64 per frame."""
    counts = [len(frame) for frame in frames]
    return VideoTracks(
        np.repeat(np.arange(len(frames)), counts),
        np.concatenate([np.zeros(0, np.int64), *ids]),
        np.concatenate([np.zeros(0, np.int64), *(frame.labels for frame in frames)]),
        np.concatenate([np.zeros(0, np.float32), *(frame.scores for frame in frames)]),
        np.concatenate([np.zeros((0, 4), np.float32), *(frame.boxes for frame in frames)]),
        [mask for frame in frames for mask in frame.masks])


def run_steps(steps: Sequence[Step], tracks: VideoTracks) -> VideoTracks:
    """One after the other."""
    for step in steps:
        tracks = step(tracks)
    return tracks


def finish_video(detector: nn.Module, results: Sequence[TrackResult]) -> list[TrackResult]:
    """The frames of a video after all steps of a detector."""
    steps = steps_of(detector)
    if not steps:
        return list(results)
    tracks = run_steps(steps, video_tracks(results, [result.obj_ids for result in results]))
    ends = np.cumsum([len(result) for result in results])[:-1]
    return [_with(result, ids, labels) for result, ids, labels in
            zip(results, np.split(tracks.ids, ends), np.split(tracks.labels, ends))]


def _with(result: TrackResult, ids: np.ndarray, labels: np.ndarray) -> TrackResult:
    """With other ids and labels, without the objects that have no id any more."""
    rows = np.flatnonzero(ids >= 0)
    masks = [result.masks[row] for row in rows.tolist()] if len(result.masks) else []
    return TrackResult(result.boxes[rows], result.scores[rows], labels[rows], ids[rows], masks)
