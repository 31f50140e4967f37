"""How much two tracks overlap, over all frames of a video."""
from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.formats.rle import loops


class MaskTracks(NamedTuple):
    """N tracks of a video of F frames."""
    rles: Sequence[Sequence[dict | None]]  # N x F compressed RLE, checked
    areas: np.ndarray  # (N, F) int64 pixels, 0 where there is no mask


class Overlaps(NamedTuple):
    """P pairs of masks that share pixels, sorted by frame."""
    frame: np.ndarray  # (P,) int64
    dt: np.ndarray  # (P,) int64 track of the first set
    gt: np.ndarray  # (P,) int64 track of the second
    pixels: np.ndarray  # (P,) float64, exact integers


def overlaps(dts: MaskTracks, gts: MaskTracks) -> Overlaps:
    """Intersect every two masks of a frame; nothing is decoded."""
    dt_seen, gt_seen = _seen(dts.areas), _seen(gts.areas)
    nothing = np.zeros(0, np.int64)
    frame_of, dt_of, gt_of, pixels = [nothing], [nothing], [nothing], [np.zeros(0)]
    for frame, dt_rows in dt_seen.items():
        gt_rows = gt_seen.get(frame)
        if gt_rows is None:
            continue
        inter = intersections(_masks(dts, dt_rows, frame), _masks(gts, gt_rows, frame),
                              dts.areas[dt_rows, frame])
        dt, gt = inter.nonzero()
        pixels.append(inter[dt, gt])
        frame_of.append(np.full(len(dt), frame))
        dt_of.append(np.array(dt_rows)[dt])
        gt_of.append(np.array(gt_rows)[gt])
    return Overlaps(*(np.concatenate(parts) for parts in (frame_of, dt_of, gt_of, pixels)))


def intersections(dts: list[dict], gts: list[dict], dt_areas: np.ndarray) -> np.ndarray:
    """Pixels that every two masks of one frame share.

    Args:
        dts: D compressed RLEs, checked.
        gts: G more.
        dt_areas: (D,) their pixels, not 0.

    Returns:
        (D, G) float64, whole numbers.
    """
    if loops:
        pixels = np.empty((len(dts), len(gts)))
        loops.intersections(dts, gts, pixels)
        return pixels
    # With a "crowd" pycocotools divides the intersection by the area of the first mask:
    # multiplied back, the integer is recovered exactly.
    return np.rint(mask_utils.iou(dts, gts, [1] * len(gts)) * dt_areas[:, None])


def _seen(areas: np.ndarray) -> dict[int, list[int]]:
    """Which tracks have pixels in a frame, by frame in order."""
    seen: dict[int, list[int]] = {}
    for frame, row in np.argwhere(areas.T).tolist():
        seen.setdefault(frame, []).append(row)
    return seen


def _masks(tracks: MaskTracks, rows: list[int], frame: int) -> list[dict]:
    """The masks of tracks in a frame where all of them have pixels."""
    return cast(list[dict], [tracks.rles[row][frame] for row in rows])


def mask_track_iou(dts: MaskTracks, gts: MaskTracks, pairs: Overlaps) -> np.ndarray:
    """Sum of intersections over sum of unions, over the frames of a video.

    Args:
        dts: D tracks.
        gts: G tracks of the same video.
        pairs: ``overlaps(dts, gts)``.

    Returns:
        (D, G) float64; 0 where the union is empty.

    Source: arXiv:1905.04804, the IoU of two sequences of masks.
    """
    shape = len(dts.areas), len(gts.areas)
    inter = np.bincount(pairs.dt * shape[1] + pairs.gt, pairs.pixels, shape[0] * shape[1])
    return over_union(inter.reshape(shape).astype(float, copy=False), dts.areas.sum(axis=1),
                      gts.areas.sum(axis=1))


def box_track_iou(dts: np.ndarray, gts: np.ndarray) -> np.ndarray:
    """The same on boxes.

    Args:
        dts: (D, F, 4) x, y, width, height in pixels; zeros where absent.
        gts: (G, F, 4) of the same video.

    Returns:
        (D, G) float64; 0 where the union is empty.
    """
    inter = np.zeros((len(dts), len(gts)))
    for row, dt in enumerate(dts):
        low = np.maximum(dt[None, :, :2], gts[:, :, :2])
        high = np.minimum(dt[None, :, :2] + dt[None, :, 2:], gts[:, :, :2] + gts[:, :, 2:])
        inter[row] = np.clip(high - low, 0, None).prod(axis=2).sum(axis=1)
    return over_union(inter, dts[..., 2:].prod(axis=2).sum(axis=1),
                      gts[..., 2:].prod(axis=2).sum(axis=1))


def over_union(inter: np.ndarray, dt_total: np.ndarray, gt_total: np.ndarray) -> np.ndarray:
    """IoU (D, G) from the pixels shared (D, G) and in all (D,), (G,); 0 where there are none.

    ``inter`` is float and becomes the result: there may be many tracks.
    """
    union = (dt_total[:, None] + gt_total[None, :]).astype(float, copy=False)
    union -= inter
    return np.divide(inter, union, out=inter, where=union > 0)
