"""Scores of single images, by pycocotools."""
import contextlib
import io
import logging
import os
from typing import Sequence

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmdet.evaluation.ytvoseval import STATS
from mmdet.formats.json_files import read_json
from mmdet.utils.errors import BadValue
from mmdet.utils.logger import get_root_logger


def coco_eval(result_file: str | os.PathLike | list, result_types: str | Sequence[str],
              coco: COCO | str, logger: logging.Logger | None = None
              ) -> dict[str, dict[str, float]]:
    """Score COCO results with the official numbers.

    Args:
        result_file: json of records with ``image_id``, ``category_id``,
            ``score`` and ``bbox`` or ``segmentation``, or its content.
        result_types: ``'segm'``, ``'bbox'`` or a list of them.
        coco: the annotations, or the path of their file.
        logger: where the official twelve lines go; None: the package's logger.

    Returns:
        ``{'bbox': {'AP': ..., 'AP50': ..., ... 'ARl': ...}}``, numbers in
        [0, 1], -1 where there was nothing to find; all AP are 0 without results.

    Raises:
        FileNotFoundError: no such file.
        ValueError: an unknown result type, or results of other images.
    """
    logger = logger or get_root_logger()
    records = result_file if isinstance(result_file, list) else read_json(os.fspath(result_file))
    types = [result_types] if isinstance(result_types, str) else list(result_types)
    wrong = [kind for kind in types if kind not in ('segm', 'bbox')]
    if wrong:
        raise BadValue(f'result type: expected "segm" or "bbox", got "{wrong[0]}"')
    text = io.StringIO()
    with contextlib.redirect_stdout(text):  # COCO prints
        coco = coco if isinstance(coco, COCO) else COCO(coco)
    unknown = {r['image_id'] for r in records} - set(coco.imgs)
    if unknown:
        raise BadValue(f'results: image {min(unknown, key=str)} is not in the annotation file; '
                       'test with the file you score with')
    return {kind: _score(coco, records, kind, logger) for kind in types}


def _score(coco: COCO, records: list[dict], kind: str, logger: logging.Logger) -> dict[str, float]:
    if not records:
        logger.warning('%s: there is not one detection, every AP is 0', kind)
        return dict.fromkeys(STATS, 0.0)
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        found = coco.loadRes([dict(record) for record in records])
        evaluator = COCOeval(coco, found, kind)
        evaluator.evaluate()
        evaluator.accumulate()
        text.truncate(0)
        text.seek(0)
        evaluator.summarize()
    logger.info('%s\n%s', kind, text.getvalue().rstrip())
    return dict(zip(STATS, (float(value) for value in evaluator.stats)))
