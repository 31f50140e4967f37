"""Everything random about a sample, drawn from the sample's own generator."""
from typing import Sequence

import numpy as np

Scale = tuple[int, int]


def item_rng(seed: int, epoch: int, index: int) -> np.random.Generator:
    """The generator of one sample: it depends on nothing but (seed, epoch, index)."""
    return np.random.default_rng([seed, epoch, index])


def random_scale(scales: Sequence[Scale], rng: np.random.Generator) -> Scale:
    """Choose the size to resize to: (long edge, short edge) in pixels.

    One scale: that one. Two: each edge uniform between theirs, as in the 2019
    code. More: one of them.
    """
    if len(scales) == 2:
        longs, shorts = [max(s) for s in scales], [min(s) for s in scales]
        return (int(rng.integers(min(longs), max(longs) + 1)),
                int(rng.integers(min(shorts), max(shorts) + 1)))
    return tuple(scales[rng.integers(len(scales))])


def reference_frame(frames: Sequence[int], frame: int, rng: np.random.Generator) -> int:
    """Choose another frame of a video, uniformly and in constant time.

    Args:
        frames: the annotated frames of the video, among them ``frame``.
        frame: the key frame.

    Returns:
        a frame that is not ``frame``; ``frame`` itself if it is the only one.
    """
    if len(frames) == 1:
        return frame
    other = frames[rng.integers(len(frames) - 1)]
    return frames[-1] if other == frame else other


def jitter_boxes(boxes: np.ndarray, shape: Sequence[int], param: tuple[float, float],
                 rng: np.random.Generator) -> np.ndarray:
    """Shift and resize boxes at random (``aug_ref_bbox_param``).

    Args:
        boxes: (n, 4) float32 x1 y1 x2 y2.
        shape: (height, width, ...) to clip to, the end included, as in the 2019 code.
        param: largest shift of the centre and largest change of the size, both
            as fractions of the size.

    Returns:
        (n, 4) float32.
    """
    shift = rng.uniform(-1, 1, (len(boxes), 2)) * param[0]
    resize = 1 + rng.uniform(-1, 1, (len(boxes), 2)) * param[1]
    sizes = boxes[:, 2:] - boxes[:, :2]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 + shift * sizes
    corners = np.hstack([centres - sizes * resize / 2, centres + sizes * resize / 2])
    return corners.clip(0, [shape[1], shape[0]] * 2).astype(np.float32)
