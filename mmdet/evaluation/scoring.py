"""One call that scores a result file with the official numbers."""
import logging
import os
from collections.abc import Iterable

from mmdet.evaluation.ytvoseval import YTVOSeval
from mmdet.formats.entries import Id
from mmdet.formats.ytvos import YTVOS
from mmdet.utils.errors import BadValue


def ytvos_eval(result_file: str | os.PathLike | list, result_types: str | list[str],
               ytvos: YTVOS | str | os.PathLike,
               logger: logging.Logger | None = None) -> dict[str, dict[str, float]]:
    """Score a result file with the official numbers.

    Args:
        result_file: the json, or its content; see ``YTVOS.loadRes``.
        result_types: ``'segm'``, ``'bbox'`` or a list of them.
        ytvos: the annotation index, or the path of the annotation file.
        logger: where the official twelve lines go; None: the package's logger.

    Returns:
        ``{'segm': {'AP': ..., 'AP50': ..., ... 'ARl': ...}}``, numbers in
        [0, 1], -1 where there was nothing to find.

    Raises:
        ValueError: no annotations to score against, or bad results.
    """
    if not isinstance(ytvos, YTVOS):
        ytvos = YTVOS(ytvos)
    check_annotated(ytvos)
    types = [result_types] if isinstance(result_types, str) else list(result_types)
    results = ytvos.loadRes(result_file)
    scores = {}
    for kind in types:
        evaluator = evaluated(ytvos, results, kind)
        evaluator.summarize(logger)
        scores[kind] = evaluator.numbers()
    return scores


def check_annotated(ytvos: YTVOS) -> None:
    """Refuse to score against nothing (ValueError)."""
    if not ytvos.anns:
        raise BadValue(f'{ytvos.name} has no annotations (the public validation and test '
                       'files have none): score on a split of the training set, made by '
                       'tools/convert_datasets/split_videos.py, or submit the results')


def evaluated(ytvos: YTVOS, results: YTVOS, iou_type: str,
              vid_ids: Iterable[Id] | None = None) -> YTVOSeval:
    """An evaluator that is done: every object counts, id 0 too; of some videos or of all."""
    evaluator = YTVOSeval(ytvos, results, iou_type)
    evaluator.params.zeroIdIsFound = True
    if vid_ids is not None:
        evaluator.params.vidIds = list(vid_ids)
    evaluator.evaluate()
    evaluator.accumulate()
    return evaluator
