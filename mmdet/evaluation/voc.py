"""Scores of single images as Pascal VOC defines them."""
import logging
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from mmdet.evaluation.coco import boxes_of_records
from mmdet.evaluation.mean_ap import eval_map, print_map_summary
from mmdet.evaluation.recall import IOU_THRS, PROPOSAL_NUMS, eval_recalls
from mmdet.utils.errors import BadValue
from mmdet.utils.logger import get_root_logger


class Images(Protocol):
    """What is asked of a data set of images.

    Attributes:
        CLASSES: names in label order, or None.
        img_ids: id of every item, as results call it.
        cat_ids: category ids in label order.
        places: of every item its place in the annotation file.
    """
    CLASSES: Sequence[str] | None
    img_ids: Sequence
    cat_ids: Sequence
    places: Sequence[int]

    def get_ann_info(self, idx: int) -> dict[str, Any]:
        """Boxes and labels of the image at a place of the file."""


def voc_eval(results: Sequence, dataset: Images, iou_thrs: Sequence[float] = (0.5,),
             logger: logging.Logger | None = None) -> dict[str, float]:
    """Mean AP of detections; difficult objects are neither to be found nor wrong.

    Args:
        results: for each item one array (n, 5) per class, x1 y1 x2 y2 score, or a pair of that
            and masks.
        dataset: of images; 11 points are taken where its ``year`` is 2007.
        iou_thrs: least overlaps of a found object, a table each.
        logger: gets the tables; None: the package's.

    Returns:
        ``mAP``, the mean over the thresholds, and ``AP50``, ... for each of them.

    Raises:
        ValueError: no detections of the images of this data set.
    """
    logger = logger or get_root_logger()
    annotations = [dataset.get_ann_info(int(place)) for place in dataset.places]
    truth = [_with_ignored(ann) for ann in annotations]
    boxes, labels, ignore = ([entry[i] for entry in truth] for i in range(3))
    mode = 'voc07' if getattr(dataset, 'year', None) == 2007 else None
    detections = [_boxes_only(result, place) for place, result in enumerate(results)]
    scores = {}
    for thr in iou_thrs:
        mean, classes = eval_map(detections, boxes, labels, ignore, iou_thr=thr, dataset=mode,
                                 print_summary=False)
        logger.info('IoU %g%s', thr, ', 11 points' if mode else '')
        print_map_summary(mean, classes, dataset.CLASSES, logger)
        scores[f'AP{100 * thr:g}'] = float(np.mean(mean))
    return dict(mAP=float(np.mean(list(scores.values()))), **scores)


def _with_ignored(ann: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes (n + k, 4), labels and ignore flags (n + k,), the ignored at the end."""
    boxes, ignored = (np.asarray(ann.get(key, ()), np.float32).reshape(-1, 4)
                      for key in ('bboxes', 'bboxes_ignore'))
    labels, of_ignored = (np.asarray(ann.get(key, ()), np.int64).reshape(-1)
                          for key in ('labels', 'labels_ignore'))
    ignored = ignored[:len(of_ignored)]  # without a label they belong to no class
    return (np.concatenate([boxes, ignored]), np.concatenate([labels, of_ignored]),
            np.arange(len(boxes) + len(ignored)) >= len(boxes))


def _boxes_only(result: Any, place: int) -> Sequence[np.ndarray]:
    boxes = result[0] if isinstance(result, tuple) else result
    if not isinstance(boxes, list):
        raise BadValue(f'results: image {place} holds no boxes by class, but '
                       f'{type(boxes).__name__}; test a detector, not an RPN, for mean AP')
    return boxes


def score_records(records: Sequence[dict], kind: str, dataset: Images,
                  logger: logging.Logger | None = None) -> dict[str, float]:
    """Score COCO records against a data set of any format.

    Args:
        records: with ``image_id``, ``category_id``, ``bbox`` and ``score``.
        kind: ``'bbox'``: :func:`voc_eval`; ``'proposal_fast'``: average recall.
        dataset: the images; their ids and categories are those of the records.
        logger: gets tables; None: the package's.

    Returns:
        ``mAP`` and ``AP50``; or ``AR@100``, ``AR@300``, ``AR@1000``.
    """
    if kind == 'proposal_fast':
        truth = [dataset.get_ann_info(int(place))['bboxes'] for place in dataset.places]
        truth = [np.asarray(boxes, np.float32).reshape(-1, 4) for boxes in truth]
        found = boxes_of_records(records, dataset.img_ids)
        recalls = eval_recalls(truth, found, PROPOSAL_NUMS, IOU_THRS, print_summary=False)
        return {f'AR@{num}': float(r) for num, r in zip(PROPOSAL_NUMS, recalls.mean(axis=1))}
    by_class = [boxes_of_records([r for r in records if r['category_id'] == cat_id],
                                 dataset.img_ids) for cat_id in dataset.cat_ids]
    return voc_eval([list(image) for image in zip(*by_class)], dataset, logger=logger)
