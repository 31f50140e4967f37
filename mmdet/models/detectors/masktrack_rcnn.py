"""MaskTrack R-CNN (arXiv:1905.04804): a two-stage detector that knows objects again."""
import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mmdet.core.bbox import Detections, bbox2roi, bbox_overlaps
from mmdet.core.bbox.detections import NOT_FINITE
from mmdet.core.host import first_true
from mmdet.core.track import TrackMemory, TrackOptions, assign_in_rounds, match_scores
from mmdet.formats.detections import FrameDetections
from mmdet.formats.track_result import TrackResult
from mmdet.models import builder
from mmdet.models.detectors.cascade_rcnn import CascadeRCNN
from mmdet.models.detectors.roi_stage import GroundTruth, LookedAt
from mmdet.models.detectors.two_stage import TwoStageDetector
from mmdet.models.detectors.view import View
from mmdet.models.registry import DETECTORS
from mmdet.utils.errors import BadValue

FORGET_EVERY = 32  # frames, at least: objects older than max_age go, for which the host waits

TRACK_TEST_KEYS = tuple(inspect.signature(TrackOptions).parameters)


class Tracker(TwoStageDetector):
    """An embedding for every box, matched over the frames of a video.

    Args:
        track_head: config of the tracking head.
        kwargs: see the detector that is made a tracker; for ``test_cfg.track`` see
            :class:`TrackOptions`.
    """

    def __init__(self, track_head: dict, **kwargs) -> None:
        super().__init__(**kwargs)
        self.track_head = builder.build_head(track_head)
        self.track_head.init_weights()
        self.tracking = TrackOptions(**(self.test_cfg or {}).get('track') or {})
        if 'masks' in self.tracking.reads and self.mask_head is None:
            raise BadValue('test_cfg.track.cues: MotionMaskIoU reads masks, but the model has no '
                           'mask_head; take MotionIoU')

    # Training.

    def forward_train(self, img: Tensor, img_meta: list[dict], gt_bboxes: Sequence[Tensor],
                      gt_labels: Sequence[Tensor], ref_img: Tensor,
                      ref_bboxes: Sequence[Tensor], gt_pids: Sequence[Tensor],
                      gt_bboxes_ignore: Sequence[Tensor] | None = None,
                      gt_masks: Sequence[Tensor | np.ndarray] | None = None
                      ) -> dict[str, Tensor]:
        """Losses of a batch of frame pairs, 0-d each.

        Args:
            ref_img: (N, 3, H, W) normalised reference frames.
            ref_bboxes: N tensors (M_i, 4): the objects of the reference frames.
            gt_pids: N tensors (G_i,) int64: 1 + row in ``ref_bboxes`` of the same
                object, 0 if it is not there.
            others: see :class:`TwoStageDetector`.
        """
        gt = GroundTruth(gt_bboxes, gt_labels, gt_bboxes_ignore, gt_masks)
        feats, ref_feats = self.extract_feat(img), self.extract_feat(ref_img)
        losses, proposals = self.rpn_losses(feats, img_meta, gt)
        roi_losses, looked_at = self.roi_losses(feats, img_meta, gt, proposals)
        track_losses = self.track_losses(looked_at, ref_feats, ref_bboxes, gt_pids)
        return {**losses, **roi_losses, **track_losses}

    def track_losses(self, looked_at: LookedAt, ref_feats: tuple[Tensor, ...],
                     ref_bboxes: Sequence[Tensor], gt_pids: Sequence[Tensor]
                     ) -> dict[str, Tensor]:
        """``loss_match`` and ``match_acc`` of the positive RoIs."""
        samples = looked_at.samples
        pos_feats = torch.cat([
            feats[:len(s.pos_bboxes)] for feats, s in
            zip(looked_at.feats.split([len(s.bboxes) for s in samples]), samples)])
        embeddings = self.track_head(pos_feats).split([len(s.pos_bboxes) for s in samples])
        ref_embeddings = self.embed(ref_feats, ref_bboxes).split([len(b) for b in ref_bboxes])
        logits = [self.track_head.match(x, ref) for x, ref in zip(embeddings, ref_embeddings)]
        targets = self.track_head.get_targets(
            [s.pos_assigned_gt_inds for s in samples], gt_pids)
        return self.track_head.loss(logits, targets, self.stages[-1].train_cfg.pos_weight)

    def embed(self, feats: tuple[Tensor, ...], boxes_net: Sequence[Tensor]) -> Tensor:
        """(sum n_i, D) embeddings of (n_i, 4) boxes in network pixels, image by image."""
        return self.track_head(self.stages[-1].bbox_roi_extractor(feats, bbox2roi(boxes_net)))

    # Testing.

    @torch.no_grad()
    def track(self, img: Tensor | Sequence[Tensor], img_meta: dict | Sequence[dict],
              memory: TrackMemory | None = None,
              keep: Callable[[FrameDetections], None] | None = None
              ) -> tuple[TrackResult, TrackMemory]:
        """Detect, segment and identify the objects of the next frame of a video.

        The host waits for the device five times: for the sizes of three results, for the
        objects, for their masks.

        Args:
            img: (1, 3, H, W) normalised, or a list of flips and scales of the frame, whose
                boxes, embeddings and masks are averaged.
            img_meta: ``img_shape``, ``ori_shape``, ``scale_factor``, ``flip``, or as many.
            memory: what the call for the previous frame returned; None for the first.
            keep: gets all detections of the frame, those without an id too.

        Returns:
            The objects of this frame that have an id, and the memory for the next.
        """
        views = self.views(img, img_meta)
        dets = self.detect_boxes(views)
        embeddings = self.embed_views(views, dets.boxes).float()  # memory blends in float32
        mask_probs = None
        if 'masks' in self.tracking.reads:
            mask_probs = self.mask_probs(views, dets)
            dets = replace(dets, masks=mask_probs > self.test_cfg.rcnn.mask_thr_binary)
        dets, host, memory = self.associate(dets, embeddings, memory)
        self.check_finite(host, views)
        masks = self.masks_of(views, dets, host, True, mask_probs)
        if keep is not None:  # the others by themselves, so that keeping them changes no mask
            lost = self.masks_of(views, dets, host, False, mask_probs)
            keep(kept_frame(host, dets.probs, embeddings, masks, lost,
                            self.matched_masks(views, dets)))
        host = host[host.ids >= 0]
        return TrackResult(host.boxes.numpy(), host.scores.numpy(), host.labels.numpy(),
                           host.ids.numpy(), masks), memory

    def masks_of(self, views: Sequence[View], dets: Detections, host: Detections,
                 with_id: bool, probs: Tensor | None = None) -> list[dict]:
        """Masks of the detections with an id, or of those without.

        Args:
            host: ``dets.cpu()``.
            with_id: which.
            probs: (N, h, w) of all of them, where they are known already.
        """
        if self.mask_head is None:
            return []
        chosen = (host.ids >= 0) == with_id
        rows = first_true((dets.ids >= 0) == with_id, int(chosen.sum()))
        if probs is None:
            return self.detect_masks(views, dets[rows], host[chosen])
        return self.paste_masks(views, probs[rows], host[chosen]) if len(rows) else []

    def matched_masks(self, views: Sequence[View], dets: Detections) -> Tensor | None:
        """(N, h, w) bool: what cues read, whether one does or not."""
        if self.mask_head is None or dets.masks is not None:
            return dets.masks
        return self.mask_probs(views, dets) > self.test_cfg.rcnn.mask_thr_binary

    def associate(self, dets: Detections, embeddings: Tensor, memory: TrackMemory | None = None
                  ) -> tuple[Detections, Detections, TrackMemory]:
        """Give N detections ids; needs no weights.

        Args:
            dets: of the next frame of a video.
            embeddings: (N, D).
            memory: of the frames before; None for the first.

        Raises:
            ValueError: a cue reads masks and ``dets`` has none.

        Returns:
            the detections with ids, the same in host memory, the memory after the frame.
        """
        options = self.tracking
        if memory is None:
            blend = options.embedding
            memory = TrackMemory.empty(embeddings, blend.empty(embeddings) if blend else (),
                                       options.reads)
        if 'masks' in options.reads and dets.masks is None:
            if len(dets):
                raise BadValue('test_cfg.track.cues: MotionMaskIoU reads masks, but the detections '
                               'have none; save them again with test_video.py --save-detections')
            dets = replace(dets, masks=dets.boxes.new_zeros((0, 1, 1), dtype=torch.bool))
        dets = replace(dets, ids=self.match(dets, embeddings, memory))
        host = dets.cpu()
        num_objects = max(memory.total, *(host.ids + 1).tolist(), 0)
        memory = memory.update(dets.ids, dets.boxes, dets.labels, embeddings,
                               options.label_memory, num_objects, dets.scores,
                               options.embedding, dets.masks)
        return dets, host, self.without_old(memory)

    def without_old(self, memory: TrackMemory) -> TrackMemory:
        """Without what ``max_age`` rules out, which is looked for now and then."""
        age = self.tracking.max_age
        if age is None or memory.frame % max(age, FORGET_EVERY):
            return memory
        return memory.forget(age)

    def embed_views(self, views: Sequence[View], boxes: Tensor) -> Tensor:
        """(n, D) embeddings of (n, 4) boxes in original pixels, the means over all views."""
        return torch.stack([self.embed(view.feats, [view.to_network(boxes)])
                            for view in views]).mean(0)

    def match(self, dets: Detections, embeddings: Tensor, memory: TrackMemory) -> Tensor:
        """Ids of N detections with (N, D) embeddings.

        Returns:
            (N,) int64, -1 for none, see :mod:`mmdet.core.track.assignment`; ``NOT_FINITE``
            where the embedding holds NaN or infinity.
        """
        options, alive = self.tracking, memory.alive(self.tracking.max_age)
        logits = self.track_head.match(embeddings, memory.embeddings)
        logits[:, 1:].masked_fill_(~alive, float('-inf'))
        ious = bbox_overlaps(dets.boxes, memory.boxes)
        same_label = dets.labels[:, None] == memory.labels
        scores = match_scores(
            options.similarity(logits), dets.scores,
            F.pad(ious, (1, 0), value=self.track_head.bbox_dummy_iou),
            F.pad(same_label.float(), (1, 0), value=1), self.track_head.match_coeff)
        for cue in options.cues:
            scores = scores + F.pad(cue.weight * cue(dets, memory), (1, 0))
        if options.in_rounds:
            rows = assign_in_rounds(scores, dets.scores, ious * (same_label & alive),
                                    options.assigner, options.start_thr, options.second_round)
        else:
            rows = options.assigner(scores)
        return torch.where(embeddings.isfinite().all(dim=1), memory.ids_of(rows), NOT_FINITE)


