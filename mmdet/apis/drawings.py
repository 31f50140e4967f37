"""What is drawn of a video while it is tracked: an mp4 or a picture, masks, a window."""
import logging
import os
import pathlib
import re
import shutil
import sys
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
from pycocotools import mask as mask_utils

from mmdet.engine.background import Background
from mmdet.engine.prefetch import default_workers
from mmdet.formats.pictures import write_picture
from mmdet.formats.sources import FrameSource
from mmdet.formats.track_result import TrackResult
from mmdet.utils.errors import BadValue
from mmdet.visualization import VideoWriter, draw_result

AHEAD = 8  # frames that may wait to be drawn


class Drawings:
    """Draws and writes the frames of a video, on a GPU's machine in a thread of its own.

    Args:
        source: the video; a single picture is drawn as one.
        folder: ``NAME.mp4`` or ``NAME.png``, and ``masks/ID/FRAME.png`` go there.
        classes: names by label.
        device: of the detector.
        score_thr: objects below are left out.
        masks: whether to write masks.
        show: whether to show the frames in a window.
        codec: of the mp4; None: the best that works.
        done: called after each frame.
        logger: for what is said of the mp4.

    Attributes:
        written: what was written, when finished.
        closed_window: the user pressed q.
    """

    def __init__(self, source: FrameSource, folder: pathlib.Path, classes: Sequence[str] | None,
                 device: torch.device, score_thr: float, masks: bool, show: bool,
                 codec: str | None, done: Callable[[], None], logger: logging.Logger) -> None:
        self.source, self.folder, self.classes = source, folder, classes
        self.score_thr, self.masks, self.show, self.done = score_thr, masks, show, done
        self.video = None if source.is_picture else VideoWriter(
            folder / f'{source.name}.mp4', source.fps, logger, codec=codec)
        # windows belong to the main thread
        self.queue = Background(self._draw, 0 if show else AHEAD * min(1, default_workers(device)))
        self.written: list[pathlib.Path] = []
        self.closed_window = False
        clear_masks(folder / 'masks')

    def __call__(self, frame_id: int, frame: np.ndarray, result: TrackResult) -> None:
        """Draw the next frame, soon. What went wrong with an earlier one is raised."""
        self.queue(frame_id, frame, result)

    def _draw(self, frame_id: int, frame: np.ndarray, result: TrackResult) -> None:
        picture = draw_result(frame, result, self.classes, self.score_thr)
        if self.video is None:
            path = self.folder / f'{self.source.name}.png'
            write_picture(picture, path)
            self.written.append(path)
        else:
            times = self.source.times
            self.video.write(picture, times[frame_id] if times else None)
        if self.masks:
            write_masks(result, self.folder / 'masks', frame_id, self.score_thr)
        self.done()
        self.closed_window = self.show and not show_window(picture)

    def finish(self) -> None:
        """Wait for the last frame and finish the mp4; one whose disk is full is gone."""
        try:
            self.queue.finish()
        finally:
            if self.video is not None:
                path = self.video.close()
                self.written += [] if path is None else [path]
            if (self.folder / 'masks').exists():
                self.written.append(self.folder / 'masks')

    def discard(self) -> None:
        """Leave what is not finished."""
        self.queue.stop()
        if self.video is not None:
            self.video.discard()


def write_masks(result: TrackResult, folder: pathlib.Path, frame_id: int,
                score_thr: float = 0) -> None:
    """Write ``folder/ID/FRAME.png``, 0 and 255, for every object from a score on."""
    shown = result.from_score(score_thr)
    for obj_id, rle in zip(shown.obj_ids, shown.masks):
        path = folder / f'{obj_id:03d}' / f'{frame_id:05d}.png'
        write_picture(mask_utils.decode(rle) * 255, path)


def clear_masks(folder: pathlib.Path) -> None:
    """Remove the masks of an earlier run, and nothing else."""
    for of_object in folder.iterdir() if folder.is_dir() else ():
        if re.fullmatch(r'\d{3,}', of_object.name) and of_object.is_dir():
            if all(re.fullmatch(r'\d{5,}\.png', path.name) for path in of_object.iterdir()):
                shutil.rmtree(of_object)


def check_window() -> None:
    """ValueError where OpenCV cannot open a window (asked first: without a display Qt aborts)."""
    display = sys.platform != 'linux' or any(map(os.environ.get, ('DISPLAY', 'WAYLAND_DISPLAY')))
    try:
        if not display:
            raise cv2.error('no display')
        cv2.namedWindow('demo')
    except cv2.error:
        raise BadValue('--show: this OpenCV cannot open windows (headless build or no display); '
                         'leave --show out and look at the mp4') from None


def show_window(picture: np.ndarray) -> bool:
    """Show a frame; False when the user pressed q."""
    cv2.imshow('demo', picture)
    return cv2.waitKey(1) & 0xFF != ord('q')
