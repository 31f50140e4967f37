"""Results as tables of pandas: a row per object and frame."""
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.formats.entries import Id
from mmdet.formats.interop.packages import optional
from mmdet.formats.rle import rle_areas
from mmdet.formats.track_result import TrackResult, check_names

if TYPE_CHECKING:
    import pandas

NUMBERS = dict(frame='int64', id='int64', label='int64', score='float64', x1='float64',
               y1='float64', x2='float64', y2='float64', area='int64')
COLUMNS = ('video', 'frame', 'id', 'label', 'class_name', 'score', 'x1', 'y1', 'x2', 'y2', 'area')


def video_table(results: Sequence[TrackResult], class_names: Sequence[str] | None = None,
                video: Id = 0, first: int = 0) -> 'pandas.DataFrame':
    """The frames of a video as one table.

    Args:
        results: of the frames, in order.
        class_names: by label.
        video: what stands in the column ``video``.
        first: number of the first frame.

    Returns:
        ``COLUMNS``: the video, frame (from ``first``), object id, label (from 0), its name (None
        without ``class_names``), score, box in pixels (inclusive), area in pixels: of the mask,
        or of the box where there are no masks.

    Raises:
        ImportError: pandas is not installed.
        ValueError: a mask is damaged.
    """
    sizes = [len(result) for result in results]
    labels = _joined([result.labels for result in results], np.int64)
    boxes = _joined([result.boxes for result in results], np.float64).reshape(-1, 4)
    return _table(dict(
        video=[video] * len(labels),
        frame=np.repeat(np.arange(first, first + len(results)), sizes),
        id=_joined([result.obj_ids for result in results], np.int64), label=labels,
        class_name=names_of(labels, class_names),
        score=_joined([result.scores for result in results], np.float64),
        **dict(zip(('x1', 'y1', 'x2', 'y2'), boxes.T)),
        area=_joined([_areas(result) for result in results], np.int64)))


def tracks_table(tracks: Sequence[dict], videos: Mapping[Id, str],
                 categories: Mapping[Id, str | None]) -> 'pandas.DataFrame':
    """The tracks of a result file as one table, by video, track and frame.

    Args:
        tracks: as :func:`~mmdet.formats.track_results.load_tracks` returns them; ``scores``, one
            per frame, may stand beside.
        videos: names by id.
        categories: names by id; a label is the place among the ids in rising order, -1 of a track
            whose category is none of them.

    Returns:
        as :func:`video_table`; where the file has no scores of frames, that of the track.

    Raises:
        ImportError: pandas is not installed.
    """
    label_of = {category: label for label, category in enumerate(
        sorted(categories, key=lambda i: (isinstance(i, str), i)))}
    rows = [row for track in tracks for row in _track_rows(
        track, videos[track['video_id']], label_of.get(track['category_id'], -1),
        categories.get(track['category_id']))]
    return _table(dict(zip(COLUMNS, zip(*rows))) if rows else {name: [] for name in COLUMNS})


def _track_rows(track: dict, video: str, label: int, name: str | None) -> Iterator[tuple]:
    shapes = shapes_of(track)
    seen = [frame for frame, shape in enumerate(shapes) if shape is not None]
    scores = track.get('scores') or [track['score']] * len(shapes)
    for frame, (x, y, width, height) in zip(seen, _boxes(track, seen)):
        yield (video, frame, track['id'], label, name, scores[frame], x, y, x + width - 1,
               y + height - 1, round(track['areas'][frame]))


def _boxes(track: dict, seen: list[int]) -> list:
    """[x, y, w, h] in the frames ``seen``."""
    boxes = track.get('bboxes')
    given = [None if boxes is None else boxes[frame] for frame in seen]
    if all(box is not None for box in given):
        return given
    return mask_utils.toBbox([track['segmentations'][frame] for frame in seen]).tolist()


def shapes_of(track: dict) -> list:
    """Masks of a track, or its boxes where it has no masks; None in frames without it."""
    masks = track.get('segmentations')
    return track['bboxes'] if masks is None else masks


def names_of(labels: np.ndarray, class_names: Sequence[str] | None) -> list[str | None]:
    """The name of each label, None without ``class_names``.

    Raises:
        ValueError: a label has no name.
    """
    if class_names is None:
        return [None] * len(labels)
    check_names(labels, class_names)
    return [str(class_names[label]) for label in labels.tolist()]


def _areas(result: TrackResult) -> np.ndarray:
    if len(result.masks):
        return rle_areas(list(result.masks), tuple(result.masks[0]['size']))
    width, height = (result.boxes[:, 2:] - result.boxes[:, :2] + 1).T
    return np.rint(width * height)


def _joined(arrays: list[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *map(np.ravel, arrays)]).astype(dtype)


def _table(columns: dict[str, Any]) -> 'pandas.DataFrame':
    pandas = optional('pandas', 'a table of results')
    return pandas.DataFrame(columns, columns=list(COLUMNS)).astype(NUMBERS)
