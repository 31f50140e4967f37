"""Cascade R-CNN (arXiv:1712.00726)."""
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from mmdet.core.bbox import bbox2roi
from mmdet.models.detectors.roi_stage import GroundTruth, LookedAt, RoIStage
from mmdet.models.detectors.two_stage import TwoStageDetector
from mmdet.models.detectors.view import View
from mmdet.models.registry import DETECTORS
from mmdet.utils.errors import BadValue


@DETECTORS.register_module
class CascadeRCNN(TwoStageDetector):
    """Box heads one behind the other, each trained on better boxes of the one before.

    Args:
        num_stages: how many.
        kwargs: see :class:`TwoStageDetector`. The parts of the second stage are lists with a
            config per stage, or one config for all. ``train_cfg`` has ``rcnn``, a list too, and
            ``stage_loss_weights``; ``test_cfg`` has ``keep_all_stages``.

    Raises:
        ValueError: a list is not of ``num_stages`` entries.
    """
    train_keys = dict(TwoStageDetector.train_keys, stage_loss_weights=None)
    test_keys = dict(TwoStageDetector.test_keys, keep_all_stages=None)

    def __init__(self, num_stages: int, **kwargs) -> None:
        self.num_stages = num_stages  # before the parts are built
        super().__init__(**kwargs)
        for key in ('rcnn', 'stage_loss_weights'):
            if self.train_cfg:
                self._check_length(self.train_cfg[key], f'train_cfg.{key}')

    def _check_length(self, values: Sequence, name: str) -> None:
        if not isinstance(values, (list, tuple)) or len(values) != self.num_stages:
            raise BadValue(f'CascadeRCNN: {name} must be a list with an entry for each of the '
                           f'{self.num_stages} stages, got {values!r:.80}')

    def build(self, build_part: Callable[[dict], nn.Module],
              cfg: dict | Sequence[dict] | None) -> nn.ModuleList | None:
        """A part of every stage."""
        if cfg is None:
            return None
        cfgs = cfg if isinstance(cfg, (list, tuple)) else [cfg] * self.num_stages
        self._check_length(cfgs, 'a part of the second stage')
        return nn.ModuleList(build_part(part) for part in cfgs)

    @property
    def stages(self) -> list[RoIStage]:
        """The looks at regions, first to last."""
        nothing = [None] * self.num_stages
        return [RoIStage(*parts) for parts in zip(
            self.bbox_roi_extractor, self.bbox_head, self.mask_roi_extractor or nothing,
            self.mask_head or nothing, self.train_cfg.rcnn if self.train_cfg else nothing)]

    # Training.

    def roi_losses(self, feats: tuple[Tensor, ...], img_meta: list[dict], gt: GroundTruth,
                   proposals: Sequence[Tensor]) -> tuple[dict[str, Tensor], LookedAt]:
        """Losses of all stages, ``s0.loss_cls`` and so on, and the regions of the last."""
        losses, looked_at = {}, None
        for i, stage in enumerate(self.stages):
            if looked_at is not None:
                proposals = self.refine(i - 1, looked_at, img_meta)
            found, looked_at = stage.losses(feats, gt, proposals)
            weight = self.train_cfg.stage_loss_weights[i]
            losses.update({f's{i}.{key}': value * weight if 'loss' in key else value
                           for key, value in found.items()})
        return losses, looked_at

    def refine(self, stage: int, looked_at: LookedAt, img_meta: list[dict]) -> list[Tensor]:
        """The boxes (n_i, 4) that a stage makes of its regions, for the next one."""
        return self.bbox_head[stage].refine_bboxes(
            looked_at.rois, looked_at.labels, looked_at.bbox_pred,
            [s.pos_is_gt for s in looked_at.samples], img_meta)

    # Testing.

    @torch.no_grad()
    def detect(self, img: Tensor | Sequence[Tensor], img_meta: dict | Sequence[dict],
               proposals: Tensor | Sequence[Tensor] | None = None) -> list | tuple | dict:
        """As :meth:`TwoStageDetector.detect`.

        With ``test_cfg.keep_all_stages`` a dict of such results: ``'stage0'`` and so on, and
        ``'ensemble'``, what is returned otherwise.
        """
        if not self.test_cfg.get('keep_all_stages'):
            return super().detect(img, img_meta, proposals)
        views = self.views(img, img_meta)
        looks = [self.look(*seen) for seen in zip(views, self.propose(views, proposals))]
        results = {}
        for i, stage in enumerate(self.stages):
            found = [stage.bbox_head.predict(*look[i], view.meta['img_shape'])
                     for view, look in zip(views, looks)]
            results[f'stage{i}'] = self.result(views, self.merge(found, views), [stage])
        found = [self.ensemble(*seen) for seen in zip(views, looks)]
        results['ensemble'] = self.result(views, self.merge(found, views))
        return results

    def look(self, view: View, regions: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
        """What every stage makes of the regions of a view, each of the boxes of the one before.

        Returns:
            a stage: regions (n, 5), raw scores (n, K), raw deltas (n, 4 or 4 * K).
        """
        looks, rois = [], bbox2roi([regions])
        for i, stage in enumerate(self.stages):
            if i > 0:
                _, cls_score, bbox_pred = looks[-1]
                rois = self.bbox_head[i - 1].regress_by_class(
                    rois, cls_score.argmax(1), bbox_pred, view.meta)
            looks.append((rois, *stage.predict(view.feats, rois)))
        return looks

    def predict_boxes(self, view: View, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes of the last stage and the mean of all scores, see :class:`TwoStageDetector`."""
        return self.ensemble(view, self.look(view, regions))

    def ensemble(self, view: View, looks: Sequence[tuple]) -> tuple[Tensor, Tensor]:
        """:meth:`predict_boxes` of what :meth:`look` returned."""
        rois, _, bbox_pred = looks[-1]
        cls_score = sum(cls_score for _, cls_score, _ in looks) / len(looks)
        return self.bbox_head[-1].predict(rois, cls_score, bbox_pred, view.meta['img_shape'])
