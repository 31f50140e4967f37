"""From scored boxes to detections."""
import torch
from torch import Tensor

from mmdet.ops import batched_nms, soft_nms
from mmdet.utils import check_keys
from mmdet.utils.errors import BadValue

NMS_KEYS = dict(nms=('type', 'iou_thr'),
                soft_nms=('type', 'iou_thr', 'method', 'sigma', 'min_score'))


def check_nms_cfg(cfg: dict) -> str:
    """The ``type`` of ``test_cfg.rcnn.nms``.

    Raises:
        ValueError: the type is unknown.
        TypeError: a key is unknown.
    """
    kind = cfg.get('type', 'nms')
    if kind not in NMS_KEYS:
        raise BadValue(f'test_cfg.rcnn.nms: type is "nms" or "soft_nms", got "{kind}"')
    check_keys(cfg, NMS_KEYS[kind], 'test_cfg.rcnn.nms')
    return kind


def multiclass_nms(bboxes: Tensor, scores: Tensor, score_thr: float, nms_cfg: dict,
                   max_num: int = -1, return_inds: bool = False) -> tuple[Tensor, ...]:
    """Non-maximum suppression class by class; the host waits twice.

    Args:
        bboxes: (n, 4) or (n, 4 * C) xyxy, one box for all classes or one each.
        scores: (n, C) with background in column 0.
        score_thr: a detection scores more than this.
        nms_cfg: ``dict(type='nms', iou_thr=0.5)``, or ``type='soft_nms'`` with
            ``iou_thr, method, sigma, min_score``.
        max_num: at most this many detections; negative: all.
        return_inds: say which boxes they come from, too.

    Returns:
        (k, 5) boxes with scores and (k,) 0-based labels. The order is that of the
        2019 code, because object ids depend on it: class by class with falling
        score, but by score alone where ``max_num`` cut some away.

    Raises:
        ValueError, TypeError: see :func:`check_nms_cfg`.
    """
    rows, cols = (scores[:, 1:] > score_thr).nonzero(as_tuple=True)
    boxes = bboxes.view(len(bboxes), bboxes.shape[1] // 4, 4)
    boxes = boxes[rows, cols + 1] if boxes.shape[1] > 1 else boxes[rows, 0]
    picked = scores[rows, cols + 1]
    found = _suppress(torch.cat([boxes, picked[:, None]], dim=1), cols, nms_cfg)
    order = found[0][:, 4].argsort(descending=True, stable=True)
    if 0 <= max_num < len(order):
        order = order[:max_num]
    else:
        order = order[found[1][order].argsort(stable=True)]
    dets, labels, kept = (values[order] for values in found)
    return (dets, labels, rows[kept]) if return_inds else (dets, labels)


def _suppress(dets: Tensor, labels: Tensor, cfg: dict) -> tuple[Tensor, Tensor, Tensor]:
    """The (k, 5) survivors, their labels and rows."""
    args = {key: value for key, value in cfg.items() if key != 'type'}
    if check_nms_cfg(cfg) == 'nms':
        keep = batched_nms(dets[:, :4], dets[:, 4], labels, **args)
        return dets[keep], labels[keep], keep
    return _soft_suppress(dets, labels, args)


def _soft_suppress(dets: Tensor, labels: Tensor, cfg: dict) -> tuple[Tensor, Tensor, Tensor]:
    """Soft-NMS runs on the host: one copy there for all classes, one back."""
    host = torch.cat([dets, labels[:, None].to(dets.dtype)], dim=1).cpu()
    kept = [host.new_zeros(0, 7)]
    for label in host[:, 5].unique():
        rows = (host[:, 5] == label).nonzero().squeeze(1)
        found, inds = soft_nms(host[rows, :5].contiguous(), **cfg)
        kept.append(torch.cat([found, label.expand(len(found), 1),
                               rows[inds, None].to(dets.dtype)], dim=1))
    table = torch.cat(kept).to(dets.device)
    return table[:, :5], table[:, 5].long(), table[:, 6].long()
