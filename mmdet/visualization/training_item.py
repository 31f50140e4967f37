"""What a training step sees of one item, as a picture."""
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from mmdet.visualization.draw import enlarge, paint_objects, upscale_factor
from mmdet.visualization.palette import object_color

GREY = (160, 160, 160)
GAP = 8  # pixels between a frame and its reference


def draw_item(item: dict[str, Any], class_names: Sequence[str] | None = None,
              num_proposals: int = 20) -> np.ndarray:
    """Draw an item: boxes, classes and masks; of a video beside its reference, with arrows.

    An object has one colour and number in both frames, its row among the objects of the
    reference; an arrow leads from it to where it is there. Objects that are not in the reference
    are labelled ``new``. Ignored boxes and proposals are grey.

    Args:
        item: arrays as the data set gives them (``numpy()`` of its tensors); see
            ``BaseDataset``.
        class_names: names in label order.
        num_proposals: so many of the first proposals are drawn.

    Returns:
        uint8 (H, W, 3) BGR; small frames come out enlarged.
    """
    scale = upscale_factor(*item['img'].shape[:2])
    left = _objects(item, class_names, scale, num_proposals)
    if 'ref_img' not in item:
        return left
    right = _reference(item, scale)
    height = max(left.shape[0], right.shape[0])
    sheet = np.full((height, left.shape[1] + GAP + right.shape[1], 3), 255, np.uint8)
    sheet[:left.shape[0], :left.shape[1]] = left
    sheet[:right.shape[0], left.shape[1] + GAP:] = right
    for i, pid in enumerate(item['gt_pids']):
        if pid > 0:
            start = _centre(item['gt_bboxes'][i], scale)
            end = _centre(item['ref_bboxes'][pid - 1], scale) + [left.shape[1] + GAP, 0]
            _arrow(sheet, start, end, object_color(int(pid) - 1))
    return sheet


def _picture(img: np.ndarray) -> np.ndarray:
    """uint8 of a frame that augmentation may have made float32, beyond 0 and 255 too."""
    return np.ascontiguousarray(np.asarray(img).round().clip(0, 255).astype(np.uint8))


def _objects(item: dict[str, Any], class_names: Sequence[str] | None, scale: int,
             num_proposals: int) -> np.ndarray:
    """The frame with everything that is known of it."""
    canvas = enlarge(_picture(item['img']), scale)
    ignored = item.get('gt_bboxes_ignore', np.zeros((0, 4)))
    boxes = np.concatenate([item.get('proposals', ignored[:0])[:num_proposals, :4], ignored])
    texts = [''] * (len(boxes) - len(ignored)) + ['ignored'] * len(ignored)
    paint_objects(canvas, boxes, [GREY] * len(boxes), [], texts, scale)
    boxes = item.get('gt_bboxes', ignored[:0])
    height, width = item['img'].shape[:2]
    masks = [mask[:height, :width] for mask in item.get('gt_masks', ())]
    paint_objects(canvas, boxes, [object_color(i) for i in _numbers(item, len(boxes))], masks,
                  _texts(item, class_names, len(boxes)), scale)
    return canvas


def _numbers(item: dict[str, Any], count: int) -> list[int]:
    """Row of every object in the reference; rows that are not there for those that are not."""
    pids = item.get('gt_pids', np.zeros(count, int))
    return [pid - 1 if pid > 0 else len(item.get('ref_bboxes', ())) + i
            for i, pid in enumerate(pids.tolist())]


def _texts(item: dict[str, Any], class_names: Sequence[str] | None, count: int) -> list[str]:
    labels = item.get('gt_labels', np.ones(count, int)).tolist()
    names = [class_names[label - 1] if class_names is not None else f'class {label}'
             for label in labels]
    if 'gt_pids' not in item:
        return names
    return [f'{name} #{pid - 1}' if pid > 0 else f'{name} new'
            for name, pid in zip(names, item['gt_pids'].tolist())]


def _reference(item: dict[str, Any], scale: int) -> np.ndarray:
    canvas, rows = enlarge(_picture(item['ref_img']), scale), range(len(item['ref_bboxes']))
    paint_objects(canvas, item['ref_bboxes'], [object_color(i) for i in rows], [],
                  [f'#{i}' for i in rows], scale)
    return canvas


def _centre(box: np.ndarray, scale: int) -> np.ndarray:
    return (np.asarray(box[:2]) + box[2:]) / 2 * scale


def _arrow(canvas: np.ndarray, start: np.ndarray, end: np.ndarray,
           color: tuple[int, int, int]) -> None:
    """A line with a dark rim, so that it shows on every ground."""
    ends = tuple(start.round().astype(int)), tuple(end.round().astype(int))
    tip = 16 / max(float(np.hypot(*(end - start))), 1)
    for ink, thickness in (((0, 0, 0), 4), (color, 2)):
        cv2.arrowedLine(canvas, *ends, ink, thickness, cv2.LINE_AA, tipLength=tip)
