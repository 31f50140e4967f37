"""Small data sets whose errors are known because they were put in."""
import numpy as np
from pycocotools import mask as mask_utils

from mmdet.formats.entries import mask_lists

SIZE = 90, 96
FRAMES = 12
LANES = 3  # objects that never touch, one above the other; below them is room for what is false


def rectangle(x, y, width, height):
    mask = np.zeros(SIZE, np.uint8, 'F')
    mask[y:y + height, x:x + width] = 1
    return mask_utils.encode(mask)


def lane(number, part=1.0):
    """Masks of a rectangle of 20 x 12 pixels that moves right; a part of its width."""
    return [rectangle(5 + 5 * t, 18 * number, round(20 * part), 12) for t in range(FRAMES)]


def at(masks, frames):
    """The masks in some frames, None in the others."""
    return [mask if t in frames else None for t, mask in enumerate(masks)]


def video(number):
    return dict(id=number, height=SIZE[0], width=SIZE[1], length=FRAMES,
                file_names=[f'v{number}/{t:05}.jpg' for t in range(FRAMES)])


def annotation(number, video_id, category, masks, crowd=0):
    return dict(id=number, video_id=video_id, category_id=category, iscrowd=crowd, length=FRAMES,
                height=SIZE[0], width=SIZE[1], **mask_lists(masks))


def result(video_id, category, score, masks):
    return dict(video_id=video_id, category_id=category, score=score,
                segmentations=mask_lists(masks)['segmentations'])


def dataset(annotations, videos=None, categories=2):
    ids = sorted({ann['video_id'] for ann in annotations} | set(videos or ()))
    return dict(videos=[video(number) for number in ids], annotations=annotations,
                categories=[dict(id=c, name=f'class {c}') for c in range(1, categories + 1)])
