"""Mean average precision of boxes as Pascal VOC and ImageNet define it."""
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from terminaltables import AsciiTable

from mmdet.evaluation.box_overlaps import bbox_overlaps, box_areas
from mmdet.evaluation.class_names import get_classes
from mmdet.utils.errors import BadValue
from mmdet.utils.logger import get_root_logger

ELEVEN = np.arange(0, 1 + 1e-3, 0.1)  # 0.3 is 0.30000000000000004 here, as in 2019
IMAGENET = 'det', 'vid'
Area = tuple[float, float]  # square pixels, the end not included
EVERY: Area = (-np.inf, np.inf)


def average_precision(recalls: np.ndarray, precisions: np.ndarray,
                      mode: str = 'area') -> float | np.ndarray:
    """Average precision from the curve of a detector.

    Args:
        recalls, precisions: (n,), or (S, n) for S size ranges, after each detection in falling
            order of score; recalls do not fall.
        mode: ``'area'`` under the curve made monotonic (VOC 2010 and later), or ``'11points'``:
            the mean of the best precision from recall 0, 0.1, ... 1 on (VOC 2007).

    Returns:
        a number, or (S,) float64.

    Raises:
        ValueError: unknown mode, or shapes that differ.
    """
    if mode not in ('area', '11points'):
        raise BadValue(f"mode is 'area' or '11points', got {mode!r}")
    recalls, precisions = np.asarray(recalls, np.float64), np.asarray(precisions, np.float64)
    if recalls.shape != precisions.shape or recalls.ndim not in (1, 2):
        raise BadValue('recalls and precisions must have one shape, (n,) or (S, n), got '
                       f'{recalls.shape} and {precisions.shape}')
    if recalls.ndim == 2:
        return np.array([average_precision(*row, mode) for row in zip(recalls, precisions)])
    best = np.maximum.accumulate(precisions[::-1])[::-1]  # from here to the end
    if mode == 'area':
        return float((np.diff(recalls, prepend=0) * best).sum())
    places = np.searchsorted(recalls, ELEVEN)
    return float(np.append(best, 0)[places].sum() / len(ELEVEN))


def eval_map(det_results: Sequence[Sequence[np.ndarray]], gt_bboxes: Sequence[np.ndarray],
             gt_labels: Sequence[np.ndarray], gt_ignore: Sequence[np.ndarray] | None = None,
             scale_ranges: Sequence[tuple[float, float]] | None = None, iou_thr: float = 0.5,
             dataset: str | Sequence[str] | None = None, print_summary: bool = True,
             logger: logging.Logger | None = None) -> tuple[float | list[float], list[dict]]:
    """Mean AP over the classes that have objects.

    Args:
        det_results: for each image one array (n, 5) per class: x1 y1 x2 y2 score.
        gt_bboxes: for each image (G, 4) xyxy.
        gt_labels: for each image (G,), 1-based.
        gt_ignore: for each image (G,) bool: difficult objects, which are neither to be found nor
            wrong; None: none are.
        scale_ranges: (least, end) of the square root of an object's area in pixels: AP of each.
        iou_thr: least overlap of a found object.
        dataset: ``'voc07'`` takes 11 points, ``'det'`` and ``'vid'`` match as ImageNet (lower
            thresholds for small objects, a detection may take its second best); otherwise class
            names, or the name of a data set that has some, for the table.
        print_summary: write a table of classes to the logger.
        logger: None: the package's.

    Returns:
        mean AP (a list with ``scale_ranges``), and a dict per class: ``num_gts``, ``num_dets``,
        ``recall`` and ``precision`` after each detection in falling order of score, ``ap``. With
        S ranges these have a first axis S.

    Raises:
        ValueError: the lists are of different images.

    Source: as the 2019 code, but for 11 points with several ranges, which it divided too often.
    """
    _check(det_results, gt_bboxes, gt_labels, gt_ignore)
    areas = [EVERY] if scale_ranges is None else [(a ** 2, b ** 2) for a, b in scale_ranges]
    mode = '11points' if dataset == 'voc07' else 'area'
    results = []
    flags = gt_ignore or [np.zeros(len(labels), bool) for labels in gt_labels]
    for label in range(len(det_results[0]) if len(det_results) else 0):
        images = [_of_class(*image, label)
                  for image in zip(det_results, gt_bboxes, gt_labels, flags)]
        results.append(_class_curve(images, areas, iou_thr, dataset in IMAGENET, mode))
    num_gts, aps = (np.array([result[key] for result in results]).reshape(-1, len(areas))
                    for key in ('num_gts', 'ap'))
    means = [float(ap[num > 0].mean()) if (num > 0).any() else 0.
             for num, ap in zip(num_gts.T, aps.T)]
    mean_ap: float | list[float] = means
    if scale_ranges is None:
        mean_ap = means[0]
        results = [{key: value if np.ndim(value) == 0 else value[0] for key, value in r.items()}
                   for r in results]
    if print_summary:
        print_map_summary(mean_ap, results, dataset, logger)
    return mean_ap, results


def _check(det_results: Sequence, gt_bboxes: Sequence, gt_labels: Sequence,
           gt_ignore: Sequence | None) -> None:
    counts = [len(part) for part in (det_results, gt_bboxes, gt_labels, gt_ignore)
              if part is not None]
    if len(set(counts)) > 1:
        raise BadValue('mean AP: expected results and ground truth of the same images, got '
                       f'{counts} of them; test with the annotation file that is scored')
    for place, image in enumerate(zip(gt_bboxes, gt_labels, gt_ignore or gt_labels)):
        if len({len(part) for part in image}) > 1:
            raise BadValue(f'mean AP: image {place} has {[len(part) for part in image]} boxes, '
                           'labels, ignore flags; expected one of each for every object')
    for place, image in enumerate(det_results):
        if len(image) != len(det_results[0]):
            raise BadValue(f'mean AP: image {place} has results for {len(image)} classes, the '
                           f'first one for {len(det_results[0])}; run the test again')


