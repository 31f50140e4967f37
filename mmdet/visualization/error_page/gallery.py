"""The errors that cost most, each as strips of frames: what is true, what was found."""
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from mmdet.formats.ytvos import YTVOS
from mmdet.visualization.draw import blend_mask
from mmdet.visualization.error_page.videos import Run, read_frame
from mmdet.visualization.labels import FONT
from mmdet.visualization.palette import object_color
from mmdet.visualization.strip import contact_strip, spread

TILE = 150, 200  # height and width at most, pixels
FRAMES = 8
PAPER, INK = 228, (70, 70, 70)  # where there are no pictures; BGR of outlines and numbers


class Case(NamedTuple):
    """An error of a run."""
    type: str
    cost: float  # points of AP50 that mending it alone gains
    video: Any
    object: Any  # id of the object that it is about; None: of none
    result: int | None  # place in the result file; None: the object is missed


def worst(report: dict[str, Any], gt: YTVOS, results: YTVOS, count: int) -> list[Case]:
    """The ``count`` errors that cost most, then those of the highest score."""
    cases = []
    tracks = list(results.anns.values())
    for place, (kind, cost) in enumerate(zip(report['type_per_result'],
                                             report['cost_per_result'])):
        if kind not in ('TP', None):
            obj = report['object_per_result'][place]
            cases.append((-cost, -tracks[place]['score'],
                          Case(kind, cost, tracks[place]['video_id'], obj, place)))
    for obj in report['missed_gt']:
        cost = report['cost_per_missed'][str(obj)]
        cases.append((-cost, 0, Case('Miss', cost, gt.anns[obj]['video_id'], obj, None)))
    return [case for *_, case in sorted(cases, key=lambda each: each[:2])[:count]]


class Layer(NamedTuple):
    """A track as it is drawn: filled, or its outline only."""
    masks: Sequence[dict | None]  # a frame
    color: tuple[int, int, int]  # BGR
    filled: bool


def strips(case: Case, gt: YTVOS, runs: Sequence[Run], names: Sequence[str],
           images: str | None) -> np.ndarray:
    """Frames of a case: the truth above, below it what each run has found there.

    Args:
        case: of the first run.
        gt: the annotation index.
        runs: one or two.
        names: of the runs.
        images: the folder of the frames; None: masks on grey.

    Returns:
        uint8 (H, W, 3) BGR.
    """
    rows = [_truth(case, gt), *(_found(case, run, first=place == 0)
                                for place, run in enumerate(runs))]
    subject = [layer.masks for row in rows[:2] for layer in row if layer.filled]
    frames = _frames_to_show(subject, len(rows[0][0].masks) if rows[0] else 0)
    window = _window(subject, frames, gt.vids[case.video])
    pictures = {t: _picture(gt, case.video, t, images) for t in frames}
    tiles = [_tile(pictures[t], row, t, window) for row in rows for t in frames]
    for place, name in enumerate(('truth', *names)):
        tile = tiles[place * len(frames)]
        _write(tile, name, tile.shape[0] - 6)
    return contact_strip(tiles, columns=len(frames), gap=3)


def _truth(case: Case, gt: YTVOS) -> list[Layer]:
    anns = gt.vidToAnns.get(case.video, [])
    return [Layer(rles, object_color(place), ann['id'] == case.object)
            for place, (ann, (rles, _)) in enumerate(zip(anns, gt.annsToRLEs(anns)))]


def _found(case: Case, run: Run, first: bool) -> list[Layer]:
    """The track of the case, filled, and those that hold its object in some frame, outlined.

    In the other run the track of the same object takes its place.
    """
    tracks = {track['id'] - 1: track for track in run.results.vidToAnns.get(case.video, ())}
    holders = {place for place in run.report['held_by'].get(str(case.object), ())
               if place is not None}
    subject = case.result if first else _track_of(run.report, case.object)
    return [Layer(tracks[place]['segmentations'], object_color(place), place == subject)
            for place in sorted(holders | {subject} - {None}, key=lambda place: place == subject)]


def _track_of(report: dict, obj: Any) -> int | None:
    """The best-scored result that finds an object or aims at it, None without one."""
    return report['result_per_gt'].get(str(obj))


def _frames_to_show(tracks: Sequence[Sequence[dict | None]], length: int) -> list[int]:
    seen = [t for t, rles in enumerate(zip(*tracks)) if any(rles)]
    return spread(seen or range(length), FRAMES)


def _window(tracks: Sequence[Sequence[dict | None]], frames: Sequence[int],
            video: dict) -> tuple[int, int, int, int]:
    """The part of the frames, x1 y1 x2 y2 in pixels, that shows the tracks with some margin."""
    width, height = video['width'], video['height']
    boxes = [mask_utils.toBbox(track[t]) for track in tracks for t in frames if track[t]]
    boxes = np.array([box for box in boxes if box[2] > 0]).reshape(-1, 4)
    if not len(boxes):
        return 0, 0, width, height
    low, high = boxes[:, :2].min(axis=0), (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
    scale = max((high - low) / (width, height)) * 1.5
    side = np.clip(scale, 0.25, 1) * np.array([width, height])
    start = np.clip((low + high - side) / 2, 0, (width, height) - side)
    x1, y1, x2, y2 = np.concatenate([start, start + side]).round().astype(int).tolist()
    return x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)


def _picture(gt: YTVOS, vid: Any, frame: int, images: str | None) -> np.ndarray:
    if images is not None:
        return read_frame(gt, vid, frame, images)
    return np.full((gt.vids[vid]['height'], gt.vids[vid]['width'], 3), PAPER, np.uint8)


def _tile(picture: np.ndarray, layers: Sequence[Layer], frame: int,
          window: tuple[int, int, int, int]) -> np.ndarray:
    """A part of a frame with masks drawn over it and its number; pale where the subject is not."""
    x1, y1, x2, y2 = window
    scale = min(TILE[0] / (y2 - y1), TILE[1] / (x2 - x1))
    size = max(1, round((x2 - x1) * scale)), max(1, round((y2 - y1) * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    tile = cv2.resize(picture[y1:y2, x1:x2], size, interpolation=method)
    subject_seen = any(layer.filled and layer.masks[frame] for layer in layers)
    if not subject_seen:
        tile = cv2.addWeighted(tile, .35, np.full_like(tile, 255), .65, 0)
    for layer in layers:
        if layer.masks[frame] is not None:
            mask = mask_utils.decode(layer.masks[frame])[y1:y2, x1:x2]
            mask = cv2.resize(np.ascontiguousarray(mask), size, interpolation=cv2.INTER_NEAREST)
            blend_mask(tile, mask, layer.color, .5 if layer.filled else 0, 2 if layer.filled else 1)
    _write(tile, str(frame), 13)
    return tile


def _write(tile: np.ndarray, text: str, y: int) -> None:
    """Small letters with a rim, in the tile itself."""
    for color, thickness in (((255, 255, 255), 3), (INK, 1)):
        cv2.putText(tile, text, (4, y), FONT, .4, color, thickness, cv2.LINE_AA)
