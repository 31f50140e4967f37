"""Fast R-CNN (arXiv:1504.08083)."""
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmdet.models.detectors.roi_stage import GroundTruth
from mmdet.models.detectors.two_stage import TwoStageDetector
from mmdet.models.registry import DETECTORS


@DETECTORS.register_module
class FastRCNN(TwoStageDetector):
    """Boxes, and masks where the config has them, of proposals that come with the images."""
    proposes = False

    def forward_train(self, img: Tensor, img_meta: list[dict], gt_bboxes: Sequence[Tensor],
                      gt_labels: Sequence[Tensor], proposals: Sequence[Tensor],
                      gt_bboxes_ignore: Sequence[Tensor] | None = None,
                      gt_masks: Sequence[Tensor | np.ndarray] | None = None
                      ) -> dict[str, Tensor]:
        """Losses of a batch, 0-d each.

        Args:
            proposals: N tensors (n_i, 4 or 5) in network pixels.
            others: see :class:`TwoStageDetector`.
        """
        gt = GroundTruth(gt_bboxes, gt_labels, gt_bboxes_ignore, gt_masks)
        return self.roi_losses(self.extract_feat(img), img_meta, gt, proposals)[0]

    @torch.no_grad()
    def detect(self, img: Tensor | Sequence[Tensor], img_meta: dict | Sequence[dict],
               proposals: Tensor | Sequence[Tensor]) -> list | tuple[list, list]:
        """As :meth:`TwoStageDetector.detect`, on the proposals of the first view."""
        return super().detect(img, img_meta, proposals)
