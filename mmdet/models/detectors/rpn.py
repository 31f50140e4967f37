"""A region proposal network by itself (arXiv:1506.01497)."""
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmdet.models import builder
from mmdet.models.detectors.base import BaseDetector
from mmdet.models.detectors.proposals import (RPN_TEST_KEYS, RPN_TRAIN_KEYS, merged_proposals,
                                              view_proposals)
from mmdet.models.registry import DETECTORS


@DETECTORS.register_module
class RPN(BaseDetector):
    """Backbone, neck, proposals.

    Args:
        backbone, neck, rpn_head: configs of the parts.
        train_cfg, test_cfg: see :class:`BaseDetector`; ``rpn`` in both.
        pretrained: weights of the backbone, see :class:`TwoStageDetector`.
    """
    train_keys = dict(rpn=RPN_TRAIN_KEYS)
    test_keys = dict(rpn=RPN_TEST_KEYS)

    def __init__(self, backbone: dict, rpn_head: dict, train_cfg: dict | None,
                 test_cfg: dict | None, neck: dict | Sequence[dict] | None = None,
                 pretrained: str | None = None) -> None:
        super().__init__(backbone, neck, train_cfg, test_cfg)
        self.rpn_head = builder.build_head(rpn_head)
        self.init_weights(pretrained)

    def forward_train(self, img: Tensor, img_meta: list[dict],
                      gt_bboxes: Sequence[Tensor]) -> dict[str, Tensor]:
        """``loss_rpn_cls`` and ``loss_rpn_reg`` of a batch, 0-d.

        Args:
            img: (N, 3, H, W) normalised.
            img_meta: N dicts.
            gt_bboxes: N tensors (G_i, 4) xyxy in network pixels.
        """
        losses = self.rpn_head.loss(
            *self.rpn_head(self.extract_feat(img)), gt_bboxes, img_meta, self.train_cfg.rpn)
        return {key: loss.sum() for key, loss in losses.items()}

    @torch.no_grad()
    def detect(self, img: Tensor | Sequence[Tensor],
               img_meta: dict | Sequence[dict]) -> np.ndarray:
        """Proposals for one image; see :meth:`BaseDetector.views` for the arguments.

        Returns:
            float32 (n, 5) xyxy in original pixels, score; best first.
        """
        views = self.views(img, img_meta)
        if len(views) > 1:
            return merged_proposals(self.rpn_head, views, self.test_cfg.rpn).cpu().numpy()
        proposals = view_proposals(self.rpn_head, views[0], self.test_cfg.rpn)
        boxes = views[0].to_original(proposals[:, :4])
        return torch.cat([boxes, proposals[:, 4:]], dim=1).cpu().numpy()
