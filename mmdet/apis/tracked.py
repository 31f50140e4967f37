"""A video that is being tracked: its frames as they come, and files of it."""
import contextlib
import os
import pathlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mmdet.engine.live import LiveSource
from mmdet.formats.json_files import write_json
from mmdet.formats.pictures import write_picture
from mmdet.formats.sources import FrameSource
from mmdet.formats.track_result import TrackResult
from mmdet.formats.video_json import VideoTracks
from mmdet.utils.errors import BadValue
from mmdet.utils.logger import get_root_logger
from mmdet.visualization import VideoWriter, draw_result


@dataclass(frozen=True)
class TrackedFrame:
    """A frame and what is in it; unpacks as ``frame, result``.

    Attributes:
        frame: uint8 (h, w, 3) BGR.
        result: of this frame.
        index: its number, from 0.
        time: seconds after the first frame; None where only the rate is known.
        classes: names by label; None where nothing tells them.
    """
    frame: np.ndarray
    result: TrackResult
    index: int = 0
    time: float | None = None
    classes: Sequence[str] | None = None

    def __iter__(self) -> Iterator[np.ndarray | TrackResult]:
        return iter((self.frame, self.result))

    def draw(self, score_thr: float = 0.3) -> np.ndarray:
        """Masks, boxes, names and ids from a score on; see :func:`mmdet.apis.show_result`."""
        return draw_result(self.frame, self.result, self.classes, score_thr)

    def save(self, path: str | os.PathLike, score_thr: float = 0.3) -> None:
        """Write the drawing, a .png or .jpg.

        Raises:
            ValueError: another ending.
            OSError: it cannot be written.
        """
        write_picture(self.draw(score_thr), path)


class TrackedVideo(Iterator[TrackedFrame]):
    """Gives every :class:`TrackedFrame` once it is tracked, or writes all of them.

    Attributes:
        name: of the video, for file names.
        index: frames given so far.
        count: about how many frames there are; 0 where that is not known.
    """

    def __init__(self, tracked: Iterator[tuple[np.ndarray, TrackResult]], source: FrameSource,
                 classes: Sequence[str] | None, num_classes: int, track_score: str) -> None:
        self.source, self.name, self.count, self.index = source, source.name, source.count, 0
        self._tracked, self._classes = tracked, classes
        self._complete = False
        self._tracks = VideoTracks(source, classes, num_classes, track_score)

    def __next__(self) -> TrackedFrame:
        try:
            frame, result = next(self._tracked)
        except BaseException:  # its end, too
            self.source.close()
            raise
        index = self.index
        self.index += 1
        return TrackedFrame(frame, result, index, self.source.seconds(index), self._classes)

    def __enter__(self) -> 'TrackedVideo':
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the rest; a camera or a file is given back."""
        self._tracked.close()
        self.source.close()

    def save(self, *paths: str | os.PathLike, score_thr: float = 0.3) -> dict:
        """Follow the video to its end and write files of it, those of ``tools/demo.py``.

        What ends it early is raised once what was found is written.

        Args:
            *paths: that end with .mp4 (the drawings) or .json (the tracks).
            score_thr: objects below are left out of the drawings.

        Returns:
            the content of a json; see :mod:`mmdet.formats.video_json`.

        Raises:
            ValueError: another ending, or frames were taken before.
            OSError: a file cannot be written.
        """
        movies, jsons = ([path for path in map(pathlib.Path, paths) if path.suffix == ending]
                         for ending in ('.mp4', '.json'))
        if len(movies) + len(jsons) < len(paths):
            raise BadValue(f'{", ".join(map(str, paths))}: expected names that end with .mp4 or '
                           '.json; choose one')
        if jsons and isinstance(self.source, LiveSource):
            raise BadValue(f'{self.name}: frames of a live video are left out and come at times of '
                           'their own, which a .json has no place for; write an .mp4, or run '
                           'tools/demo.py --live, whose .jsonl has them')
        if self.index:
            raise BadValue(f'{self.name}: {self.index} frames were taken already; save a video '
                           'before its first frame is asked for')
        writers = [VideoWriter(path, self.source.fps) for path in movies]
        with contextlib.ExitStack() as files:
            for writer in writers:
                files.callback(writer.close)
            files.callback(self.close)
            files.callback(self._write_jsons, jsons)  # the first that is done, whatever happened
            self._write_frames(writers, score_thr)
            damage = self.source.damage()
            if damage:
                get_root_logger().warning('%s', damage)
            self._complete = damage is None
        return self._tracks.content(self._complete)

    def _write_jsons(self, paths: list[pathlib.Path]) -> None:
        for path in paths if self.index else ():
            write_json(self._tracks.content(self._complete), path)

    def _write_frames(self, writers: list[VideoWriter], score_thr: float) -> None:
        for tracked in self:
            self._tracks.add(tracked.result, tracked.frame.shape[:2])
            picture = tracked.draw(score_thr) if writers else None
            for writer in writers:
                writer.write(picture, tracked.time)
