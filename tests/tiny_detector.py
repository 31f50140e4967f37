"""The golden tiny model as a user has it: config, checkpoint, annotation file, frames."""
import json
import pathlib
import types

import cv2
import numpy as np
import pytest
import torch
from pycocotools import mask as mask_utils

from mmdet.datasets import build_dataset
from mmdet.models import build_detector
from mmdet.utils.config import load_config

CONFIG = pathlib.Path(__file__).parents[1] / 'configs/masktrack_rcnn_r50_fpn_1x_youtubevos.py'
CATEGORIES = [dict(id=i, name=name) for i, name in ((2, 'disc'), (5, 'box'), (9, 'triangle'))]
TINY = f"""
_base_ = [{str(CONFIG)!r}]
model = dict(
    pretrained=None,
    backbone=dict(depth=18),
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=64),
    rpn_head=dict(in_channels=64, feat_channels=64),
    bbox_roi_extractor=dict(out_channels=64),
    mask_roi_extractor=dict(out_channels=64),
    bbox_head=dict(in_channels=64, fc_out_channels=128, num_classes=4),
    track_head=dict(in_channels=64, fc_out_channels=128),
    mask_head=dict(in_channels=64, conv_out_channels=64, num_classes=4))
data = dict(test=dict(ann_file=FOLDER + '/test.json', img_prefix=FOLDER + '/frames',
                      img_scale=(320, 180)))
"""


def track(annotation_id, video_id, item):
    """An entry of an annotation file from the masks of one object."""
    rles = [mask_utils.encode(np.asfortranarray(m.astype(np.uint8))) if m.any() else None
            for m in item['masks']]
    return dict(
        id=annotation_id, video_id=video_id, iscrowd=0,
        category_id=CATEGORIES[item['category']]['id'],
        segmentations=[r and dict(r, counts=r['counts'].decode()) for r in rles],
        bboxes=[r and mask_utils.toBbox(r).tolist() for r in rles],
        areas=[r and int(mask_utils.area(r)) for r in rles])


def write_videos(recipe, folder, specs):
    """Write videos as PNG frames and ``test.json``; their ids are 11, 22, ..."""
    videos, annotations = [], []
    for spec in specs:
        names = [f'{spec["seed"]}/{t:05d}.png' for t in range(spec['num_frames'])]
        frames, objects = recipe.video(**spec)
        (folder / 'frames' / spec['seed']).mkdir(parents=True)
        for name, frame in zip(names, frames):
            cv2.imwrite(str(folder / 'frames' / name), frame)
        videos.append(dict(id=11 * (len(videos) + 1), file_names=names, length=len(names),
                           height=spec['height'], width=spec['width']))
        for item in objects:
            annotations.append(track(len(annotations) + 1, videos[-1]['id'], item))
    (folder / 'test.json').write_text(json.dumps(
        dict(videos=videos, categories=CATEGORIES, annotations=annotations)))


@pytest.fixture(scope='session')
def tiny(recipe, golden, tmp_path_factory):
    """``folder``, ``config``, ``checkpoint`` (paths), ``cfg``, ``detector``, ``dataset``."""
    folder = tmp_path_factory.mktemp('tiny')
    case = golden('model/infer_tiny_a')
    write_videos(recipe, folder, [case['video'], dict(case['video'], seed='t1', num_frames=3)])
    config = folder / 'tiny.py'
    config.write_text(TINY.replace('FOLDER', repr(str(folder))))
    cfg = load_config(str(config))
    detector = build_detector(cfg.model, test_cfg=cfg.test_cfg)
    detector.load_state_dict({
        key: torch.from_numpy(np.asarray(recipe.weight(case['weights'], key, tuple(value.shape))))
        for key, value in detector.state_dict().items()})
    torch.save(dict(state_dict=detector.state_dict(), meta={}), folder / 'tiny.pth')
    return types.SimpleNamespace(
        folder=folder, config=str(config), checkpoint=str(folder / 'tiny.pth'), cfg=cfg,
        detector=detector.eval(), dataset=build_dataset(cfg.data.test), case=case)
