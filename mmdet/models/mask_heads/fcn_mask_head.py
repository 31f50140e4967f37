"""The mask head of Mask R-CNN (arXiv:1703.06870)."""
from collections.abc import Sequence

import numpy as np
import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmdet.core.bbox import SamplingResult
from mmdet.core.loss import mask_cross_entropy
from mmdet.core.mask import mask_targets
from mmdet.models.norm import norm_cfg
from mmdet.models.registry import HEADS
from mmdet.ops import mask_to_rle
from mmdet.utils.errors import BadValue


@HEADS.register_module
class FCNMaskHead(nn.Module):
    """Convolutions, an upsampling, one mask a class.

    Args:
        num_convs: hidden convolutions.
        roi_feat_size: side of the RoI feature (kept for classic configs; any works).
        in_channels: of the RoI feature.
        conv_kernel_size: of the hidden convolutions.
        conv_out_channels: of the hidden convolutions.
        upsample_method: ``'deconv'``, ``'nearest'``, ``'bilinear'`` or None.
        upsample_ratio: side of the mask / side of the RoI feature.
        num_classes: with background.
        class_agnostic: one mask for all classes.
        normalize: classic norm config of the convolutions.
        paste_margin: rings of zeros around a mask before it is pasted, so that it fades out
            beyond its box; the 2019 code has none, torchvision (``expand_masks``) one.

    Raises:
        ValueError: unknown ``upsample_method``, or ``paste_margin`` is negative.
    """

    def __init__(self, num_convs: int = 4, roi_feat_size: int = 14, in_channels: int = 256,
                 conv_kernel_size: int = 3, conv_out_channels: int = 256,
                 upsample_method: str | None = 'deconv', upsample_ratio: int = 2,
                 num_classes: int = 81, class_agnostic: bool = False,
                 normalize: dict | None = None, paste_margin: int = 0) -> None:
        super().__init__()
        if paste_margin < 0:
            raise BadValue(f'FCNMaskHead: paste_margin is 0 or more rings, got {paste_margin}')
        self.paste_margin = paste_margin
        if upsample_method not in (None, 'deconv', 'nearest', 'bilinear'):
            raise BadValue("upsample_method is 'deconv', 'nearest', 'bilinear' or None, "
                             f'got {upsample_method!r}')
        self.num_classes, self.class_agnostic = num_classes, class_agnostic
        self.upsample_method = upsample_method
        self.convs = nn.ModuleList(
            ConvModule(in_channels if i == 0 else conv_out_channels, conv_out_channels,
                       conv_kernel_size, padding=(conv_kernel_size - 1) // 2,
                       norm_cfg=norm_cfg(normalize))
            for i in range(num_convs))
        hidden = conv_out_channels if num_convs else in_channels
        self.upsample = None
        if upsample_method == 'deconv':
            self.upsample = nn.ConvTranspose2d(
                hidden, conv_out_channels, upsample_ratio, stride=upsample_ratio)
            hidden = conv_out_channels
        elif upsample_method is not None:
            self.upsample = nn.Upsample(scale_factor=upsample_ratio, mode=upsample_method)
        self.conv_logits = nn.Conv2d(hidden, 1 if class_agnostic else num_classes, 1)
        self.relu = nn.ReLU(inplace=True)

    def init_weights(self) -> None:
        """He weights in the last two layers, zero biases."""
        for module in (self.upsample, self.conv_logits):
            if getattr(module, 'weight', None) is not None:
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(R, C, s, s) RoI features -> logits (R, K or 1, s * ratio, s * ratio)."""
        for conv in self.convs:
            x = conv(x)
        if self.upsample is not None:
            x = self.upsample(x)
            if self.upsample_method == 'deconv':
                x = self.relu(x)
        return self.conv_logits(x)

    def get_targets(self, samples: Sequence[SamplingResult],
                    gt_masks: Sequence[Tensor | np.ndarray], cfg: dict) -> Tensor:
        """(P, size, size) targets of the positives of a batch; ``cfg`` has ``mask_size``."""
        return mask_targets([s.pos_bboxes for s in samples],
                            [s.pos_assigned_gt_inds for s in samples],
                            gt_masks, cfg['mask_size'])

    def loss(self, mask_pred: Tensor, targets: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """``loss_mask``, 0-d, from (P, K, h, w) logits, (P, h, w) targets, (P,) labels."""
        channel = torch.zeros_like(labels) if self.class_agnostic else labels
        return dict(loss_mask=mask_cross_entropy(mask_pred.float(), targets, channel))

    def probabilities(self, mask_pred: Tensor, labels: Tensor) -> Tensor:
        """The mask of its own class for every RoI.

        Args:
            mask_pred: (n, K, h, w) logits.
            labels: (n,) 0-based.

        Returns:
            (n, h, w) float32.
        """
        channel = torch.zeros_like(labels) if self.class_agnostic else labels + 1
        picked = mask_pred[torch.arange(labels.shape[0], device=labels.device), channel]
        return picked.float().sigmoid()

    def get_masks(self, probs: Tensor, boxes: Tensor, ori_shape: tuple, cfg: dict) -> list[dict]:
        """Masks of the detections of one image as run-length codes; the host waits once.

        Args:
            probs: (n, h, w), see :meth:`probabilities`.
            boxes: (n, 4) xyxy in original pixels, in host memory.
            ori_shape: (h, w, ...) of the image.
            cfg: ``mask_thr_binary``.

        Returns:
            n compressed COCO run-length codes of the original size.
        """
        height, width = ori_shape[:2]
        probs = probs.cpu()
        if self.paste_margin:
            probs, boxes = with_margin(probs, boxes, self.paste_margin)
        return mask_to_rle(probs, boxes, height, width, cfg['mask_thr_binary'])


def with_margin(probs: Tensor, boxes: Tensor, rings: int) -> tuple[Tensor, Tensor]:
    """Masks (n, h, w) with rings of zeros around them, and the boxes that those cover.

    Args:
        boxes: (n, 4) xyxy, inclusive.
        rings: 1 or more.

    Source: ``expand_masks`` and ``expand_boxes`` of torchvision.models.detection.roi_heads.
    """
    ends = boxes + boxes.new_tensor([0, 0, 1, 1])
    cells = boxes.new_tensor([probs.shape[2], probs.shape[1]])
    ring = (ends[:, 2:] - ends[:, :2]) / cells * rings
    return F.pad(probs, (rings,) * 4), torch.cat([ends[:, :2] - ring, ends[:, 2:] + ring], dim=1)
