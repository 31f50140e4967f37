"""What every detector shares."""
import inspect
from collections.abc import Iterator, Sequence

import torch
from mmengine.config import ConfigDict
from torch import Tensor, nn

from mmdet.core.bbox import Detections, bbox2result, build_assigner, build_sampler
from mmdet.core.post_processing import check_nms_cfg, multiclass_nms
from mmdet.models import builder
from mmdet.models.detectors.view import View
from mmdet.utils import check_keys
from mmdet.utils.errors import BadType, BadValue

# What data sets put into a batch, see mmdet.datasets.base; a detector takes what it uses.
TARGETS = ('gt_bboxes', 'gt_labels', 'gt_bboxes_ignore', 'gt_masks', 'ref_img', 'ref_bboxes',
           'gt_pids', 'proposals')


class BaseDetector(nn.Module):
    """Holds the settings, makes features, dispatches a training call.

    Subclasses say in ``train_keys`` and ``test_keys`` which settings they read: names with
    the names below them, or None where there is a plain value.

    Args:
        backbone, neck: configs of the parts; ``neck`` may be a list, one behind the other.
        train_cfg, test_cfg: settings of training and of testing, or None.

    Raises:
        TypeError: a key is unknown, also one of an assigner, a sampler or ``nms``.
        KeyError: a ``type`` is.

    Attributes:
        num_classes: with background; None where a detector tells no classes apart.
    """
    train_keys: dict
    test_keys: dict
    num_classes: int | None = None

    def __init__(self, backbone: dict, neck: dict | Sequence[dict] | None,
                 train_cfg: dict | None, test_cfg: dict | None) -> None:
        super().__init__()
        self.train_cfg = _checked(train_cfg, self.train_keys, 'train_cfg')
        self.test_cfg = _checked(test_cfg, self.test_keys, 'test_cfg')
        self._check_parts()
        self.backbone = builder.build_backbone(backbone)
        self.neck = nn.Identity() if neck is None else builder.build_neck(neck)

    def _check_parts(self) -> None:
        """Find misspelt settings now, not in the first step."""
        for part in _dicts(self.train_cfg or {}):
            for key, build in (('assigner', build_assigner), ('sampler', build_sampler)):
                if part.get(key):
                    build(part[key])
        for part in _dicts(self.test_cfg or {}):
            if 'nms' in part:
                check_nms_cfg(part['nms'])

    def init_weights(self, pretrained: str | None = None) -> None:
        """Load the backbone or draw its weights, and draw those of all other parts."""
        self.backbone.init_weights(pretrained)
        for part in self.children():
            for module in [part] if hasattr(part, 'init_weights') else part.children():
                if module is not self.backbone and hasattr(module, 'init_weights'):
                    module.init_weights()

    def extract_feat(self, img: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W) normalised images -> feature maps of every level."""
        return self.neck(self.backbone(img))

    # Training.

    def forward_train(self, img: Tensor, img_meta: list[dict], **targets) -> dict[str, Tensor]:
        """Losses of a batch, 0-d each."""
        raise NotImplementedError

    def forward(self, img: Tensor, img_meta: list[dict], return_loss: bool = True,
                **targets) -> dict[str, Tensor]:
        """Losses of a batch; see ``forward_train`` for the targets.

        Args:
            img: (N, 3, H, W) float32, normalised and padded.
            img_meta: one dict an image with ``img_shape``, ``pad_shape``, ``scale_factor``.
            return_loss: must be True; testing has methods of its own.
            targets: what ``forward_train`` takes; others in ``TARGETS`` are left alone, as
                in 2019.

        Raises:
            ValueError: ``return_loss=False``.
            TypeError: a target that nobody knows, or one is missing.
        """
        if not return_loss:
            raise BadValue(
                'a detector keeps no video in itself: call track(img, img_meta, memory) frame '
                'by frame, or detect(img, img_meta) for single images')
        return self.forward_train(img, img_meta, **self._used(targets))

    def _used(self, targets: dict) -> dict:
        """What ``forward_train`` takes of a batch."""
        parameters = list(inspect.signature(self.forward_train).parameters.values())[2:]
        if any(p.kind is p.VAR_KEYWORD for p in parameters):
            return targets
        name, names = type(self).__name__, [p.name for p in parameters]
        check_keys(targets, {*names, *TARGETS}, f'a batch for {name}')
        missing = [p.name for p in parameters if p.default is p.empty and p.name not in targets]
        if missing:
            raise BadType(f'{name} trains with {", ".join(missing)}, which the batch has not; see '
                          'with_mask, with_label, with_track and proposal_file of the data set')
        return {key: value for key, value in targets.items() if key in names}

    # Testing.

    def views(self, img: Tensor | Sequence[Tensor],
              img_meta: dict | Sequence[dict]) -> list[View]:
        """Features of an image, or of several flips and scales of it.

        Args:
            img: (1, 3, H, W) normalised, or a list of them.
            img_meta: ``img_shape``, ``ori_shape``, ``scale_factor``, ``flip``, or as many.
        """
        if isinstance(img, Tensor):
            img, img_meta = [img], [img_meta]
        return [View(self.extract_feat(x), meta) for x, meta in zip(img, img_meta, strict=True)]

    def detect(self, img: Tensor | Sequence[Tensor], img_meta: dict | Sequence[dict]) -> list:
        """What is in an image; see :meth:`views` for the arguments."""
        raise NotImplementedError

    def suppress(self, boxes: Tensor, scores: Tensor, cfg: dict) -> Detections:
        """The detections among boxes (n, 4 or 4 * K) in original pixels with scores (n, K)."""
        dets, labels, rows = multiclass_nms(boxes, scores, cfg['score_thr'], cfg['nms'],
                                            cfg['max_per_img'], return_inds=True)
        probs = scores[rows]
        finite = scores.isfinite().all() & boxes.isfinite().all()
        # NMS drops what is NaN; in the scores of the others it stays to be seen.
        scores = dets[:, 4].masked_fill(~finite, float('nan'))
        return Detections(dets[:, :4], scores, labels, finite, probs=probs)

    def to_host(self, dets: Detections, views: Sequence[View]) -> Detections:
        """Detections in host memory, checked by :meth:`check_finite`."""
        host = dets.cpu()
        self.check_finite(host, views)
        return host

    def check_finite(self, host: Detections, views: Sequence[View]) -> None:
        """The host waits for a frame without detections, for others it has already.

        Args:
            host: detections in host memory.
            views: that they are of.

        Raises:
            ValueError: a score, box or embedding, or without detections a feature, is NaN or
                infinite; names the frame (``filename`` or ``frame_id`` of ``img_meta``).
        """
        feats, meta = views[0]
        if host.are_finite() if len(host) else bool(host.finite & feats[-1].isfinite().all()):
            return
        name = meta.get('filename') or f'frame {meta.get("frame_id", "?")}'
        raise BadValue(f'{name}: the network gives NaN or infinity; the weights diverged or '
                       'numbers grew too large for half precision: use an earlier checkpoint, or '
                       'take fp16 out of the config')

    def by_class(self, host: Detections) -> list:
        """Detections in host memory as one float32 array (n_c, 5) per class."""
        return bbox2result(torch.cat([host.boxes, host.scores[:, None]], dim=1), host.labels,
                           self.num_classes)


def _checked(cfg: dict | None, keys: dict, where: str) -> ConfigDict | None:
    """The settings, if all are known."""
    if cfg is None:
        return None
    check_keys(cfg, keys, where)
    for key, value in cfg.items():
        for part in value if isinstance(value, (list, tuple)) else [value]:
            if keys[key] is not None and part is not None:
                check_keys(part, keys[key], f'{where}.{key}')
    return ConfigDict(cfg)


def _dicts(cfg: dict) -> Iterator[dict]:
    """The settings and all dicts in them, also those of stages."""
    yield cfg
    for value in cfg.values():
        yield from (part for part in (value if isinstance(value, (list, tuple)) else [value])
                    if isinstance(part, dict))
