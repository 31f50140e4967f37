"""Models from their configs."""
from copy import deepcopy

from torch import nn

from mmdet.models.channels import check_channels
from mmdet.models.registry import BACKBONES, DETECTORS, HEADS, NECKS, ROI_EXTRACTORS


def build_backbone(cfg: dict) -> nn.Module:
    """Build a backbone from ``dict(type=..., ...)``."""
    return BACKBONES.build(cfg)


def build_neck(cfg: dict) -> nn.Module:
    """Build a neck from ``dict(type=..., ...)``."""
    return NECKS.build(cfg)


def build_roi_extractor(cfg: dict) -> nn.Module:
    """Build a RoI extractor from ``dict(type=..., ...)``."""
    return ROI_EXTRACTORS.build(cfg)


def build_head(cfg: dict) -> nn.Module:
    """Build a head from ``dict(type=..., ...)``."""
    return HEADS.build(cfg)


def build_detector(cfg: dict, train_cfg: dict | None = None,
                   test_cfg: dict | None = None) -> nn.Module:
    """Build a detector.

    Args:
        cfg: the ``model`` of a config.
        train_cfg: assigners, samplers and loss settings; None for a detector that
            will not train.
        test_cfg: proposal and detection settings, needed in training too.

    Raises:
        KeyError: a ``type`` is unknown.
        TypeError: an argument or a key of ``train_cfg`` or ``test_cfg`` is unknown.
        ValueError: a part gives other channels or levels than the next one takes.
    """
    cfg = deepcopy(dict(cfg))
    if cfg.get('type') == 'MaskRCNN' and cfg.get('track_head') is not None:
        cfg['type'] = 'MaskTrackRCNN'  # the 2019 configs name the tracker so
    elif cfg.get('type') == 'MaskRCNN':
        cfg.pop('track_head', None)
    detector = DETECTORS.build(cfg, train_cfg=train_cfg, test_cfg=test_cfg)
    check_channels(detector, cfg)
    return detector
