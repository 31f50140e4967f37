"""A video of one's own, from start to files."""
import dataclasses
import itertools
import os
import pathlib
import sys
from collections.abc import Sequence

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from mmdet.apis.inference import init_detector, track_frames
from mmdet.engine.progress import Progress
from mmdet.formats.json_files import write_json
from mmdet.formats.pictures import write_picture
from mmdet.formats.results import TrackWriter
from mmdet.formats.sources import FrameSource, open_source
from mmdet.formats.track_result import TrackResult
from mmdet.utils.errors import BadValue
from mmdet.utils.logger import get_root_logger
from mmdet.visualization import VideoWriter, draw_result


@dataclasses.dataclass
class DemoOptions:
    """The options of ``tools/demo.py``, which explains each."""
    config: str
    checkpoint: str | None
    video: str
    out: str = 'demo_out'
    masks: bool = False
    score_thr: float = 0.3
    device: str | None = None
    fps: float | None = None
    max_frames: int | None = None
    show: bool = False


def run_demo(options: DemoOptions) -> list[dict]:
    """Track, draw and write; Ctrl-C ends it like the end of the video.

    Returns:
        the records of the json.

    Raises:
        FileNotFoundError, ValueError, TypeError: something is missing or does
            not fit; nothing was written then.
    """
    logger = get_root_logger()
    if options.show:
        check_window()
    source = open_source(options.video, options.fps)
    detector = init_detector(options.config, options.checkpoint, options.device)
    classes = detector.CLASSES
    tracks = TrackWriter(1, None, range(1, detector.num_classes))
    folder = pathlib.Path(options.out)
    with VideoWriter(folder / f'{source.name}.mp4', source.fps, logger) as video:
        try:
            _follow(detector, source, tracks, video, options)
        except KeyboardInterrupt:
            logger.info('stopped; writing what was done')
    records = name_categories(tracks.records(), classes)
    write_json(records, folder / f'{source.name}.json')
    logger.info('%d objects in %d frames: %s, %s%s', len(records), tracks.added, video.written,
                folder / f'{source.name}.json', f', {folder / "masks"}' if options.masks else '')
    return records


def _follow(detector, source: FrameSource, tracks: TrackWriter, video: VideoWriter,
            options: DemoOptions) -> None:
    """Every frame: track, remember, draw, show."""
    total = min(source.count or options.max_frames or 0, options.max_frames or source.count)
    progress = Progress(total, get_root_logger())
    frames = itertools.islice(source.frames, options.max_frames)
    for t, (frame, result) in enumerate(track_frames(detector, frames)):
        tracks.add(t, result)
        picture = draw_result(frame, result, detector.CLASSES, options.score_thr)
        video.write(picture)
        if options.masks:
            write_masks(result, pathlib.Path(options.out) / 'masks', t, options.score_thr)
        progress.update()
        if options.show and not show_window(picture):
            break
    progress.finish()


def write_masks(result: TrackResult, folder: pathlib.Path, frame_id: int,
                score_thr: float = 0) -> None:
    """Write ``folder/ID/FRAME.png``, 0 and 255, for every object from a score on."""
    shown = result.from_score(score_thr)
    for obj_id, rle in zip(shown.obj_ids, shown.masks):
        path = folder / f'{obj_id:03d}' / f'{frame_id:05d}.png'
        write_picture(mask_utils.decode(rle) * 255, path)


def name_categories(records: Sequence[dict], classes: Sequence[str] | None) -> list[dict]:
    """New records with ``category``, where names are known."""
    if classes is None:
        return list(records)
    return [dict(record, category=classes[record['category_id'] - 1]) for record in records]


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
