"""Small video data sets written to a temporary folder."""
import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

NORM = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)


def _rle(mask):
    rle = mask_utils.encode(np.asfortranarray(mask, np.uint8))
    return dict(size=rle['size'], counts=rle['counts'].decode())


def _track(ann_id, video, boxes, category=1, size=(40, 60), crowd=0):
    """One annotation; boxes: x y w h or None a frame, masks fill them; size: (height, width)."""
    ann = dict(id=ann_id, video_id=video, category_id=category, iscrowd=crowd, bboxes=boxes,
               areas=[], segmentations=[], height=size[0], width=size[1], length=len(boxes))
    for box in boxes:
        mask = np.zeros(size, np.uint8)
        if box is not None:
            x, y, w, h = map(int, box)
            mask[y:y + h, x:x + w] = 1
        ann['areas'].append(None if box is None else int(mask.sum()))
        ann['segmentations'].append(None if box is None else _rle(mask))
    return ann


@pytest.fixture
def track():
    """``track(id, video, boxes, category=1, size=, crowd=0)`` is an annotation entry."""
    return _track


@pytest.fixture
def make_videos(tmp_path):
    """``make_videos(lengths, annotations, categories=, size=)`` writes frames and json.

    It returns arguments of the data set.
    """

    def make(lengths, annotations, categories=(1, 2), size=(40, 60), name='videos'):
        root, rng = tmp_path / name, np.random.default_rng(0)
        videos = []
        for place, length in enumerate(lengths):
            video = dict(id=10 * (place + 1), width=size[1], height=size[0], length=length,
                         file_names=[f'v{place}/{t:05d}.png' for t in range(length)])
            (root / f'v{place}').mkdir(parents=True)
            for file_name in video['file_names']:
                cv2.imwrite(str(root / file_name), rng.integers(0, 256, (*size, 3), np.uint8))
            videos.append(video)
        content = dict(videos=videos, annotations=annotations,
                       categories=[dict(id=i, name=f'class{i}') for i in categories])
        path = root / 'annotations.json'
        path.write_text(json.dumps(content))
        return dict(ann_file=str(path), img_prefix=str(root), img_scale=(120, 80),
                    img_norm_cfg=NORM, size_divisor=32)

    return make
