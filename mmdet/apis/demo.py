"""Videos of one's own, from start to files."""
import contextlib
import dataclasses
import logging
import math
import os
import pathlib
import re
from collections.abc import Sequence

from torch import nn

from mmdet.apis.drawings import Drawings, check_window
from mmdet.apis.export import init_exported
from mmdet.apis.inference import device_of, init_detector, say_left_out, track_frames
from mmdet.apis.test import track_score
from mmdet.engine.checks import check_checkpoint
from mmdet.engine.environment import this_device
from mmdet.engine.export import ExportedTracker
from mmdet.engine.progress import Progress
from mmdet.engine.stops import Stopped, Stops
from mmdet.formats.json_files import read_json, write_json
from mmdet.formats.sources import FrameSource, open_source, videos_under
from mmdet.formats.video_json import FORMAT, VideoTracks
from mmdet.formats.videos import without_password
from mmdet.utils.errors import BadValue, CannotWrite, MissingFile, UserError, told_to_user
from mmdet.utils.fileio import write_here_or_elsewhere
from mmdet.utils.logger import get_root_logger
from mmdet.visualization.encoders import check_codec


@dataclasses.dataclass
class DemoOptions:
    """The options of ``tools/demo.py``, which explains each; config: see ``init_detector``."""
    config: str
    checkpoint: str | None
    video: str | Sequence[str]
    out: str = 'demo_out'
    masks: bool = False
    score_thr: float = 0.3
    device: str | None = None
    amp: bool | None = None
    compile: bool | None = None
    fps: float | None = None
    max_frames: int | None = None
    show: bool = False
    codec: str = 'auto'
    cfg_options: dict | None = None
    onnx: str | None = None
    live: bool = False

    def check(self) -> None:
        """ValueError, MissingFile or CannotWrite for what would fail after the model is loaded."""
        if self.fps is not None and not 0.01 <= self.fps <= 1000:
            raise BadValue(f'--fps {self.fps:g}: expected frames a second, 0.01 to 1000')
        if self.max_frames is not None and self.max_frames < 1:
            raise BadValue(f'--max-frames {self.max_frames}: expected 1 or more')
        if math.isnan(self.score_thr):
            raise BadValue('--score-thr nan: expected a number, such as 0.3')
        check_codec(self.codec)
        if self.onnx is not None and (self.device not in (None, 'cpu') or self.amp
                                      or self.compile):
            raise BadValue('--onnx: the file runs on the CPU as it was written; leave out '
                           '--device, --amp and --compile')
        this_device(self.device)
        check_folder(self.out)
        if self.checkpoint is not None:
            check_checkpoint(self.checkpoint)
        if self.show:
            check_window()

    def videos(self) -> list[str]:
        """The videos that were named, those in folders of folders one by one."""
        named = [self.video] if isinstance(self.video, (str, os.PathLike)) else self.video
        for path in map(os.fspath, named):
            if not (path.isdigit() or '://' in path or os.path.exists(path)):
                raise MissingFile(f'{path}: no such video file or folder of frames')
        return [video for path in named for video in videos_under(os.fspath(path))]


def check_folder(path: str | os.PathLike) -> None:
    """Find out whether a folder can be made, or written to (CannotWrite if not)."""
    existing = os.path.abspath(path)
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        raise CannotWrite(f'--out {path}: {existing} is a file; name a folder')
    if not os.access(existing, os.W_OK | os.X_OK):
        raise CannotWrite(f'--out {path}: {existing} cannot be written to; choose another place')


def run_demo(options: DemoOptions) -> list[dict]:
    """Track, draw and write every video.

    What was found is kept, whatever ends a video: the json is written first.

    Returns:
        the content of each json; see :mod:`mmdet.formats.video_json`.

    Raises:
        FileNotFoundError, ValueError, TypeError: something is missing or does not fit.
        OSError: the disk is full or read-only.
        Stopped: Ctrl-C or SIGTERM; what was found was written.
    """
    logger = get_root_logger()
    options.check()
    videos = options.videos()
    detector = init(options)
    contents, failed = [], 0
    with Stops() as stops:
        for number, video in enumerate(videos, 1):
            if len(videos) > 1:
                logger.info('video %d of %d: %s', number, len(videos), without_password(video))
            try:
                contents.append(Demo(detector, open_source(video, options.fps), options, stops,
                                     logger).run())
            except UserError as error:
                if len(videos) == 1:
                    raise
                failed += 1
                logger.error('%s', told_to_user(error))
    if failed:
        raise BadValue(f'{failed} of {len(videos)} videos failed; see above for each')
    return contents


