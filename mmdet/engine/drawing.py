"""Results of a data set drawn over the frames they belong to."""
import logging
import os
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np

from mmdet.datasets.base import BaseDataset
from mmdet.engine.background import Background
from mmdet.formats.entries import frame_folder
from mmdet.formats.pictures import write_picture
from mmdet.formats.track_result import TrackResult
from mmdet.utils.logger import get_root_logger
from mmdet.utils.names import UniqueNames, file_name
from mmdet.visualization import VideoWriter, draw_result

AHEAD = 8  # pictures that may wait to be encoded


def write_pictures(pictures: Iterable[np.ndarray], path: pathlib.Path, fps: float,
                   as_frames: bool, logger: logging.Logger,
                   codec: str | None = None) -> pathlib.Path:
    """Write pictures as ``path.mp4``, or as PNG files into the folder ``path``."""
    if not as_frames:
        with VideoWriter(path.with_name(path.name + '.mp4'), fps, logger,
                         codec=codec) as writer:
            with Background(writer.write, AHEAD) as encode:
                for picture in pictures:
                    encode(picture)
        return writer.written
    for t, picture in enumerate(pictures):
        write_picture(picture, path / f'{t:05d}.png')
    return path


def draw_dataset(dataset: BaseDataset, results: Sequence[TrackResult], folder: str | os.PathLike,
                 as_frames: bool = False, fps: float = 6, score_thr: float = 0.3,
                 logger: logging.Logger | None = None,
                 codec: str | None = None) -> list[pathlib.Path]:
    """Draw every video of a data set, frames without objects too.

    Args:
        dataset: of videos, in test mode.
        results: one per item.
        folder: one mp4, or one folder of PNG files, per video goes there.
        as_frames: PNG files instead of mp4.
        fps: frames a second; YouTube-VIS annotates six.
        score_thr: objects below are left out.
        logger: for what was written.
        codec: of the mp4; None: the best that works.

    Returns:
        the files or folders written.
    """
    logger = logger or get_root_logger()
    written, unique = [], UniqueNames()
    for video, indices in dataset.videos().items():
        info = dataset.vid_infos[video]
        name = unique(frame_folder(info) or f'video {info["id"]}')
        pictures = (draw_result(dataset.picture(i), results[i], dataset.CLASSES, score_thr)
                    for i in indices)
        path = pathlib.Path(folder) / name
        written.append(write_pictures(pictures, path, fps, as_frames, logger, codec))
    logger.info('%d videos drawn into %s', len(written), folder)
    return written


def draw_images(dataset: BaseDataset, results: Sequence, folder: str | os.PathLike,
                as_png: bool = False, score_thr: float = 0.3,
                logger: logging.Logger | None = None) -> list[pathlib.Path]:
    """Draw what was found in every image of a data set.

    Args:
        dataset: of images, in test mode.
        results: one per item: boxes by class, a pair of those and masks, proposals, or a dict of
            stages, of which the ensemble is drawn.
        folder: one picture per item goes there, named by its place and file name.
        as_png: PNG files instead of JPEG.
        score_thr: boxes below are left out.
        logger: for what was written.

    Returns:
        the files written.
    """
    written = []
    for index, result in enumerate(results):
        result = result.get('ensemble') if isinstance(result, dict) else result
        proposals = isinstance(result, np.ndarray)
        found = result if isinstance(result, tuple) else ([result] if proposals else result, None)
        picture = draw_result(dataset.picture(index), TrackResult.from_detections(*found),
                              ['proposal'] if proposals else dataset.CLASSES, score_thr)
        stem = pathlib.PurePath(dataset.item_info(index)['filename']).stem
        name = f'{index:06d}_{file_name(stem)}'
        written.append(pathlib.Path(folder) / f'{name}.{"png" if as_png else "jpg"}')
        write_picture(picture, written[-1])
    (logger or get_root_logger()).info('%d images drawn into %s', len(written), folder)
    return written
