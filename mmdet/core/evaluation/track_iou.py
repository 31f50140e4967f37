"""How much two tracks overlap, over all frames of a video."""
from typing import Iterator, NamedTuple, Optional, Sequence

import numpy as np
from pycocotools import mask as mask_utils


class MaskTracks(NamedTuple):
    """N tracks of a video of F frames."""
    rles: Sequence[Sequence[Optional[dict]]]  # N x F compressed RLE, checked
    areas: np.ndarray  # (N, F) int64 pixels, 0 where there is no mask


class Overlap(NamedTuple):
    """What one frame contributes to the overlap of tracks."""
    frame: int
    dt_rows: np.ndarray  # (d,) tracks with a mask here
    gt_rows: np.ndarray  # (g,)
    pixels: np.ndarray  # (d, g) float64, exact integers


def overlaps(dts: MaskTracks, gts: MaskTracks) -> Iterator[Overlap]:
    """Intersections frame by frame; frames where a side has no pixel are skipped."""
    for frame in np.flatnonzero(dts.areas.any(axis=0) & gts.areas.any(axis=0)).tolist():
        dt_rows = np.flatnonzero(dts.areas[:, frame])
        gt_rows = np.flatnonzero(gts.areas[:, frame])
        # With a "crowd" pycocotools divides the intersection by the area of
        # the first mask: multiplied back, the integer is recovered exactly.
        share = mask_utils.iou([dts.rles[d][frame] for d in dt_rows],
                               [gts.rles[g][frame] for g in gt_rows], [1] * len(gt_rows))
        yield Overlap(frame, dt_rows, gt_rows,
                      np.rint(share * dts.areas[dt_rows, frame][:, None]))


def mask_track_iou(dts: MaskTracks, gts: MaskTracks) -> np.ndarray:
    """Sum of intersections over sum of unions, over the frames of a video.

    Args:
        dts: D tracks.
        gts: G tracks of the same video.

    Returns:
        (D, G) float64; 0 where the union is empty.

    Source: arXiv:1905.04804, the IoU of two sequences of masks.
    """
    inter = np.zeros((len(dts.areas), len(gts.areas)))
    for part in overlaps(dts, gts):
        inter[np.ix_(part.dt_rows, part.gt_rows)] += part.pixels
    return _ratio(inter, dts.areas.sum(axis=1), gts.areas.sum(axis=1))


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
    return _ratio(inter, dts[..., 2:].prod(axis=2).sum(axis=1),
                  gts[..., 2:].prod(axis=2).sum(axis=1))


def _ratio(inter: np.ndarray, dt_total: np.ndarray, gt_total: np.ndarray) -> np.ndarray:
    union = dt_total[:, None] + gt_total[None, :] - inter
    return np.divide(inter, union, out=np.zeros_like(inter), where=union > 0)
