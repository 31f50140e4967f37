"""What an annotation file must be before anything is built on it."""
import numbers
from typing import Any, Hashable

from .rle import MAX_PIXELS

SEQUENCES = ('segmentations', 'bboxes', 'areas')
RELEASES = 'YouTube-VIS 2019 (train.json), 2021, 2022 (instances.json) or OVIS'


def check_dataset(dataset: Any, name: str) -> None:
    """Check the structure of a YouTube-VIS annotation file; no mask is decoded.

    Args:
        dataset: the parsed json.
        name: the file, for messages.

    Raises:
        ValueError: it is no such file, ids repeat, an annotation refers to an
            unknown video or category, or a sequence has another length than
            its video.
    """
    _check_kind(dataset, name)
    videos = _by_id(dataset['videos'], name, 'video')
    categories = _by_id(dataset['categories'], name, 'category')
    for video in dataset['videos']:
        _check_video(video, name)
    annotations = dataset.get('annotations') or []
    if not isinstance(annotations, list):
        raise ValueError(f'{name}: "annotations" must be a list, got '
                         f'{type(annotations).__name__}')
    _by_id(annotations, name, 'annotation')
    for ann in annotations:
        _check_annotation(ann, videos, categories, name)


def num_frames(video: dict) -> int:
    """How many frames a video entry has: ``length``, else its file names."""
    return int(video.get('length', len(video.get('file_names') or ())))


def _check_kind(dataset: Any, name: str) -> None:
    if not isinstance(dataset, dict):
        raise ValueError(f'{name}: expected an object with "videos", "categories" and '
                         f'"annotations", got a {type(dataset).__name__}; a list of '
                         'tracks is a result file, give the annotation file')
    videos = dataset.get('videos')
    if isinstance(videos, dict):
        raise ValueError(
            f'{name}: this is the meta.json of YouTube-VOS (object segmentation, no '
            'categories), not of YouTube-VIS; download the video instance segmentation '
            f'data: {RELEASES}')
    if isinstance(dataset.get('images'), list) and videos is None:
        raise ValueError(f'{name}: this is a COCO file of single images; convert it '
                         'with tools/convert_datasets/coco_frames2ytvis.py')
    for key in ('videos', 'categories'):
        if not isinstance(dataset.get(key), list):
            raise ValueError(f'{name}: no list "{key}"; expected an annotation file of '
                             f'{RELEASES}')


def _by_id(entries: list, name: str, what: str) -> dict[Hashable, dict]:
    """Entries by their id; ids must exist, be comparable and be unique."""
    index = {}
    kinds = (int, float) if what == 'annotation' else (int, float, str)
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise ValueError(f'{name}: {what} number {place} is no object: {entry!r:.60}')
        key = entry.get('id')
        if not isinstance(key, kinds) or isinstance(key, bool) or key != key:
            raise ValueError(f'{name}: {what} number {place} needs a number as "id", '
                             f'got {key!r:.60}')
        if key in index:
            raise ValueError(f'{name}: {what} id {key} is used twice; ids must be unique')
        index[key] = entry
    if len({isinstance(key, str) for key in index}) > 1:
        raise ValueError(f'{name}: {what} ids mix numbers and strings; use one kind')
    return index


def _check_video(video: dict, name: str) -> None:
    where = f'{name}: video {video["id"]}'
    for key in ('height', 'width'):
        value = video.get(key)
        if type(value) is not int or value < 1:
            raise ValueError(f'{where}: "{key}" must be a number of pixels, got '
                             f'{value!r:.60}')
    if video['height'] * video['width'] > MAX_PIXELS:
        raise ValueError(f'{where}: {video["width"]} x {video["height"]} pixels a frame '
                         f'is more than {MAX_PIXELS}')
    names = video.get('file_names')
    if names is not None and not isinstance(names, list):
        raise ValueError(f'{where}: "file_names" must be a list, got {names!r:.60}')
    length = video.get('length', len(names) if names is not None else None)
    if type(length) is not int or length < 0:
        raise ValueError(f'{where}: "length" must be the number of frames, got {length!r:.60}')
    if names is not None and len(names) != length:
        raise ValueError(f'{where} has {len(names)} file_names for length {length}')


def _check_annotation(ann: dict, videos: dict, categories: dict, name: str) -> None:
    where = f'{name}: annotation {ann["id"]}'
    for key, known, what in (('video_id', videos, 'video'),
                             ('category_id', categories, 'category')):
        value = ann.get(key)
        if not isinstance(value, (numbers.Real, str)) or value not in known:
            raise ValueError(f'{where}: "{key}" is {value!r:.60}, and the file lists no '
                             f'such {what}')
    length = num_frames(videos[ann['video_id']])
    for key in SEQUENCES:
        value = ann.get(key)
        if value is None:
            continue
        if not isinstance(value, list):
            raise ValueError(f'{where}: "{key}" must be a list with one entry per frame')
        if len(value) != length:
            raise ValueError(
                f'{name}: video {ann["video_id"]} has {length} frames and annotation '
                f'{ann["id"]} has {len(value)} {key}; re-export it with one entry per '
                'frame (null where absent)')
