"""Detections kept while a data set is tested: a part per process, one file at the end."""
import contextlib
import os
from collections.abc import Sequence

from mmdet.datasets.base import BaseDataset
from mmdet.engine.distribution import rank_and_world
from mmdet.formats.detections import DetectionWriter, FrameDetections, join_files


class Recorder:
    """Writes the videos of this process to ``FILE.partRANK``; ``join`` makes ``FILE`` of all parts.

    A test that stops leaves its parts, and what they hold of whole videos can be replayed.

    Args:
        path: ``FILE``.
        dataset: of videos.
    """

    def __init__(self, path: str, dataset: BaseDataset) -> None:
        self.path, self.dataset = path, dataset
        self.rank, self.count = rank_and_world()
        self._writer = DetectionWriter(self._part(self.rank), dict(
            classes=list(dataset.CLASSES), videos=len(dataset.videos()),
            annotations=os.path.basename(dataset.ann_file)))

    def _part(self, rank: int) -> str:
        return f'{self.path}.part{rank}'

    def add(self, video: int, frames: Sequence[FrameDetections]) -> None:
        """Add the frames of a video, which is named by its place in the annotation file."""
        info = self.dataset.vid_infos[video]
        self._writer.add(info['id'], (info['height'], info['width']), frames)

    def close(self) -> None:
        """This process has tested all of its videos."""
        self._writer.close()

    def join(self) -> None:
        """On the first process, after all have closed: the file in the order of the data set.

        Raises:
            FileNotFoundError: the processes do not see the same folder.
        """
        if self.rank != 0:
            return
        parts = [self._part(rank) for rank in range(self.count)]
        if self.count == 1:
            os.replace(parts[0], self.path)
            return
        videos = [self.dataset.vid_infos[video]['id'] for video in self.dataset.videos()]
        join_files(parts, self.path, videos)
        for part in parts:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)
