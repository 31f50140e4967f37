"""AP and AR of tracks, equal to the official YouTube-VIS evaluator."""
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.evaluation.track_iou import box_track_iou, mask_track_iou
from mmdet.evaluation.track_matching import Matches, join, match_video, precision_recall
from mmdet.evaluation.track_pairs import TrackPairs
from mmdet.formats.entries import Id, is_box, is_finite, mean_area, num_frames
from mmdet.formats.ytvos import YTVOS
from mmdet.utils import get_root_logger
from mmdet.utils.errors import BadValue

STATS = ('AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR1', 'AR10', 'AR100', 'ARs', 'ARm', 'ARl')


@dataclass
class Params:
    """What is evaluated; change it before ``evaluate``.

    The official evaluator never counts an object with annotation id 0 as
    found, and this is a port of it; ``zeroIdIsFound`` corrects that, and is on
    in :func:`~.scoring.ytvos_eval` and ``tools/eval_video.py``.
    """
    iouType: str = 'segm'
    vidIds: list[Id] = field(default_factory=list)
    catIds: list[Id] = field(default_factory=list)
    iouThrs: np.ndarray = field(default_factory=lambda: np.linspace(0.5, 0.95, 10))
    recThrs: np.ndarray = field(default_factory=lambda: np.linspace(0, 1, 101))
    maxDets: list[int] = field(default_factory=lambda: [1, 10, 100])
    areaRng: list[list[float]] = field(default_factory=lambda: [
        [0, 1e10], [0, 128**2], [128**2, 256**2], [256**2, 1e10]])
    areaRngLbl: tuple[str, ...] = ('all', 'small', 'medium', 'large')
    useCats: int = 1
    zeroIdIsFound: bool = False


