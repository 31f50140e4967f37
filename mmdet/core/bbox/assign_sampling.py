"""Assigners and samplers from their configs."""
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from mmdet.core.bbox.assigners import AssignResult
from mmdet.core.bbox.registry import ASSIGNERS, SAMPLERS
from mmdet.core.bbox.samplers import Hardness, SamplingResult, or_nones
from mmdet.utils.errors import BadValue


def build_assigner(cfg: dict) -> Any:
    """Build an assigner from ``dict(type=..., ...)``."""
    return ASSIGNERS.build(cfg)


def build_sampler(cfg: dict) -> Any:
    """Build a sampler from ``dict(type=..., ...)``.

    Raises:
        ValueError: ``num`` is no whole number from 1 up.
    """
    if isinstance(cfg, dict) and (type(cfg.get('num', 1)) is not int or cfg.get('num', 1) < 1):
        raise BadValue(f'{cfg.get("type")}: num must be a whole number from 1 up, '
                       f'got {cfg["num"]!r}: nothing would train')
    return SAMPLERS.build(cfg)


def assign_and_sample(bboxes: Tensor, gt_bboxes: Tensor, gt_bboxes_ignore: Tensor | None,
                      gt_labels: Tensor | None, cfg: dict) -> tuple[AssignResult, SamplingResult]:
    """Assign the boxes of one image to its ground truths and draw from them.

    Args:
        bboxes: (n, 4 or 5) xyxy in network pixels.
        gt_bboxes: (G, 4); G may be 0: everything is background.
        gt_bboxes_ignore: (K, 4) crowds or None.
        gt_labels: (G,) 1-based or None.
        cfg: with ``assigner`` and ``sampler``.
    """
    assigned = build_assigner(cfg['assigner']).assign(
        bboxes, gt_bboxes, gt_bboxes_ignore, gt_labels)
    return assigned, build_sampler(cfg['sampler']).sample(
        assigned, bboxes, gt_bboxes, gt_labels)


def assign_and_sample_images(bboxes: Sequence[Tensor], gt_bboxes: Sequence[Tensor],
                             gt_bboxes_ignore: Sequence[Tensor] | None,
                             gt_labels: Sequence[Tensor] | None, cfg: dict,
                             hardness: Hardness | None = None) -> list[SamplingResult]:
    """:func:`assign_and_sample` of a batch, one entry per image; the host waits once.

    ``hardness`` gives the losses of candidates to a sampler that chooses by them.
    """
    assigner, num = build_assigner(cfg['assigner']), len(bboxes)
    assigned = [assigner.assign(*image) for image in zip(
        bboxes, gt_bboxes, or_nones(gt_bboxes_ignore, num), or_nones(gt_labels, num))]
    return build_sampler(cfg['sampler']).sample_images(
        assigned, bboxes, gt_bboxes, gt_labels, hardness)
