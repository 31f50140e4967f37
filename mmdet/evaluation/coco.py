"""Scores of single images in COCO format: pycocotools, and recall without it."""
import contextlib
import io
import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmdet.evaluation.recall import IOU_THRS, PROPOSAL_NUMS, eval_recalls
from mmdet.evaluation.ytvoseval import STATS
from mmdet.formats.json_files import read_json
from mmdet.formats.result_files import ENDINGS, load_results
from mmdet.utils.errors import BadValue
from mmdet.utils.logger import get_root_logger

TYPES = 'bbox', 'segm', 'proposal', 'proposal_fast'


def coco_eval(result_file: str | os.PathLike | list, result_types: str | Sequence[str],
              coco: COCO | str, max_dets: Sequence[int] = PROPOSAL_NUMS,
              logger: logging.Logger | None = None) -> dict[str, dict[str, float]]:
    """Score COCO results with the official numbers.

    Args:
        result_file: json of records with ``image_id``, ``category_id``, ``score`` and ``bbox`` or
            ``segmentation``, or its content; for ``proposal_fast`` also the ``X.pkl`` of
            proposals, or its content: an array (n, 5) for each image of the file.
        result_types: ``'bbox'``, ``'segm'``, ``'proposal'`` (average recall of boxes whatever their
            class, by pycocotools), ``'proposal_fast'`` (the same in a tenth of the time; crowds
            are left out), or a list of them.
        coco: the annotations, or the path of their file.
        max_dets: numbers of proposals that recall is measured at.
        logger: where the tables go; None: the package's logger.

    Returns:
        ``{'bbox': {'AP': ..., 'AP50': ..., ... 'ARl': ...}, 'proposal': {'AR@100': ...}}``, numbers
        in [0, 1], -1 where there was nothing to find; all are 0 without results.

    Raises:
        FileNotFoundError: no such file.
        ValueError: an unknown result type, or results of other images.
    """
    logger = logger or get_root_logger()
    types = [result_types] if isinstance(result_types, str) else list(result_types)
    for kind in types:
        if kind not in TYPES:
            raise BadValue(f'result type: expected {", ".join(TYPES)}, got "{kind}"')
    with contextlib.redirect_stdout(io.StringIO()):  # COCO prints
        coco = coco if isinstance(coco, COCO) else COCO(coco)
    content = _read(result_file)
    if all(isinstance(entry, dict) for entry in content):
        _check_images(content, coco)
    elif types != ['proposal_fast']:
        raise BadValue(f'{_name(result_file)}: holds arrays; only proposal_fast reads those, '
                       f'{", ".join(types)} need the json that was written beside it')
    return {kind: _score(coco, content, kind, max_dets, logger) for kind in types}


def _read(results: str | os.PathLike | Sequence) -> list:
    if not isinstance(results, (str, os.PathLike)):
        return list(results)
    path = os.fspath(results)
    content = load_results(path) if path.endswith(ENDINGS) else read_json(path)
    if not isinstance(content, list):
        raise BadValue(f'{path}: expected a list of results, got {type(content).__name__}')
    return content


def _name(results: Any) -> str:
    return os.fspath(results) if isinstance(results, (str, os.PathLike)) else 'results'


def _check_images(records: Sequence[dict], coco: COCO) -> None:
    unknown = {r.get('image_id') for r in records} - set(coco.imgs)
    if unknown:
        raise BadValue(f'results: image {min(unknown, key=str)} is not in the annotation file; '
                       'test with the file you score with')


def _score(coco: COCO, content: list, kind: str, max_dets: Sequence[int],
           logger: logging.Logger) -> dict[str, float]:
    if kind == 'proposal_fast':
        recalls = fast_eval_recall(content, coco, max_dets)
        scores = {f'AR@{num}': float(recall) for num, recall in zip(max_dets, recalls)}
        logger.info('%s\n%s', kind, '\n'.join(f'{key} = {v:.4f}' for key, v in scores.items()))
        return scores
    if not content:
        logger.warning('%s: there is not one detection, every number is 0', kind)
        return dict.fromkeys(_recall_names(max_dets) if kind == 'proposal' else STATS, 0.0)
    with contextlib.redirect_stdout(io.StringIO()):
        found = coco.loadRes([dict(record) for record in content])
        evaluator = COCOeval(coco, found, 'bbox' if kind == 'proposal' else kind)
        if kind == 'proposal':
            evaluator.params.useCats, evaluator.params.maxDets = 0, sorted(max_dets)
        evaluator.evaluate()
        evaluator.accumulate()
    return _summary(evaluator, logger) if kind != 'proposal' else _recalls(evaluator, logger)


