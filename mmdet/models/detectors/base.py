"""What every detector shares."""
import inspect
from typing import Any

from mmengine.config import ConfigDict
from torch import Tensor, nn

from mmdet.core.bbox import build_assigner, build_sampler
from mmdet.core.post_processing import check_nms_cfg
from mmdet.utils import check_keys
from mmdet.utils.errors import BadValue

# What data sets offer; a detector takes what it trains on.
TARGETS = ('gt_bboxes', 'gt_labels', 'gt_bboxes_ignore', 'gt_masks', 'ref_img', 'ref_bboxes',
           'gt_pids', 'proposals')

RPN_TRAIN_KEYS = ('assigner', 'sampler', 'allowed_border', 'pos_weight', 'smoothl1_beta', 'debug')
RCNN_TRAIN_KEYS = ('assigner', 'sampler', 'mask_size', 'pos_weight', 'debug')
RPN_TEST_KEYS = ('nms_across_levels', 'nms_pre', 'nms_post', 'max_num', 'nms_thr',
                 'min_bbox_size')
RCNN_TEST_KEYS = ('score_thr', 'nms', 'max_per_img', 'mask_thr_binary')
TRACK_TEST_KEYS = ('label_memory', 'max_age', 'track_score')


class BaseDetector(nn.Module):
    """Holds the settings and dispatches a training call.

    Args:
        train_cfg: ``rpn`` and ``rcnn``, or None.
        test_cfg: ``rpn``, ``rcnn`` and, in a tracker, ``track``, or None.

    Raises:
        TypeError: a key is unknown, also one of an assigner, a sampler or ``nms``.
        KeyError: a ``type`` is.
    """
    train_keys = dict(rpn=RPN_TRAIN_KEYS, rcnn=RCNN_TRAIN_KEYS)
    test_keys = dict(rpn=RPN_TEST_KEYS, rcnn=RCNN_TEST_KEYS)

    def __init__(self, train_cfg: dict | None, test_cfg: dict | None) -> None:
        super().__init__()
        self.train_cfg = self._checked(train_cfg, self.train_keys, 'train_cfg')
        self.test_cfg = self._checked(test_cfg, self.test_keys, 'test_cfg')
        self._check_parts()

    @staticmethod
    def _checked(cfg: dict | None, keys: dict, where: str) -> ConfigDict | None:
        if cfg is None:
            return None
        check_keys(cfg, keys, where)
        for part, value in cfg.items():
            if value is not None:
                check_keys(value, keys[part], f'{where}.{part}')
        return ConfigDict(cfg)

    def _check_parts(self) -> None:
        """Find misspelt settings now, not in the first step."""
        for part in (self.train_cfg or {}).values():
            for key, build in (('assigner', build_assigner), ('sampler', build_sampler)):
                if part and part.get(key):
                    build(part[key])
        rcnn = (self.test_cfg or {}).get('rcnn') or {}
        if 'nms' in rcnn:
            check_nms_cfg(rcnn['nms'])

    def extract_feat(self, img: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W) normalised images -> feature maps of every level."""
        raise NotImplementedError

    def forward_train(self, img: Tensor, img_meta: list[dict], **targets) -> dict[str, Tensor]:
        """Losses of a batch, 0-d each."""
        raise NotImplementedError

    def forward(self, img: Tensor, img_meta: list[dict], return_loss: bool = True,
                **targets) -> dict[str, Tensor]:
        """Losses of a batch; see ``forward_train`` for the targets.

        Targets that it does not train on are ignored, as in 2019.

        Args:
            img: (N, 3, H, W) float32, normalised and padded.
            img_meta: one dict an image with ``img_shape``, ``pad_shape``, ``scale_factor``.
            return_loss: must be True; testing has methods of its own.

        Raises:
            ValueError: ``return_loss=False``.
            TypeError: a target is missing, or is none that data sets have.
        """
        if not return_loss:
            raise BadValue(
                'a detector keeps no video in itself: call track(img, img_meta, memory) frame '
                'by frame, or detect(img, img_meta) for single images')
        return self.forward_train(img, img_meta, **self._used(targets))

    def _used(self, targets: dict[str, Any]) -> dict[str, Any]:
        """The targets that ``forward_train`` takes, and those nobody knows, for it to refuse."""
        taken = inspect.signature(self.forward_train).parameters
        return {key: value for key, value in targets.items()
                if key in taken or key not in TARGETS}