@DETECTORS.register_module
class MaskTrackRCNN(Tracker):
    """Faster or Mask R-CNN with a tracking head; without masks it tracks boxes."""
    test_keys = dict(TwoStageDetector.test_keys, track=TRACK_TEST_KEYS)


@DETECTORS.register_module
class CascadeTrackRCNN(Tracker, CascadeRCNN):
    """Cascade R-CNN with a tracking head that looks at the boxes of the last stage."""
    test_keys = dict(CascadeRCNN.test_keys, track=TRACK_TEST_KEYS)


def kept_frame(host: Detections, probs: Tensor, embeddings: Tensor, named: Sequence[dict],
               lost: Sequence[dict], bits: Tensor | None) -> FrameDetections:
    """All N detections of a frame in their order.

    Args:
        host: with ids, in host memory.
        probs: (N, K).
        embeddings: (N, D).
        named, lost: masks of those with an id, and of those without.
        bits: (N, h, w) bool, what cues read of their masks.
    """
    masks = {True: iter(named), False: iter(lost)}
    return FrameDetections(
        host.boxes.numpy(), host.scores.numpy(), host.labels.numpy(),
        probs.float().cpu().numpy(), embeddings.float().cpu().numpy(),
        [next(masks[has_id]) for has_id in (host.ids >= 0).tolist()] if named or lost else [],
        None if bits is None else bits.cpu().numpy())