def _summary(evaluator: COCOeval, logger: logging.Logger) -> dict[str, float]:
    """The official twelve numbers."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        evaluator.summarize()
    logger.info('%s\n%s', evaluator.params.iouType, text.getvalue().rstrip())
    return dict(zip(STATS, (float(value) for value in evaluator.stats)))


def _recall_names(max_dets: Sequence[int]) -> list[str]:
    most = max(max_dets)
    return [f'AR@{num}' for num in sorted(max_dets)] + [f'AR{size}@{most}' for size in 'sml']


def _recalls(evaluator: COCOeval, logger: logging.Logger) -> dict[str, float]:
    """Average recall at every number of proposals, and by size at the largest."""
    recall = evaluator.eval['recall'][:, 0]  # (thresholds, areas, numbers), -1: nothing to find
    places = [(0, k) for k in range(recall.shape[2])] + [(area, -1) for area in (1, 2, 3)]
    means = [recall[:, area, k] for area, k in places]
    scores = {name: float(values[values > -1].mean()) if (values > -1).any() else -1.
              for name, values in zip(_recall_names(evaluator.params.maxDets), means)}
    logger.info('proposal\n%s', '\n'.join(f'{key:10} = {v:.4f}' for key, v in scores.items()))
    return scores


def fast_eval_recall(results: str | os.PathLike | Sequence, coco: COCO | str,
                     max_dets: Sequence[int] = PROPOSAL_NUMS,
                     iou_thrs: Sequence[float] = IOU_THRS) -> np.ndarray:
    """Average recall of proposals over IoU thresholds, crowds and ignored objects left out.

    Args:
        results: an array (n, 5) or (n, 4) for each image in the order of the annotation file, the
            ``X.pkl`` that holds them, or COCO records.
        coco: the annotations, or the path of their file.
        max_dets: numbers of proposals.
        iou_thrs: thresholds that are averaged.

    Returns:
        (numbers,) float64 in [0, 1].

    Raises:
        ValueError: results of other images.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        coco = coco if isinstance(coco, COCO) else COCO(coco)
    content = _read(results)
    if all(isinstance(entry, dict) for entry in content):
        content = boxes_of_records(content, coco.imgs)
    gts = [solid_boxes(coco.imgToAnns.get(img_id, ())) for img_id in coco.imgs]
    return eval_recalls(gts, content, max_dets, iou_thrs, print_summary=False).mean(axis=1)


def solid_boxes(annotations: Sequence[dict]) -> np.ndarray:
    """(n, 4) float32 xyxy inclusive of the annotations that are neither crowds nor ignored."""
    boxes = np.array([ann['bbox'] for ann in annotations
                      if not ann.get('ignore') and not ann.get('iscrowd')], np.float32)
    boxes = boxes.reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2] - 1
    return boxes


def boxes_of_records(records: Sequence[dict], img_ids: Sequence) -> list[np.ndarray]:
    """COCO box records as one (n, 5) float32 array per image: x1 y1 x2 y2 score.

    Raises:
        ValueError: a record has no box.
    """
    by_image: dict[Any, list] = {img_id: [] for img_id in img_ids}
    for record in records:
        if 'bbox' not in record:
            raise BadValue(f'results: a record of image {record.get("image_id")} has no "bbox"; '
                           'score proposals with the json of boxes')
        x, y, width, height = record['bbox']
        by_image[record['image_id']].append((x, y, x + width - 1, y + height - 1, record['score']))
    return [np.array(rows, np.float32).reshape(-1, 5) for rows in by_image.values()]
