"""Several videos, one after the other."""
import logging
import os
from collections.abc import Iterable, Iterator

import numpy as np
from torch import nn

from mmdet.apis.inference import check_tracks, track_video
from mmdet.apis.tracked import TrackedVideo
from mmdet.engine.export import ExportedTracker
from mmdet.engine.progress import Progress
from mmdet.formats.sources import Source, open_source, videos_under
from mmdet.utils.errors import BadValue, UserError, told_to_user
from mmdet.utils.logger import get_root_logger
from mmdet.utils.names import UniqueNames


def track_videos(detector: nn.Module | ExportedTracker, sources: Iterable[Source],
                 logger: logging.Logger | None = None) -> Iterator[TrackedVideo]:
    """Follow one video after the other, and log how far each is.

    A video that cannot be opened is told and left out.

    Args:
        detector: from :func:`init_detector`.
        sources: each as :func:`track_video` takes it; folders of videos count as all of them. A
            text or path is a single one.
        logger: for progress; by default the package's.

    Yields:
        the videos; no ``name`` comes twice.

    Raises:
        ValueError: after the last, if some could not be opened.
        TypeError: the detector does not track.
    """
    check_tracks(detector)
    if isinstance(sources, (str, os.PathLike)):
        sources = [sources]
    logger, unique, failed = logger or get_root_logger(), UniqueNames(), 0
    several = [each for source in sources for each in _videos_of(source)]
    for number, source in enumerate(several, 1):
        try:
            video = open_source(source)
        except UserError as error:
            failed += 1
            logger.error('%s', told_to_user(error))
            continue
        video.name = unique(video.name)
        logger.info('video %d of %d: %s', number, len(several), video.name)
        video.frames = _counted(video.frames, Progress(video.count, logger))
        yield track_video(detector, video)
    if failed:
        raise BadValue(f'{failed} of {len(several)} videos could not be opened; see above for each')


def _videos_of(source: Source) -> list[Source]:
    """Of a folder of videos each."""
    if not isinstance(source, (str, os.PathLike)) or not os.path.isdir(source):
        return [source]
    try:
        return videos_under(os.fspath(source))
    except UserError:
        return [source]  # told when it is opened


def _counted(frames: Iterable[np.ndarray], progress: Progress) -> Iterator[np.ndarray]:
    for frame in frames:
        yield frame
        progress.update()
    progress.finish()