def _of_class(dets: Sequence[np.ndarray], boxes: np.ndarray, labels: np.ndarray,
              ignore: np.ndarray, label: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Detections (n, 5), boxes (G, 4) and flags (G,) of one class in one image."""
    mine = np.asarray(labels).reshape(-1) == label + 1
    return (np.asarray(dets[label], np.float32).reshape(-1, 5),
            np.asarray(boxes, np.float32).reshape(-1, 4)[mine],
            np.asarray(ignore, bool).reshape(-1)[mine])


def _class_curve(images: Sequence[tuple], areas: Sequence[Area], iou_thr: float, imagenet: bool,
                 mode: str) -> dict[str, Any]:
    """The entry of one class in what :func:`eval_map` returns, first axis: areas."""
    match = _imagenet_matches if imagenet else _voc_matches
    found = [match(dets, boxes, ignore, areas, iou_thr) for dets, boxes, ignore in images]
    right, wrong = (np.concatenate([image[i] for image in found], axis=1) for i in (0, 1))
    scores = np.concatenate([dets[:, 4] for dets, _, _ in images])
    order = (-scores).argsort(kind='stable')
    right, wrong = right[:, order].cumsum(axis=1), wrong[:, order].cumsum(axis=1)
    num_gts = np.array([sum(int((_inside(boxes, area) & ~ignore).sum())
                            for _, boxes, ignore in images) for area in areas])
    tiny = np.finfo(np.float32).eps
    recall = right / np.maximum(num_gts[:, None], tiny)
    precision = right / np.maximum(right + wrong, tiny)
    return dict(num_gts=num_gts, num_dets=len(scores), recall=recall, precision=precision,
                ap=average_precision(recall, precision, mode))


def _inside(boxes: np.ndarray, area: Area) -> np.ndarray:
    sizes = box_areas(boxes)
    return (sizes >= area[0]) & (sizes < area[1])


def _voc_matches(dets: np.ndarray, boxes: np.ndarray, ignore: np.ndarray, areas: Sequence[Area],
                 iou_thr: float) -> tuple[np.ndarray, np.ndarray]:
    """Which detections are right and which wrong, (S, n) bool each; an ignored match is neither.

    A detection stands for the box it overlaps most; of several for one box the best score wins.
    """
    right, wrong = np.zeros((2, len(areas), len(dets)), bool)
    if not len(boxes):
        return right, np.array([_inside(dets, area) for area in areas])
    ious = bbox_overlaps(dets, boxes)
    best, hit = ious.argmax(axis=1), ious.max(axis=1) >= iou_thr
    order = (-dets[:, 4]).argsort(kind='stable')
    for k, area in enumerate(areas):
        counts = hit & ~(ignore | ~_inside(boxes, area))[best]
        claims = order[counts[order]]
        right[k, claims[np.unique(best[claims], return_index=True)[1]]] = True
        wrong[k] = counts & ~right[k] | ~hit & _inside(dets, area)
    return right, wrong


def _imagenet_matches(dets: np.ndarray, boxes: np.ndarray, ignore: np.ndarray,
                      areas: Sequence[Area], iou_thr: float) -> tuple[np.ndarray, np.ndarray]:
    """As :func:`_voc_matches`; a detection takes the best box that is still free."""
    right, wrong = np.zeros((2, len(areas), len(dets)), bool)
    ious = bbox_overlaps(dets, boxes - 1)
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    near = np.minimum(sides.prod(axis=1) / (sides + 10).prod(axis=1), iou_thr)
    ious[ious < near] = -1
    for k, area in enumerate(areas):
        skip, counts = ignore | ~_inside(boxes, area), _inside(dets, area)
        free = ious.copy()
        for i in (-dets[:, 4]).argsort(kind='stable'):
            j = free[i].argmax() if len(boxes) else -1
            if j < 0 or free[i, j] < 0:
                wrong[k, i] = counts[i]
            else:
                free[:, j] = -1
                right[k, i] = not skip[j]
    return right, wrong


def print_map_summary(mean_ap: float | list[float], results: Sequence[dict],
                      dataset: str | Sequence[str] | None = None,
                      logger: logging.Logger | None = None) -> None:
    """Write a table of classes, one per size range, to a logger.

    Args:
        mean_ap, results: from :func:`eval_map`.
        dataset: class names, or the name of a data set that has some; None: numbers.
        logger: None: the package's.
    """
    names: Sequence[str] = [str(i + 1) for i in range(len(results))]
    if dataset is not None:
        names = get_classes(dataset) if isinstance(dataset, str) else dataset
    for k, mean in enumerate(np.atleast_1d(mean_ap)):
        rows = [['class', 'gts', 'dets', 'recall', 'precision', 'ap']]
        for name, result in zip(names, results):
            recall, precision = (np.atleast_2d(result[key])[k] for key in ('recall', 'precision'))
            rows.append([name, np.atleast_1d(result['num_gts'])[k], result['num_dets'],
                         *(f'{value:.3f}' for value in (
                             *(curve[-1] if len(curve) else 0 for curve in (recall, precision)),
                             np.atleast_1d(result['ap'])[k]))])
        table = AsciiTable([*rows, ['mAP', '', '', '', '', f'{mean:.3f}']])
        table.inner_footing_row_border = True
        (logger or get_root_logger()).info('\n%s', table.table)
