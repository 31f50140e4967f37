"""The json of one video: what ``tools/demo.py`` writes beside its drawings.

It is an object::

    {"format": "mmdet video tracks", "version": 1,
     "video": {"name", "source", "width", "height", "fps", "frames", "complete", "times"},
     "classes": [names] or null,
     "tracks": [{"id", "video_id", "category_id", "category", "score",
                 "segmentations": [RLE or null], "bboxes": [[x, y, w, h] or null],
                 "scores": [number or null]}]}

``tracks`` are records of the YouTube-VIS result format with more keys: one entry a frame in
each of the lists. ``id`` is that of the drawing and of the masks' folder. A later version only
adds keys, or raises ``version``.
"""
from collections.abc import Sequence
from typing import Any

from mmdet.formats.results import TrackWriter
from mmdet.formats.sources import FrameSource
from mmdet.formats.track_result import TrackResult

FORMAT = 'mmdet video tracks'
VERSION = 1


class VideoTracks:
    """Collects the frames of a video.

    Args:
        source: the video.
        classes: name of each 0-based label; None where nothing tells them.
        num_classes: how many labels there are.
        track_score: see :class:`~mmdet.formats.results.TrackWriter`.
    """

    def __init__(self, source: FrameSource, classes: Sequence[str] | None, num_classes: int,
                 track_score: str = 'mean') -> None:
        self.source, self.classes = source, classes
        self.writer = TrackWriter(1, None, range(1, num_classes + 1), track_score)
        self.size: tuple[int, int] = (0, 0)
        self.frames = 0
        self.seen: dict[int, dict[int, tuple[list[float], float]]] = {}  # id, frame: box, score

    def add(self, result: TrackResult, size: tuple[int, int]) -> None:
        """Add the next frame, of ``size`` (height, width).

        Raises:
            ValueError: a result that cannot be; see :meth:`TrackWriter.add`.
        """
        self.writer.add(self.frames, result)
        for obj_id, box, score in zip(result.obj_ids.tolist(), result.boxes.tolist(),
                                      result.scores.tolist()):
            x1, y1, x2, y2 = (round(value, 2) for value in box)
            place = [x1, y1, round(x2 - x1 + 1, 2), round(y2 - y1 + 1, 2)]
            self.seen.setdefault(obj_id, {})[self.frames] = place, score
        self.size = size
        self.frames += 1

    def content(self, complete: bool) -> dict[str, Any]:
        """All of it, as the json has it.

        Args:
            complete: the video was gone through to its end and is not damaged.
        """
        video = dict(name=self.source.name, source=self.source.where, width=self.size[1],
                     height=self.size[0], fps=self.source.fps, frames=self.frames,
                     complete=complete,
                     times=[round(time, 6) for time in self.source.times[:self.frames]] or None)
        return dict(format=FORMAT, version=VERSION, video=video,
                    classes=None if self.classes is None else list(self.classes),
                    tracks=[self._track(obj_id, record) for obj_id, record in
                            zip(self.writer.tracks, self.writer.records())])

    def _track(self, obj_id: int, record: dict) -> dict[str, Any]:
        seen = [self.seen[obj_id].get(t, (None, None)) for t in range(self.frames)]
        name = None if self.classes is None else self.classes[record['category_id'] - 1]
        return dict(record, id=obj_id, category=name, bboxes=[box for box, _ in seen],
                    scores=[score for _, score in seen])
