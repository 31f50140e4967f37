"""Detections over annotated objects, frame by frame, before anything is said about ids."""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmdet.evaluation.track_iou import MaskTracks, overlaps
from mmdet.formats.detections import FrameDetections
from mmdet.formats.rle import rle_areas


class Overlaid(NamedTuple):
    """The D detections of a video of F frames, frame after frame, over its G objects.

    P pairs of a detection and an object share pixels.
    """
    frame: np.ndarray  # (D,) int64
    scores: np.ndarray  # (D,) float32
    labels: np.ndarray  # (D,) int64, 0-based
    areas: np.ndarray  # (D,) int64 pixels
    dt: np.ndarray  # (P,) int64 detection
    gt: np.ndarray  # (P,) int64 object
    pixels: np.ndarray  # (P,) float64 shared
    gt_areas: np.ndarray  # (G, F) int64 pixels
    gt_seen: np.ndarray  # (G, F) bool: has a mask, if only an empty one

    @property
    def ious(self) -> np.ndarray:
        """(P,) float64 of each pair, in its frame."""
        areas = self.areas[self.dt] + self.gt_areas[self.gt, self.frame[self.dt]]
        return self.pixels / (areas - self.pixels)


def overlay(frames: Sequence[FrameDetections], objects: MaskTracks) -> Overlaid:
    """Intersect the detections of every frame with its objects."""
    counts = [len(frame) for frame in frames]
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    length, most = objects.areas.shape[1], max(counts, default=0)
    rles: list[list] = [[None] * length for _ in range(most)]  # the n-th of each frame in row n
    areas = np.zeros((most, length), np.int64)
    for t, frame in enumerate(frames):
        areas[:len(frame), t] = rle_areas(frame.masks, _size(frame)) if frame.masks else 0
        for n, rle in enumerate(frame.masks):
            rles[n][t] = rle
    pairs = overlaps(MaskTracks(rles, areas), objects)
    column = np.repeat(np.arange(len(frames)), counts)
    row = np.arange(len(column)) - first[column]
    scores = np.concatenate([np.zeros(0, np.float32), *(frame.scores for frame in frames)])
    labels = np.concatenate([np.zeros(0, np.int64), *(frame.labels for frame in frames)])
    seen = np.array([[rle is not None for rle in rles] for rles in objects.rles], bool)
    return Overlaid(column, scores, labels, areas[row, column],
                    first[pairs.frame] + pairs.dt, pairs.gt, pairs.pixels, objects.areas,
                    seen.reshape(objects.areas.shape))


def _size(frame: FrameDetections) -> tuple[int, int]:
    height, width = frame.masks[0]['size']
    return height, width