def init(options: DemoOptions) -> nn.Module | ExportedTracker:
    """What finds the objects."""
    if options.onnx is not None:
        return init_exported(options.config, options.onnx, options.cfg_options)
    return init_detector(options.config, options.checkpoint, options.device, options.amp,
                         options.compile, options.cfg_options)


class Demo:
    """One video: follow it, then write what there is.

    Args:
        detector: from :func:`~mmdet.apis.inference.init_detector` or
            :func:`~mmdet.apis.export.init_exported`; it tracks.
        source: the video.
        options: what to write, and where.
        stops: signals that end it.
        logger: for progress and what was written.
    """

    def __init__(self, detector: nn.Module | ExportedTracker, source: FrameSource,
                 options: DemoOptions, stops: Stops, logger: logging.Logger) -> None:
        self.detector, self.source, self.options = detector, source, options
        self.stops, self.logger = stops, logger
        if not source.is_picture:
            say_left_out(detector)
        self.folder = folder_of(options.out, source)
        self.tracks = VideoTracks(source, detector.CLASSES, detector.num_classes - 1,
                                  track_score(detector.cfg))
        most = options.max_frames or source.count
        self.progress = Progress(min(source.count or most, most), logger)
        self.drawings = Drawings(
            source, self.folder, detector.CLASSES, device_of(detector),
            options.score_thr, options.masks, options.show, check_codec(options.codec),
            self.progress.update, logger)
        self.ended = False

    def run(self) -> dict:
        """The content of the json; what ended the video early is raised once all is written."""
        error: BaseException | None = None
        try:
            self._follow()
        except (Exception, Stopped) as caught:
            error = caught
        if not self.tracks.frames:
            self.drawings.discard()
            raise error or BadValue(f'{self.source.where}: there is no frame in it')
        damage = self.source.damage() if self.ended else None
        if damage:
            self.logger.warning('%s', damage)
        content = self.tracks.content(complete=self.ended and damage is None)
        for step in (lambda: self._write_json(content), self._finish_drawings):
            try:
                step()
            except (Exception, Stopped) as caught:
                error = error or caught
        self._report(error)
        if error is not None:
            raise error
        return content

    def _follow(self) -> None:
        """Every frame: track, remember, hand over to be drawn."""
        frames = self.source.even_frames()
        with contextlib.closing(track_frames(self.detector, frames)) as tracked:
            for frame_id, (frame, result) in enumerate(tracked):
                with self.stops.held():
                    self.tracks.add(result, frame.shape[:2])
                    self.drawings(frame_id, frame, result)
                if self.drawings.closed_window or frame_id + 1 == self.options.max_frames:
                    return
        self.ended = True

    @property
    def json_path(self) -> pathlib.Path:
        return self.folder / f'{self.source.name}.json'

    def _write_json(self, content: dict) -> None:
        with self.stops.held():
            write_here_or_elsewhere(lambda path: write_json(content, path), self.json_path)

    def _finish_drawings(self) -> None:
        try:
            self.drawings.finish()
        except BaseException:
            self.drawings.discard()
            raise

    def _report(self, error: BaseException | None) -> None:
        self.progress.finish()
        files = [path for path in (self.json_path, *self.drawings.written) if path.exists()]
        self.logger.info('%s%d objects in %d frames%s: %s', '' if error is None else 'kept: ',
                         len(self.tracks.seen), self.tracks.frames,
                         '' if self.ended else ' (not the whole video)',
                         ', '.join(map(str, files)) or 'nothing here')


def folder_of(out: str | os.PathLike, source: FrameSource) -> pathlib.Path:
    """A folder for one video: that of an earlier run on the same one, or one that is free."""
    folder, number = pathlib.Path(out) / source.name, 1
    while folder.exists() and not _is_of(folder / f'{source.name}.json', source):
        number += 1
        folder = folder.with_name(f'{source.name}_{number}')
    return folder


def _is_of(path: pathlib.Path, source: FrameSource) -> bool:
    """Whether a json was made from a video; masks alone belong to a run that was killed."""
    if not path.exists():
        return all(re.fullmatch(r'masks|\.mmdet-.*', p.name) for p in path.parent.iterdir())
    try:
        content = read_json(path)
        return content['format'] == FORMAT and content['video']['source'] == source.where
    except (ValueError, TypeError, KeyError):
        return False