class YTVOSeval:
    """``YTVOSeval(gt, dt).evaluate()``, ``.accumulate()``, ``.summarize()``, then ``.stats``.

    Args:
        cocoGt: the annotation index.
        cocoDt: what ``cocoGt.loadRes`` returned, or what it takes.
        iouType: ``'segm'``, or ``'bbox'``: the same overlap of sequences on
            boxes (those of the results, else the bounds of their masks).

    Raises:
        ValueError: another ``iouType``, or results that cannot be scored.

    Attributes:
        params: see :class:`Params`.
        ious: (D, G) arrays by (video id, category id).
        matches: :class:`~.track_matching.Matches` by (video id, category id).
        eval: after ``accumulate``, ``precision`` and ``scores`` (T, R, K, A, M),
            ``recall`` (T, K, A, M); -1 where there was nothing to find.
        stats: after ``summarize``, the (12,) official numbers, see ``STATS``.
    """

    def __init__(self, cocoGt: YTVOS, cocoDt: YTVOS | str | os.PathLike | list,
                 iouType: str = 'segm') -> None:
        if iouType not in ('segm', 'bbox'):
            raise BadValue(f'iouType must be "segm" or "bbox", got {iouType!r}')
        self.cocoGt = cocoGt
        self.cocoDt = cocoDt if isinstance(cocoDt, YTVOS) else cocoGt.loadRes(cocoDt)
        self.params = Params(iouType, sorted(cocoGt.vids), sorted(cocoGt.cats))
        self.ious: dict[tuple[Id, Id], np.ndarray] = {}
        self.matches: dict[tuple[Id, Id], Matches] = {}
        self.eval: dict[str, Any] = {}
        self.stats = np.zeros(0)
        self.pairs = TrackPairs(cocoGt, self.cocoDt)
        self.evaluated = False

    def evaluate(self) -> None:
        """Overlap and match the tracks of every video and category."""
        p = self.params
        p.vidIds, p.catIds = sorted(set(p.vidIds)), sorted(set(p.catIds))
        p.maxDets = sorted(p.maxDets)
        self.ious, self.matches = {}, {}
        for vid_id in p.vidIds:
            for ann in self.cocoGt.vidToAnns.get(vid_id, ()):
                check_scorable(ann, p.iouType, self.cocoGt.name)
        if p.iouType == 'segm':
            self.pairs.read_objects(p.vidIds)
        ranges, thresholds = np.array(p.areaRng, float), np.asarray(p.iouThrs, float)
        for group in self._groups():
            for vid_id in p.vidIds:
                gts, dts = self.pairs.select(vid_id, [group] if p.useCats else p.catIds)
                if gts or dts:
                    self._match(vid_id, group, gts, dts, thresholds, ranges)
        self.evaluated = True

    def _groups(self) -> list[Id]:
        """Categories, or one pool of all (-1) with ``useCats`` 0."""
        return self.params.catIds if self.params.useCats else [-1]

    def _match(self, vid_id: Id, group: Id, gts: list[dict], dts: list[dict],
               thresholds: np.ndarray, ranges: np.ndarray) -> None:
        iou_of = self._mask_ious if self.params.iouType == 'segm' else self._box_ious
        scores = np.array([dt['score'] for dt in dts], float)
        best = np.argsort(-scores, kind='stable')[:self.params.maxDets[-1]]
        counted = np.sort(best)  # others need no overlaps
        ious, dt_areas = iou_of(vid_id, group, gts, [dts[i] for i in counted])
        scores, order = scores[counted], np.searchsorted(counted, best)
        self.ious[vid_id, group] = ious[order]
        gt_areas = np.array([mean_area(gt['areas']) for gt in gts])
        crowd = np.array([int(gt['iscrowd']) != 0 for gt in gts], bool)
        matches = match_video(ious[order], scores[order], dt_areas[order], (gt_areas, crowd),
                              thresholds, ranges)
        if not self.params.zeroIdIsFound:
            never = [row for row, gt in enumerate(gts) if gt['id'] == 0]
            matches.gt_index[np.isin(matches.gt_index, never)] = -1
        self.matches[vid_id, group] = matches

    def _mask_ious(self, vid_id: Id, group: Id, gts: list[dict],
                   dts: list[dict]) -> tuple[np.ndarray, np.ndarray]:
        """(D, G) overlaps and (D,) mean areas of all result tracks."""
        dt_areas = np.array([mean_area(dt['areas']) for dt in dts])
        dt_masks = self.pairs.dt_masks(dts, vid_id)
        if not dts or not gts:
            return np.zeros((len(dts), len(gts))), dt_areas
        gt_masks = self.pairs.gt_masks(gts, vid_id)
        overlaps = self.pairs.overlaps(vid_id, (group, *self.params.catIds) if group == -1 else
                                       group, gt_masks, dt_masks)
        return mask_track_iou(dt_masks, gt_masks, overlaps), dt_areas

    def _box_ious(self, vid_id: Id, _: Id, gts: list[dict],
                  dts: list[dict]) -> tuple[np.ndarray, np.ndarray]:
        """The same on boxes."""
        shape = -1, num_frames(self.cocoGt.vids[vid_id]), 4
        dt = np.array([result_boxes(dt) for dt in dts], float).reshape(shape)
        gt = np.array([_filled(gt['bboxes']) for gt in gts], float).reshape(shape)
        areas = dt[..., 2:].prod(axis=2)
        return box_track_iou(dt, gt), np.array([mean_area(row) for row in areas.tolist()])

    def accumulate(self) -> None:
        """Precision and recall over all videos, see ``eval``."""
        if not self.evaluated:
            raise BadValue('nothing to accumulate: call evaluate() first')
        p = self.params
        shape = (len(p.iouThrs), len(p.recThrs), len(self._groups()), len(p.areaRng),
                 len(p.maxDets))
        precision, scores = -np.ones(shape), -np.ones(shape)
        recall = -np.ones((shape[0], *shape[2:]))
        for k, cat_id in enumerate(self._groups()):
            videos = [self.matches[vid, cat_id] for vid in p.vidIds
                      if (vid, cat_id) in self.matches]
            if not videos:
                continue
            matches, rank = join(videos)
            for a, m in np.ndindex(shape[3:]):
                curve = precision_recall(matches, rank, a, p.maxDets[m], p.recThrs)
                precision[:, :, k, a, m] = curve.precision
                scores[:, :, k, a, m] = curve.scores
                recall[:, k, a, m] = curve.recall
        self.eval = dict(params=p, counts=list(shape), precision=precision, recall=recall,
                         scores=scores)

    def mean(self, kind: str = 'precision', iou: float | None = None,
             area: str = 'all', max_dets: int = 100, category: Id | None = None) -> float:
        """Mean precision (AP) or recall (AR) over what was there to find.

        Args:
            kind: ``'precision'`` or ``'recall'``.
            iou: one IoU threshold; None: all.
            area: one of ``params.areaRngLbl``.
            max_dets: one of ``params.maxDets``.
            category: one category id; None: all.

        Returns:
            a number in [0, 1], or -1 when there is nothing to find.
        """
        p, values = self.params, self.eval[kind]
        if iou is not None:
            values = values[np.flatnonzero(np.asarray(p.iouThrs) == iou)]
        if category is not None:
            k = self._groups().index(category)
            values = values[..., k:k + 1, :, :]
        a = [i for i, label in enumerate(p.areaRngLbl) if label == area]
        m = [i for i, number in enumerate(p.maxDets) if number == max_dets]
        values = values[..., a, :][..., m]
        values = values[values > -1]
        return float(np.mean(values)) if values.size else -1.0

    def summarize(self, logger: logging.Logger | None = None) -> None:
        """Compute ``stats`` and log the official twelve lines.

        Args:
            logger: where to; None: the package's logger.
        """
        numbers = self.numbers()
        self.stats = np.array(list(numbers.values()))
        logger = logger or get_root_logger()
        for row, value in zip(self._rows(), self.stats):
            logger.info(self._line(*row, value))

    def numbers(self, category: Id | None = None) -> dict[str, float]:
        """The official twelve numbers by name, see ``STATS``, of all classes or of one.

        Raises:
            ValueError: ``accumulate`` was not called, or ``maxDets`` are not three.
        """
        if not self.eval:
            raise BadValue('nothing to summarize: call accumulate() first')
        return {name: self.mean(*row, category) for name, row in zip(STATS, self._rows())}

    def _rows(self) -> list[tuple[str, float | None, str, int]]:
        """What each of the twelve is the mean of: kind, IoU, area, tracks per video."""
        dets = self.params.maxDets
        if len(dets) < 3:
            raise BadValue(f'the twelve numbers need three maxDets, got {dets}')
        sizes = ('small', 'medium', 'large')
        return [('precision', None, 'all', 100), ('precision', .5, 'all', dets[2]),
                ('precision', .75, 'all', dets[2]),
                *(('precision', None, size, dets[2]) for size in sizes),
                *(('recall', None, 'all', number) for number in dets[:3]),
                *(('recall', None, size, dets[2]) for size in sizes)]

    def _line(self, kind: str, iou: float | None, area: str, dets: int, value: float) -> str:
        title, short = dict(precision=('Average Precision', '(AP)'),
                            recall=('Average Recall', '(AR)'))[kind]
        thrs = self.params.iouThrs
        which = f'{thrs[0]:0.2f}:{thrs[-1]:0.2f}' if iou is None else f'{iou:0.2f}'
        return (f' {title:<18} {short} @[ IoU={which:<9} | area={area:>6s} | '
                f'maxDets={dets:>3d} ] = ' + (f'{value:0.3f}' if value > -1 else '-'))


