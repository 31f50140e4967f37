"""A camera or stream, followed as fast as the machine allows."""
import contextlib
import dataclasses
import json
import logging
import time

import numpy as np
from torch import nn

from mmdet.apis.demo import DemoOptions, folder_of, init
from mmdet.apis.drawings import show_window, write_masks
from mmdet.apis.inference import device_of, read_config, say_left_out, track_frames
from mmdet.engine.background import Background
from mmdet.engine.export import ExportedTracker
from mmdet.engine.live import Meter, open_live
from mmdet.engine.prefetch import default_workers
from mmdet.engine.stops import Stopped, Stops
from mmdet.formats.result_files import track_line
from mmdet.formats.track_result import TrackResult
from mmdet.utils.errors import BadValue
from mmdet.utils.fileio import told
from mmdet.utils.logger import get_root_logger
from mmdet.visualization import VideoWriter, draw_result
from mmdet.visualization.encoders import check_codec
from mmdet.visualization.labels import write_caption

FORMAT, VERSION = 'mmdet live tracks', 1
MAX_AGE = 300  # frames after which an unseen object is forgotten, where the config does not say
EVERY = 5  # seconds between two lines of the log


def run_live(options: DemoOptions) -> dict:
    """Follow a camera or stream until it ends or Ctrl-C comes; what was found is kept.

    Returns:
        ``frames`` tracked, ``dropped`` ones, ``rate`` (frames a second) and ``latency`` (ms) at
        the end.

    Raises:
        FileNotFoundError, ValueError, TypeError: something is missing or does not fit.
        ConnectionError: the stream broke for good.
        OSError: the disk is full or read-only.
        Stopped: Ctrl-C or SIGTERM.
    """
    logger = get_root_logger()
    options.check()
    video = check_live(options)
    options = dataclasses.replace(options, cfg_options=forgetful(options))
    detector = init(options)
    with Stops() as stops:
        return Live(detector, video, options, stops, logger).run()


def check_live(options: DemoOptions) -> str:
    """The one video of the options; ValueError where they do not go with ``--live``."""
    videos = options.videos()
    if len(videos) != 1:
        raise BadValue(f'--live follows one camera or stream, got {len(videos)} videos')
    if options.fps is not None:
        raise BadValue('--live: every frame keeps the time when it came; leave out --fps')
    return videos[0]


def forgetful(options: DemoOptions) -> dict:
    """``cfg_options`` with ``max_age``: without it the memory grows as long as objects come."""
    cfg, given = read_config(options.config, options.cfg_options), options.cfg_options or {}
    track = cfg.test_cfg.get('track') or {}
    if track.get('max_age') or not cfg.model.get('track_head'):
        return given
    return {**given, 'test_cfg.track.max_age': MAX_AGE}


class Live:
    """One live video: the newest frame is tracked, drawn and written; the others are dropped.

    ``NAME.jsonl`` gets a head and then a line per tracked frame, as soon as it is tracked, and
    ``NAME.mp4`` the drawings, each at its time.

    Args:
        detector: see :class:`~mmdet.apis.demo.Demo`.
        video: a camera, a stream; a file or folder is played at its rate.
        options: what to write, and where.
        stops: signals that end it.
        logger: for how fast it is.
    """

    def __init__(self, detector: nn.Module | ExportedTracker, video: str, options: DemoOptions,
                 stops: Stops, logger: logging.Logger) -> None:
        self.detector, self.options = detector, options
        self.stops, self.logger = stops, logger
        say_left_out(detector)
        self.source = source = open_live(video, logger)
        self.newest = source.newest
        self.folder, self.name = folder_of(options.out, source), source.name
        self.meter, self.frames, self.closed_window = Meter(), 0, False
        self.next_line = time.monotonic() + EVERY
        self.movie = VideoWriter(self.folder / f'{self.name}.mp4', source.fps, logger,
                                 codec=check_codec(options.codec))
        alone = options.show or not default_workers(device_of(detector))
        self.queue = Background(self._draw, 0 if alone else 1)

    def run(self) -> dict:
        """Numbers of :func:`run_live`; what ended it is raised once all is written."""
        path = self.folder / f'{self.name}.jsonl'
        with told(path):
            self.folder.mkdir(parents=True, exist_ok=True)
            self.lines = open(path, 'w', buffering=1)
        error: BaseException | None = None
        try:
            self._follow()
        except (Exception, Stopped) as caught:
            error = caught
        self.source.close()
        try:
            self._finish()
        except (Exception, Stopped) as caught:
            error = error or caught
        files = [path, self.movie.written] if self.movie.written else [path]
        self.logger.info('%d frames, %s: %s', self.frames, self.meter.line(self.newest.dropped),
                         ', '.join(map(str, files)))
        if error is not None:
            raise error
        return dict(frames=self.frames, dropped=self.newest.dropped, rate=self.meter.rate,
                    latency=self.meter.latency)

    def _follow(self) -> None:
        """Whenever the tracker is free, the frame that came last."""
        tracked = track_frames(self.detector, self.source.even_frames(), ahead=0)
        with contextlib.closing(tracked):
            for frame, result in tracked:
                with self.stops.held():
                    self._add(frame, result, self.newest.grabbed)
                if self.closed_window or self.frames == self.options.max_frames:
                    return

    def _add(self, frame: np.ndarray, result: TrackResult, grabbed: float) -> None:
        seconds = self.source.seconds(self.frames)
        if not self.frames:
            self._write_line(dict(
                format=FORMAT, version=VERSION, name=self.name, source=self.source.where,
                width=frame.shape[1], height=frame.shape[0], classes=self.detector.CLASSES and
                list(self.detector.CLASSES)))
        self._write_line(dict(frame=self.frames, time=round(seconds, 6), **track_line(result)))
        self.queue(self.frames, frame, result, grabbed, seconds)
        self.frames += 1

    def _write_line(self, content: dict) -> None:
        with told(self.folder / f'{self.name}.jsonl'):
            self.lines.write(json.dumps(content, separators=(',', ':')) + '\n')

    def _draw(self, frame_id: int, frame: np.ndarray, result: TrackResult, grabbed: float,
              seconds: float) -> None:
        picture = draw_result(frame, result, self.detector.CLASSES, self.options.score_thr)
        self.meter.update(grabbed)
        line = self.meter.line(self.newest.dropped)
        write_caption(picture, line)
        self.movie.write(picture, seconds)
        if self.options.masks:
            write_masks(result, self.folder / 'masks', frame_id, self.options.score_thr)
        if time.monotonic() >= self.next_line:
            self.next_line = time.monotonic() + EVERY
            self.logger.info('%s', line)
        self.closed_window = self.options.show and not show_window(picture)

    def _finish(self) -> None:
        """The last drawings, and the files closed."""
        try:
            self.queue.finish()
        finally:
            self.movie.close()
            self.lines.close()
