"""Many frames on one picture."""
import math
from collections.abc import Sequence

import cv2
import numpy as np

from mmdet.utils.errors import BadValue


def contact_strip(frames: Sequence[np.ndarray], columns: int | None = None,
                  max_side: int = 1920, gap: int = 2) -> np.ndarray:
    """Lay frames out in reading order on one sheet.

    Args:
        frames: one or more uint8 (h, w, 3), BGR; others than the first are
            resized to its size.
        columns: frames a row; by default all in a row up to four, then a
            grid about as wide as high.
        max_side: longest side of the sheet in pixels; frames shrink to fit.
        gap: white pixels between frames.

    Returns:
        uint8 (H, W, 3), BGR.

    Raises:
        ValueError: there is no frame.
    """
    if not len(frames):
        raise BadValue('contact strip: expected one frame or more, got none')
    n = len(frames)
    columns = min(n, columns or (n if n <= 4 else math.ceil(math.sqrt(n))))
    rows = math.ceil(n / columns)
    height, width = frames[0].shape[:2]
    shrink = min(1.0, (max_side - gap * columns) / (columns * width),
                 (max_side - gap * rows) / (rows * height))
    height, width = max(1, int(height * shrink)), max(1, int(width * shrink))
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for i, frame in enumerate(frames):
        y, x = i // columns * (height + gap), i % columns * (width + gap)
        sheet[y:y + height, x:x + width] = cv2.resize(
            frame, (width, height), interpolation=cv2.INTER_AREA)
    return sheet


def spread(items: Sequence, count: int) -> list:
    """At most ``count`` of the items, evenly chosen, the first and the last among them."""
    if not len(items):
        return []
    places = np.linspace(0, len(items) - 1, count).round().astype(int)
    return [items[place] for place in np.unique(places)]


class Sampler:
    """Keeps a few evenly spaced frames of a stream of unknown length.

    Every ``stride``-th frame is kept; when ``2 * count`` are held, every
    second is dropped and the stride doubles.
    """

    def __init__(self, count: int = 8) -> None:
        self.count, self.stride, self.seen = count, 1, 0
        self.frames = []

    def keeps_next(self) -> bool:
        """Whether the next frame will be kept."""
        return self.seen % self.stride == 0

    def add(self, frame: np.ndarray) -> None:
        """Look at the next frame of the stream."""
        if self.keeps_next():
            self.frames.append(frame)
        self.seen += 1
        if len(self.frames) == 2 * self.count:
            self.frames = self.frames[::2]
            self.stride *= 2

    def picked(self) -> list[np.ndarray]:
        """At most ``count`` frames, first and latest kept included."""
        return spread(self.frames, self.count)
