"""Objects of a frame drawn onto it: masks, contours, boxes, labels."""
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from mmdet.formats.rle_crops import MaskCrop, mask_crops
from mmdet.formats.track_result import TrackResult, check_names
from mmdet.utils.errors import printable
from mmdet.visualization.labels import place_label, text_scale, text_size, write_label
from mmdet.visualization.palette import object_color


def upscale_factor(height: int, width: int, target: int = 360, most: int = 1920) -> int:
    """Whole factor that brings the shorter side of a small frame near ``target``.

    A label is about 100 pixels wide however small the frame is; frames of
    192x128 are therefore shown three times as large. 1 for larger frames, and
    where the longer side would grow beyond ``most`` pixels.
    """
    wanted = round(target / max(1, min(height, width)))
    return max(1, min(wanted, most // max(1, height, width)))


def crops_of(masks: Sequence[Any], size: tuple[int, int]) -> list[MaskCrop]:
    """Compressed RLE dicts, or arrays, of a frame of ``size`` (height, width)."""
    if all(isinstance(mask, dict) for mask in masks):
        return mask_crops(masks, size)
    return [mask_crops([mask], size)[0] if isinstance(mask, dict)
            else MaskCrop(0, 0, np.ascontiguousarray(mask, np.uint8)) for mask in masks]


def blend_mask(canvas: np.ndarray, mask: np.ndarray, color: tuple[int, int, int],
               alpha: float, thickness: int, at: tuple[int, int] = (0, 0)) -> None:
    """Tint the pixels of ``mask`` and trace its outline, in ``canvas`` itself.

    Args:
        canvas: uint8 (H, W, 3).
        mask: uint8 (h, w) of 0 and 1.
        color: BGR.
        alpha: weight of the colour, 0 to 1.
        thickness: of the outline, in pixels.
        at: (x, y) in the canvas of the mask's corner.
    """
    x, y, width, height = cv2.boundingRect(mask)
    if width == 0:
        return
    inside = np.ascontiguousarray(mask[y:y + height, x:x + width])
    x, y = x + at[0], y + at[1]
    crop = canvas[y:y + height, x:x + width]
    levels = np.arange(256)[:, None] * (1 - alpha) + np.array(color) * alpha
    cv2.copyTo(cv2.LUT(crop, levels.round().astype(np.uint8)[None]), inside, crop)
    contours, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    # Smooth lines take four times as long.
    cv2.drawContours(canvas, contours, -1, color, thickness, cv2.LINE_8, offset=(x, y))


def label_text(label: int, score: float | None, obj_id: int,
               class_names: Sequence[str] | None = None) -> str:
    """``'person 0.98 #3'``; the bare label where there are no names, no score for the truth."""
    # OpenCV crashes on text that is none.
    name = printable(str(class_names[label]), 60) if class_names is not None else f'class {label}'
    return f'{name} #{obj_id}' if score is None else f'{name} {score:.2f} #{obj_id}'


def draw_result(frame: np.ndarray, result: TrackResult, class_names: Sequence[str] | None = None,
                score_thr: float = 0.3) -> np.ndarray:
    """Draw what was found in a frame; small frames come out enlarged, so that labels can be read.

    Args:
        frame: uint8 (h, w, 3), BGR; left as it is.
        result: of this frame.
        class_names: name of each label.
        score_thr: objects below are left out.

    Returns:
        uint8 (H, W, 3), BGR, a new array.

    Raises:
        ValueError: a label has no name.
    """
    shown = result.from_score(score_thr)
    if class_names is not None:
        check_names(result.labels, class_names)
    return draw_tracks(frame, shown.boxes, shown.labels, shown.obj_ids, shown.masks, shown.scores,
                       class_names, upscale_factor(*frame.shape[:2]))


def draw_tracks(frame: np.ndarray, boxes: np.ndarray, labels: Sequence[int],
                obj_ids: Sequence[int], masks: Sequence[Any],
                scores: Sequence[float] | None = None,
                class_names: Sequence[str] | None = None,
                scale: int = 1, alpha: float = 0.45) -> np.ndarray:
    """Draw every object of a frame; the colour tells its id.

    Args:
        frame: uint8 (h, w, 3), BGR; left as it is.
        boxes: (n, 4), x1 y1 x2 y2 (inclusive, pixels of the frame).
        labels: (n,) 0-based.
        obj_ids: (n,) 0 or more.
        masks: n compressed RLE dicts or uint8 (h, w) arrays, or none at all.
        scores: (n,); None for annotations, which have none.
        class_names: name of each label.
        scale: whole number by which the picture is enlarged first.
        alpha: weight of the mask colour, 0 to 1.

    Returns:
        uint8 (h * scale, w * scale, 3), BGR, a new array.
    """
    canvas = enlarge(frame, scale)
    texts = [label_text(label, score, obj_id, class_names) for label, score, obj_id in zip(
        labels, [None] * len(labels) if scores is None else scores, obj_ids)]
    paint_objects(canvas, boxes, [object_color(i) for i in obj_ids], masks, texts, scale, alpha)
    return canvas


def paint_objects(canvas: np.ndarray, boxes: np.ndarray, colors: Sequence[tuple[int, int, int]],
                  masks: Sequence[Any], texts: Sequence[str], scale: int = 1,
                  alpha: float = 0.45) -> None:
    """Paint objects onto a canvas, in the array itself: masks, then boxes, then labels.

    Args:
        canvas: uint8 (h * scale, w * scale, 3), BGR: a frame that was enlarged.
        boxes: (n, 4), x1 y1 x2 y2 (inclusive, pixels of the frame).
        colors: n, BGR.
        masks: n compressed RLE dicts or uint8 (h, w) arrays, or none at all.
        texts: n labels.
        scale: by which the frame was enlarged.
        alpha: weight of the mask colour, 0 to 1.
    """
    thickness = max(1, round(min(canvas.shape[:2]) / 400))
    size = canvas.shape[0] // scale, canvas.shape[1] // scale
    for (x, y, pixels), color in zip(crops_of(masks, size), colors):
        if pixels.size:
            blend_mask(canvas, pixels if scale == 1 else enlarge(pixels, scale), color, alpha,
                       thickness, (x * scale, y * scale))
    corners = np.asarray(boxes, np.float64).reshape(-1, 4) * scale
    for (x1, y1, x2, y2), color in zip(corners.round().astype(int), colors):
        cv2.rectangle(canvas, (x1, y1), (x2 + scale - 1, y2 + scale - 1), color, thickness)
    _write_labels(canvas, corners, texts, colors)


def _write_labels(canvas: np.ndarray, corners: np.ndarray, texts: Sequence[str],
                  colors: Sequence[tuple[int, int, int]]) -> None:
    """Labels last, so that no mask covers one."""
    size = text_scale(*canvas.shape[:2])
    taken = []
    for box, text, color in zip(corners, texts, colors):
        if not text:
            continue
        place = place_label(box, text_size(text, size), taken, canvas.shape[:2])
        write_label(canvas, text, place, size, color)
        taken.append(place)


def enlarge(array: np.ndarray, scale: int) -> np.ndarray:
    """A copy whose every pixel became ``scale`` x ``scale`` pixels.

    Frames are interpolated, masks (2-d) are not.
    """
    if scale == 1:
        return np.ascontiguousarray(array).copy()
    method = cv2.INTER_NEAREST if array.ndim == 2 else cv2.INTER_CUBIC
    return cv2.resize(array, None, fx=scale, fy=scale, interpolation=method)
