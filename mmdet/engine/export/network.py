"""What a tracking detector computes from a frame, for tracers: every shape but one is fixed."""
import copy
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmdet.core.host import rank_in_group
from mmdet.models.detectors.view import View
from mmdet.models.fuse import fold_norms
from mmdet.models.roi_extractors import SingleRoIExtractor
from mmdet.ops import RoIAlign, batched_nms
from mmdet.utils.errors import BadType, BadValue


class Found(NamedTuple):
    """The n detections in a frame, in the order that ids depend on; outputs of an exported file.

    Attributes:
        boxes: (n, 4) float32 xyxy in original pixels.
        scores: (n,) float32.
        labels: (n,) int64, 0-based.
        probs: (n, K) float32 probability of every class, background first.
        embeddings: (n, D) float32.
        masks: (n, h, w) float32 probabilities inside the boxes; (n, 0, 0) without a mask head.
        finite: 0-d bool, whether features, boxes and scores are.
    """
    boxes: Tensor
    scores: Tensor
    labels: Tensor
    probs: Tensor
    embeddings: Tensor
    masks: Tensor
    finite: Tensor


@torch.library.custom_op('mmdet::nms_mask', mutates_args=())
def nms_mask(boxes: Tensor, scores: Tensor, iou_thr: float, score_thr: float,
             max_num: int) -> Tensor:
    """Which boxes survive suppression: as ``batched_nms``, in the shape of the scores.

    Args:
        boxes: (B, n, 4) inclusive xyxy; those of different rows never meet.
        scores: (B, n); boxes that score ``score_thr`` or less, or NaN, go before.
        max_num: at most so many a row.

    Returns:
        (B, n) bool.
    """
    row, column = (scores > score_thr).nonzero(as_tuple=True)
    keep = batched_nms(boxes[row, column], scores[row, column], row, iou_thr)
    row, column = row[keep], column[keep]
    mask = torch.zeros_like(scores, dtype=torch.bool)
    mask[row, column] = rank_in_group(row) < max_num
    return mask


@nms_mask.register_fake
def _(boxes, scores, iou_thr, score_thr, max_num):
    return torch.empty_like(scores, dtype=torch.bool)


