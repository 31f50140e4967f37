"""Results drawn over the frames they belong to."""
import logging
import os
import pathlib
import re
from typing import Any, Iterable, Iterator, Optional, Sequence, Union

import numpy as np

from mmdet.formats.entries import frame_folder
from mmdet.visualization import VideoWriter, draw_tracks, upscale_factor, write_picture
from mmdet.datasets.frame_reader import read_frame
from mmdet.utils.logger import get_root_logger


def draw_frame(frame: np.ndarray, det: dict, seg: dict,
               class_names: Optional[Sequence[str]] = None, score_thr: float = 0.3,
               scale: Optional[int] = None) -> np.ndarray:
    """Draw the objects of one frame, see :func:`mmdet.visualization.draw_tracks`.

    Args:
        frame: uint8 (h, w, 3), BGR; left as it is.
        det: object id to ``{'bbox': (5,), 'label': int}``, original pixels.
        seg: object id to compressed RLE; empty: only boxes.
        class_names: name of each label.
        score_thr: objects below are left out.
        scale: whole factor of enlargement; None: as far as small frames need
            for labels to be read.
    """
    if scale is None:
        scale = upscale_factor(*frame.shape[:2])
    ids = [i for i, found in det.items() if found['bbox'][4] >= score_thr]
    boxes = np.array([det[i]['bbox'] for i in ids], np.float32).reshape(-1, 5)
    return draw_tracks(frame, boxes, [det[i]['label'] for i in ids], ids,
                       [seg[i] for i in ids] if seg else [], class_names, scale)


def drawing_name(info: dict) -> str:
    """A file name for a video: the folder of its frames, else its id."""
    return re.sub(r'[^\w.-]+', '_', frame_folder(info)).strip('._') or f'video_{info["id"]}'


def write_pictures(pictures: Iterable[np.ndarray], path: pathlib.Path, fps: float,
                   as_frames: bool, logger: logging.Logger) -> pathlib.Path:
    """Write pictures as ``path.mp4``, or as PNG files into the folder ``path``."""
    if not as_frames:
        with VideoWriter(path.with_name(path.name + '.mp4'), fps, logger) as writer:
            for picture in pictures:
                writer.write(picture)
        return writer.written
    path.mkdir(parents=True, exist_ok=True)
    for t, picture in enumerate(pictures):
        write_picture(picture, path / f'{t:05d}.png')
    return path


def draw_dataset(dataset: Any, results: Sequence[tuple[dict, dict]],
                 folder: Union[str, os.PathLike], as_frames: bool = False, fps: float = 6,
                 score_thr: float = 0.3, logger: Optional[logging.Logger] = None) -> list[pathlib.Path]:
    """Draw every video of a data set, frames without objects too.

    Args:
        dataset: of videos, in test mode.
        results: a ``(det, seg)`` an entry of ``dataset.img_ids``; left as they are.
        folder: one mp4, or one folder of PNG files, a video goes there.
        as_frames: PNG files instead of mp4.
        fps: frames a second; YouTube-VIS annotates six.
        score_thr: objects below are left out.
        logger: for what was written.

    Returns:
        the files or folders written.
    """
    logger = logger or get_root_logger()
    written, names = [], set()
    for video, shots in _by_video(dataset, results):
        info = dataset.vid_infos[video]
        name = drawing_name(info)
        name = f'{name}_{info["id"]}' if name in names else name
        names.add(name)
        pictures = (draw_frame(read_frame(dataset.img_prefix, dataset.frame_info(int(place)),
                                          dataset.ann_file),
                               det, seg, dataset.CLASSES, score_thr)
                    for place, (det, seg) in shots)
        written.append(write_pictures(pictures, pathlib.Path(folder) / name, fps, as_frames, logger))
    logger.info('%d videos drawn into %s', len(written), folder)
    return written


def _by_video(dataset: Any, results: Sequence) -> Iterator[tuple[int, list]]:
    """(video index, [(place of the frame, result), ...]) in order."""
    videos = {}
    for (video, _), place, shot in zip(dataset.img_ids, dataset.places, results, strict=True):
        videos.setdefault(video, []).append((place, shot))
    yield from videos.items()
