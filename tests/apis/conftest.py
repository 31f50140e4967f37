"""Saved detections of a world in which it is known who is who."""
import json
import pathlib

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmdet.formats.detections import DetectionWriter, FrameDetections

CONFIG = str(pathlib.Path(__file__).parents[2] / 'configs/masktrack_rcnn_r18_fpn_shapes.py')
CLASSES = ['disc', 'box', 'triangle']


def square(x, y, side=8):
    mask = np.zeros((32, 48), np.uint8, 'F')
    mask[y:y + side, x:x + side] = 1
    return mask_utils.encode(mask)


@pytest.fixture(scope='session')
def planted(tmp_path_factory):
    """Two objects that jump about: boxes say nothing about who is who, embeddings do.

    ``options`` for a search, the annotation file among them.
    """
    folder, rng = tmp_path_factory.mktemp('planted'), np.random.default_rng(0)
    videos, annotations = [], []
    writer = DetectionWriter(folder / 'x.det', dict(classes=CLASSES, videos=6))
    for vid in range(1, 7):
        names = [f'{vid}/{t}.png' for t in range(8)]
        videos.append(dict(id=vid, file_names=names, length=8, height=32, width=48))
        swapped = rng.permutation([0, 1, 0, 1, 0, 1, 0, 1]).tolist()
        places = [[(4 + 24 * (n ^ s), 8) for s in swapped] for n in (0, 1)]
        for n in (0, 1):
            rles = [square(*place) for place in places[n]]
            annotations.append(dict(
                id=len(annotations) + 1, video_id=vid, category_id=1, iscrowd=0,
                segmentations=[dict(r, counts=r['counts'].decode()) for r in rles],
                bboxes=[[*place, 8, 8] for place in places[n]], areas=[64] * 8))
        writer.add(vid, (32, 48), [FrameDetections(
            np.array([[*places[n][t], places[n][t][0] + 7, 15] for n in (0, 1)], np.float32),
            np.array([.9, .8], np.float32), np.zeros(2, np.int64), np.ones((2, 4), np.float32) / 4,
            np.eye(2, dtype=np.float32) * 3, [square(*places[n][t]) for n in (0, 1)],
            np.ones((2, 4, 4), bool))
            for t in range(8)])
    writer.close()
    (folder / 'ann.json').write_text(json.dumps(dict(
        videos=videos, annotations=annotations,
        categories=[dict(id=i + 1, name=name) for i, name in enumerate(CLASSES)])))
    return dict(detections=str(folder / 'x.det'), config=CONFIG,
                cfg_options={'data.test.ann_file': str(folder / 'ann.json'),
                             'model.track_head.match_coeff': [1, 30, 0]})
