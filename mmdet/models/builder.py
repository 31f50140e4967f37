"""Models from their configs."""
from collections.abc import Sequence
from copy import deepcopy

from torch import nn

from mmdet.models.channels import check_channels
from mmdet.models.registry import BACKBONES, DETECTORS, HEADS, NECKS, ROI_EXTRACTORS

# What a detector is called once it has a track_head; the 2019 configs name the detector.
TRACKERS = dict(
    MaskRCNN='MaskTrackRCNN', FasterRCNN='MaskTrackRCNN', TwoStageDetector='MaskTrackRCNN',
    CascadeRCNN='CascadeTrackRCNN')


def build_backbone(cfg: dict) -> nn.Module:
    """Build a backbone from ``dict(type=..., ...)``."""
    return BACKBONES.build(cfg)


def build_neck(cfg: dict | Sequence[dict]) -> nn.Module:
    """Build a neck from ``dict(type=..., ...)``, or several, one behind the other."""
    if isinstance(cfg, (list, tuple)):
        return nn.Sequential(*map(NECKS.build, cfg))
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
    if cfg.get('type') in TRACKERS and 'track_head' in cfg:
        if cfg['track_head'] is None:
            del cfg['track_head']
        else:
            cfg['type'] = TRACKERS[cfg['type']]
    detector = DETECTORS.build(cfg, train_cfg=train_cfg, test_cfg=test_cfg)
    check_channels(detector, cfg)
    return detector