def check_scorable(gt: dict, iou_type: str, name: str) -> None:
    """Check that an annotation has what scoring needs.

    Raises:
        ValueError: names the annotation and the key.
    """
    where = f'{name}: annotation {gt["id"]}'
    for key in ('areas', 'segmentations' if iou_type == 'segm' else 'bboxes'):
        if not isinstance(gt.get(key), list):
            raise BadValue(f'{where} has no "{key}"; scoring needs one entry per frame '
                           '(null where absent)')
    crowd = gt.get('iscrowd')
    if not is_finite(crowd):
        raise BadValue(f'{where} needs "iscrowd" 0 or 1, got {crowd!r:.60}')
    for area in gt['areas']:
        if area is not None and not is_finite(area):
            raise BadValue(f'{where}: area {area!r:.60} is no number of pixels')
    for box in gt['bboxes'] if iou_type == 'bbox' else ():
        if box is not None and not is_box(box):
            raise BadValue(f'{where}: {box!r:.60} is no box [x, y, width, height]')


def result_boxes(track: dict) -> list[Sequence[float]]:
    """Boxes (x, y, width, height) of a result track, zeros where absent."""
    if track.get('bboxes') is not None:
        return _filled(track['bboxes'])
    return [[0.] * 4 if rle is None else mask_utils.toBbox(rle).tolist()
            for rle in track['segmentations']]


def _filled(boxes: list[Sequence[float] | None]) -> list[Sequence[float]]:
    return [[0.] * 4 if box is None else box for box in boxes]
