"""Detectors that classify anchors and are done."""
from collections.abc import Sequence

import torch
from torch import Tensor

from mmdet.models import builder
from mmdet.models.detectors.base import BaseDetector
from mmdet.models.registry import DETECTORS

TRAIN_KEYS = ('assigner', 'sampler', 'smoothl1_beta', 'gamma', 'alpha', 'neg_pos_ratio',
              'allowed_border', 'pos_weight', 'debug')
TEST_KEYS = ('nms_pre', 'min_bbox_size', 'score_thr', 'nms', 'max_per_img')


@DETECTORS.register_module
class SingleStageDetector(BaseDetector):
    """Backbone, neck, a head on anchors; SSD is one (arXiv:1512.02325).

    Args:
        backbone, bbox_head, neck: configs of the parts.
        train_cfg, test_cfg: see :class:`BaseDetector` and the head.
        pretrained: weights of the backbone: path, URL, ``'open-mmlab://vgg16_caffe'``;
            None: random.
    """
    train_keys = dict.fromkeys(TRAIN_KEYS)
    test_keys = dict.fromkeys(TEST_KEYS)

    def __init__(self, backbone: dict, bbox_head: dict, train_cfg: dict | None,
                 test_cfg: dict | None, neck: dict | Sequence[dict] | None = None,
                 pretrained: str | None = None) -> None:
        super().__init__(backbone, neck, train_cfg, test_cfg)
        self.bbox_head = builder.build_head(bbox_head)
        self.init_weights(pretrained)

    @property
    def num_classes(self) -> int:
        """With background."""
        return self.bbox_head.num_classes

    def forward_train(self, img: Tensor, img_meta: list[dict], gt_bboxes: Sequence[Tensor],
                      gt_labels: Sequence[Tensor]) -> dict[str, Tensor]:
        """``loss_cls`` and ``loss_reg`` of a batch, 0-d.

        Args:
            img: (N, 3, H, W) normalised.
            img_meta: N dicts.
            gt_bboxes: N tensors (G_i, 4) xyxy in network pixels.
            gt_labels: N tensors (G_i,) int64, 1-based.
        """
        losses = self.bbox_head.loss(
            *self.bbox_head(self.extract_feat(img)), gt_bboxes, img_meta, self.train_cfg,
            gt_labels)
        return {key: loss.sum() for key, loss in losses.items()}

    @torch.no_grad()
    def detect(self, img: Tensor | Sequence[Tensor], img_meta: dict | Sequence[dict]) -> list:
        """Detect objects in one image; see :meth:`BaseDetector.views` for the arguments.

        The candidates of all flips and scales meet in one suppression.

        Returns:
            One float32 array (n_c, 5) per class in original pixels, without background.
        """
        boxes, scores = [], []
        views = self.views(img, img_meta)
        for view in views:
            found = self.bbox_head.get_candidates(
                *self.bbox_head(view.feats), view.meta, self.test_cfg)
            boxes.append(view.to_original(found[0]))
            scores.append(found[1])
        dets = self.suppress(torch.cat(boxes), torch.cat(scores), self.test_cfg)
        return self.by_class(self.to_host(dets, views))
