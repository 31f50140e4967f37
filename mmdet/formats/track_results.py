"""Result files (``results.json``): read and checked, whoever wrote them."""
import numbers
import os
from typing import Any

from mmdet.formats.entries import Id, is_box, is_finite, num_frames
from mmdet.formats.json_files import read_json
from mmdet.formats.rle import BadMask
from mmdet.formats.segmentations import check_tracks
from mmdet.utils import get_root_logger
from mmdet.utils.errors import BadValue

MAX_STRAYS = 0.2  # share of tracks that may name a category nobody evaluates


def load_tracks(results: str | os.PathLike | list, videos: dict[Id, dict],
                categories: dict[Id, dict]) -> list[dict]:
    """Read results and check them against the annotation file's lists.

    Args:
        results: path of the json, or its content: a list of ``{video_id,
            category_id, score, segmentations}``, one entry a track;
            ``segmentations`` one compressed RLE or null a frame. ``bboxes``
            ([x, y, w, h] or null a frame, pixels) may stand beside or instead.
        videos: video entries by id.
        categories: category entries by id.

    Returns:
        new entries; what came in is not changed. Added are ``id`` (from 1 in
        the order given), ``iscrowd`` 0 and ``areas`` (pixels or null a frame).

    Raises:
        FileNotFoundError: no such file.
        ValueError: one sentence with the entry that is wrong and why. A few
            tracks of a category the annotations do not list are only warned of
            (as the official evaluator, no score counts them); more than
            ``MAX_STRAYS`` mean that ids were mixed up, and are refused.
    """
    name = 'results'
    if isinstance(results, (str, os.PathLike)):
        name = os.fspath(results)
        results = read_json(name)
    if not isinstance(results, list):
        raise BadValue(f'{name}: expected a list of tracks, got a '
                       f'{type(results).__name__}; an annotation file is no result file')
    for place, entry in enumerate(results):
        check_entry(entry, videos, f'{name}: track number {place}')
    _check_categories(results, categories, name)
    areas = _mask_areas(results, videos, name)
    return [
        dict(entry, id=place + 1, iscrowd=0, areas=values)
        for place, (entry, values) in enumerate(zip(results, areas))
    ]


def check_entry(entry: Any, videos: dict[Id, dict], where: str) -> None:
    """Check one track, all but its masks and whether its category is listed.

    Raises:
        ValueError: starts with ``where``.
    """
    if not isinstance(entry, dict):
        raise BadValue(f'{where} is no object: {entry!r:.60}')
    for key in ('video_id', 'category_id'):
        if not isinstance(entry.get(key), (numbers.Real, str)):
            raise BadValue(f'{where} needs an id of the annotation file as "{key}", got '
                           f'{entry.get(key)!r:.60}')
    if entry['video_id'] not in videos:
        raise BadValue(f'{where} is of video {entry["video_id"]!r:.60}, which the '
                       f'annotation file does not list{_known(videos)}')
    score = entry.get('score')
    if not is_finite(score):
        raise BadValue(f'{where} needs a finite number as "score", got {score!r:.60}')
    if entry.get('segmentations') is None and entry.get('bboxes') is None:
        raise BadValue(f'{where} has no "segmentations"; give one RLE or null a frame')
    length = num_frames(videos[entry['video_id']])
    for key in ('segmentations', 'bboxes'):
        frames = entry.get(key)
        if frames is not None and not isinstance(frames, list):
            raise BadValue(f'{where}: "{key}" must be a list with one entry per frame')
        if frames is not None and len(frames) != length:
            raise BadValue(f'{where} has {len(frames)} {key} for the {length} frames of '
                           f'video {entry["video_id"]}; give one per frame, null where '
                           'the object is not seen')
    for frame, box in enumerate(entry.get('bboxes') or ()):
        if box is not None and not is_box(box):
            raise BadValue(f'{where}, frame {frame}: expected a box [x, y, width, height] '
                           f'in pixels or null, got {box!r:.60}')


def _check_categories(results: list[dict], categories: dict[Id, dict], name: str) -> None:
    strays = [entry['category_id'] for entry in results if entry['category_id'] not in categories]
    if not strays:
        return
    text = (f'{name}: {len(strays)} of {len(results)} tracks have a category_id the '
            f'annotation file does not list, the first {strays[0]!r:.60}{_known(categories)}')
    if len(strays) > MAX_STRAYS * len(results):
        raise BadValue(f'{text}; map the labels to its ids')
    get_root_logger().warning('%s; no score counts them', text)


def _known(known: dict[Id, dict]) -> str:
    if not known:
        return ' (it lists none)'
    ids = sorted(known)
    return f' (its ids run from {ids[0]!r} to {ids[-1]!r})'


def _mask_areas(results: list[dict], videos: dict[Id, dict], name: str) -> list[list]:
    """Areas (pixels or None a frame) of every track; of its boxes if it has no masks."""
    tracks = []
    for entry in results:
        video, segms = videos[entry['video_id']], entry.get('segmentations')
        tracks.append((segms or (), (video['height'], video['width'])))
    try:
        areas = check_tracks(tracks)
    except BadMask as error:
        place, frame = error.index
        raise BadValue(f'{name}: track number {place} (video '
                       f'{results[place]["video_id"]}), frame {frame}: {error}') from None
    return [values if entry.get('segmentations') is not None else
            [box and box[2] * box[3] for box in entry['bboxes']]
            for values, entry in zip(areas, results)]
