"""Videos of a test that are finished, beside its results, until all are: a stopped test goes on.

Each process has a file of its own, ``X.pkl.partial.N``: json lines, a head and then a line a video.
"""
import dataclasses
import glob
import hashlib
import json
import os
from typing import Any

from mmdet.datasets.base import BaseDataset
from mmdet.engine.distribution import broadcast, rank_and_world
from mmdet.formats.result_files import from_line, track_line
from mmdet.formats.track_result import TrackResult
from mmdet.utils.errors import BadValue, FileInTheWay
from mmdet.utils.fileio import told

_FORMAT = dict(format='mmdet finished videos', version=1)


class FinishedVideos:
    """What earlier tests finished, and where this one writes.

    Args:
        out: the result file of the test.
        dataset: of videos, in test mode.
        made_with: what the results depend on (config, weights) as text; results of another one
            are not mixed in.
        resume: go on; otherwise there must be nothing.

    Attributes:
        found: results of finished videos, a list a video, by place in the annotation file.

    Raises:
        FileExistsError: videos of an earlier test are there, and ``resume`` is off.
        ValueError: they were made with another config or checkpoint, or are damaged.
    """

    def __init__(self, out: str, dataset: BaseDataset, made_with: str, resume: bool) -> None:
        self.out, self.dataset = out, dataset
        self.head = dict(_FORMAT, made_with=hashlib.sha256(made_with.encode()).hexdigest())
        paths = broadcast(self._paths())
        if paths and not resume:
            raise FileInTheWay(
                f'{paths[0]}: holds videos that an earlier test finished; go on with --resume, or '
                f'remove {out}.partial.* to test them again')
        self.found: dict[int, list[TrackResult]] = {}
        for path in paths:
            self._read(path)
        numbers = [int(path.rpartition('.')[2]) for path in paths]
        self.path = f'{out}.partial.{max(numbers, default=-1) + 1 + rank_and_world()[0]}'
        self.file: Any = None

    def _paths(self) -> list[str]:
        paths = glob.glob(f'{glob.escape(self.out)}.partial.*')
        return sorted(path for path in paths if path.rpartition('.')[2].isdecimal())

    def _read(self, path: str) -> None:
        """All whole lines: the last one is cut where the test was killed."""
        with open(path, 'rb') as file:
            lines = [line for line in file if line.endswith(b'\n')]
        try:
            content = [json.loads(line) for line in lines]
            if content and content[0] != self.head:
                raise BadValue(f'{path}: was made with another config, checkpoint or annotation '
                               f'file; remove {self.out}.partial.* to start anew')
            items = self.dataset.videos()
            videos = {self.dataset.vid_infos[i]['id']: i for i in items}
            for line in content[1:]:
                if len(line['frames']) != len(items[videos[line['video']]]):
                    raise ValueError('another number of frames')
                self.found[videos[line['video']]] = [_as_found(from_line(frame))
                                                     for frame in line['frames']]
        except BadValue:
            raise
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise BadValue(f'{path}: damaged ({error!r:.80}); remove it to test its videos again'
                           ) from None

    def add(self, video: int, results: list[TrackResult]) -> None:
        """Write down a finished video; it is on the disk when this returns.

        Raises:
            CannotWrite: the disk is full or read-only.
        """
        with told(self.path):
            if self.file is None:
                self.file = open(self.path, 'xb')
                self._write(self.head)
            self._write(dict(video=self.dataset.vid_infos[video]['id'],
                             frames=[track_line(result) for result in results]))
            os.fsync(self.file.fileno())

    def _write(self, line: dict) -> None:
        self.file.write(json.dumps(line, separators=(',', ':')).encode() + b'\n')
        self.file.flush()

    def remove(self) -> None:
        """The results of all videos are written: these files are not needed any more (OSError)."""
        if self.file is not None:
            self.file.close()
        for path in self._paths() if rank_and_world()[0] == 0 else ():
            os.unlink(path)


def _as_found(result: TrackResult) -> TrackResult:
    """Masks as the detector gives them, so that the result files have the same bytes."""
    return dataclasses.replace(result, masks=[
        dict(size=mask['size'], counts=mask['counts'].encode()) for mask in result.masks])
