"""How many objects a set of proposals covers."""
import logging
from collections.abc import Sequence

import numpy as np
from terminaltables import AsciiTable

from mmdet.evaluation.box_overlaps import bbox_overlaps
from mmdet.utils.errors import BadValue
from mmdet.utils.logger import get_root_logger

IOU_THRS: Sequence[float] = np.arange(0.5, 0.96, 0.05).tolist()
PROPOSAL_NUMS = 100, 300, 1000


def eval_recalls(gts: Sequence[np.ndarray | None], proposals: Sequence[np.ndarray],
                 proposal_nums: int | Sequence[int] = PROPOSAL_NUMS,
                 iou_thrs: float | Sequence[float] | None = None, print_summary: bool = True,
                 logger: logging.Logger | None = None) -> np.ndarray:
    """Recall of the best proposals of every image.

    Args:
        gts: for each image the boxes (G, 4) xyxy, or None.
        proposals: for each image (n, 5) with a score, of which the best are taken, or (n, 4), best
            first.
        proposal_nums: how many of them.
        iou_thrs: least overlap of a covered object; None: 0.5.
        print_summary: write a table to the logger.
        logger: None: the package's.

    Returns:
        (numbers, thresholds) float64 in [0, 1]; 0 where there are no objects.

    Raises:
        ValueError: the lists are of different images.
    """
    if len(gts) != len(proposals):
        raise BadValue(f'recall: expected proposals for {len(gts)} images, got {len(proposals)}; '
                       'make them with the annotation file that is scored')
    nums: list[int] = np.atleast_1d(proposal_nums).tolist()
    thrs: list[float] = np.atleast_1d(0.5 if iou_thrs is None else iou_thrs).tolist()
    ious = [_overlaps(boxes, found, max(nums)) for boxes, found in zip(gts, proposals)]
    covered = np.array([np.concatenate([covered_overlaps(image[:, :num]) for image in ious])
                        for num in nums])
    hits = covered[:, None] >= np.array(thrs)[:, None]
    recalls = hits.sum(axis=2) / max(covered.shape[1], 1)
    if print_summary:
        print_recall_summary(recalls, nums, thrs, logger=logger)
    return recalls


def _overlaps(boxes: np.ndarray | None, found: np.ndarray, num: int) -> np.ndarray:
    """(G, n) overlaps with the ``num`` best proposals."""
    found = np.asarray(found)
    if found.ndim == 2 and found.shape[1] == 5:
        found = found[(-found[:, 4]).argsort(kind='stable')]
    return bbox_overlaps(np.zeros((0, 4)) if boxes is None else boxes, found[:num])


def covered_overlaps(ious: np.ndarray) -> np.ndarray:
    """Give every box a proposal of its own, the best overlap first.

    Args:
        ious: (G, n).

    Returns:
        (G,) the overlaps of the pairs; 0 for boxes left over.
    """
    ious = ious.copy()
    pairs = np.zeros(len(ious))
    for _ in range(min(ious.shape)):
        row, column = np.unravel_index(ious.argmax(), ious.shape)
        pairs[row] = ious[row, column]
        ious[row], ious[:, column] = -1, -1
    return pairs


def print_recall_summary(recalls: np.ndarray, proposal_nums: Sequence[int],
                         iou_thrs: Sequence[float], row_idxs: Sequence[int] | None = None,
                         col_idxs: Sequence[int] | None = None,
                         logger: logging.Logger | None = None) -> None:
    """Write recalls by number of proposals and threshold to a logger.

    Args:
        recalls: from :func:`eval_recalls`.
        proposal_nums, iou_thrs: its rows and columns.
        row_idxs, col_idxs: those to show; None: all.
        logger: None: the package's.
    """
    rows = range(len(proposal_nums)) if row_idxs is None else row_idxs
    columns = range(len(iou_thrs)) if col_idxs is None else col_idxs
    table = [['', *(f'{iou_thrs[j]:.2f}' for j in columns)]]
    table += [[str(proposal_nums[i]), *(f'{recalls[i, j]:.3f}' for j in columns)] for i in rows]
    (logger or get_root_logger()).info('\n%s', AsciiTable(table).table)