class Network(nn.Module):
    """Backbone, neck, proposals and heads of a tracking detector, from a frame to :class:`Found`.

    Results are those of the detector up to rounding. Where it has as many proposals or
    detections as were kept, this has as many as there may be, and those not kept score -1; at
    the end they are cut off.

    Args:
        detector: with a track head; a copy of it is used, its batch norms folded.
        img_shape: (h, w) of resized frames, to which boxes are clipped.

    Raises:
        TypeError: the detector does not track.
        ValueError: it has a part that no standard operator computes.
    """

    def __init__(self, detector: nn.Module, img_shape: Sequence[int]) -> None:
        super().__init__()
        check_exportable(detector)
        self.detector = copy.deepcopy(detector).cpu().eval().requires_grad_(False)
        fold_norms(self.detector)
        self.img_shape = tuple(img_shape[:2])
        self.rpn_cfg, self.rcnn_cfg = detector.test_cfg.rpn, detector.test_cfg.rcnn

    def forward(self, image: Tensor, scale_factor: Tensor) -> dict[str, Tensor]:
        """Everything in a frame.

        Args:
            image: (1, 3, H, W) float32, normalised and padded.
            scale_factor: (4,) float32 network pixels per original pixel, for x1 y1 x2 y2.

        Returns:
            the fields of :class:`Found` by name.
        """
        feats = self.detector.extract_feat(image)
        view = View(feats, dict(img_shape=self.img_shape))
        proposals, exists = self.propose(feats)
        boxes_net, scores = self.detector.predict_boxes(view, proposals)
        boxes = boxes_net.unflatten(1, (-1, 4)) / scale_factor
        valid = boxes.flatten(1).isfinite().all(dim=1)
        finite = feats[-1].isfinite().all() & scores.isfinite().all() & valid.all()
        scores = torch.where((exists & valid)[:, None], scores, -1)
        rows, columns = self.suppress(boxes, scores[:, 1:])
        picked = columns + 1 if boxes.shape[1] > 1 else torch.zeros_like(columns)
        found = boxes[rows, picked]
        back = found * scale_factor
        return Found(
            found, scores[rows, columns + 1], columns, scores[rows],
            self.detector.embed(feats, [back]), self.masks(feats, back, columns), finite)._asdict()

    def propose(self, feats: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Proposals (p, 4) in network pixels, best first, and which of them exist (p,)."""
        head, cfg = self.detector.rpn_head, self.rpn_cfg
        raw = head(feats)
        boxes, scores, *_ = head.candidates(*raw, [dict(img_shape=self.img_shape)], cfg)
        valid = boxes.isfinite().all(dim=1)  # operators for regions may crash on others
        boxes, scores = torch.where(valid[:, None], boxes, 0), torch.where(valid, scores, -1)
        num = [math.prod(x.shape[-2:]) * head.num_anchors for x in raw[0]]
        sizes = [min(n, cfg['nms_pre']) if cfg['nms_pre'] > 0 else n for n in num]
        most = cfg['nms_post'] if not 0 < cfg['nms_pre'] <= cfg['nms_post'] else max(sizes)
        keep = torch.cat([nms_mask(b[None], s[None], cfg['nms_thr'], -1., most)[0]
                          for b, s in zip(boxes.split(sizes), scores.split(sizes))])
        scores = torch.where(keep, scores, -1)
        if cfg['nms_across_levels']:
            keep = nms_mask(boxes[None], scores[None], cfg['nms_thr'], -1., len(boxes))[0]
            scores = torch.where(keep, scores, -1)
        scores, order = best(scores, cfg['max_num'])
        return boxes[order], scores >= 0

    def suppress(self, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Suppression by class, as of :func:`mmdet.core.post_processing.multiclass_nms`.

        Args:
            boxes: (p, 1 or K, 4) in original pixels.
            scores: (p, K - 1) of the classes.

        Returns:
            (n,) int64 proposals and (n,) int64 labels of the detections in their order.
        """
        num, classes = scores.shape
        of_class = (boxes[:, 1:] if boxes.shape[1] > 1 else boxes.expand(-1, classes, -1))
        keep = nms_mask(of_class.transpose(0, 1).contiguous(), scores.t().contiguous(),
                        self.rcnn_cfg['nms'].get('iou_thr', 0.5), self.rcnn_cfg['score_thr'], num)
        kept = torch.where(keep.t(), scores, -1).flatten()
        most = min(self.rcnn_cfg['max_per_img'] % (2**31), len(kept))
        score, place = best(kept, most)
        labels = place % classes
        # by class, but by score alone where some were cut away
        group = torch.where((kept >= 0).sum() > most, torch.zeros_like(labels), labels)
        group = torch.where(score >= 0, group, classes)
        order = (group * most + torch.arange(most, device=group.device)).argsort()
        order = order[(score >= 0).nonzero().squeeze(1)]  # the existing ones lead in both
        place = place[order]
        return place // classes, place % classes

    def masks(self, feats: Sequence[Tensor], boxes: Tensor, labels: Tensor) -> Tensor:
        """(n, h, w) probabilities of (n, 4) boxes in network pixels, the mean of all stages."""
        if self.detector.mask_head is None:
            return boxes.new_zeros(boxes.shape[0], 0, 0)
        return torch.stack([stage.predict_masks(feats, boxes, labels)
                            for stage in self.detector.stages]).mean(0)


def best(scores: Tensor, num: int) -> tuple[Tensor, Tensor]:
    """The ``num`` best scores and their places; equal ones keep their order."""
    scores, order = scores.sort(descending=True, stable=True)
    return scores[:num], order[:num]


def check_exportable(detector: nn.Module) -> None:
    """Whether there are standard operators for all of a detector."""
    if not hasattr(detector, 'associate'):
        raise BadType(f'{type(detector).__name__} does not track; only detectors with a '
                      'track_head are exported')
    if detector.rpn_head is None:
        raise BadType(f'{type(detector).__name__} takes its proposals from a file; only '
                      'detectors with an rpn_head are exported')
    kind = detector.test_cfg.rcnn.nms.get('type', 'nms')
    if kind != 'nms':
        raise BadValue(f'test_cfg.rcnn.nms: type "{kind}" has no standard operator; export with '
                       '--cfg-options test_cfg.rcnn.nms.type=nms')
    for name, part in detector.named_modules():
        if isinstance(part, SingleRoIExtractor) and not isinstance(part.roi_layers[0], RoIAlign):
            raise BadValue(f'{name}: {type(part.roi_layers[0]).__name__} is not exported; '
                           'only RoIAlign is')

