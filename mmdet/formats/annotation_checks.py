"""What an annotation file must be before anything is built on it."""
import numbers
from collections.abc import Iterator
from typing import Any, TypeGuard

from mmdet.formats.entries import Id, num_frames
from mmdet.formats.rle import MAX_PIXELS, short
from mmdet.utils.errors import BadValue

SEQUENCES = ('segmentations', 'bboxes', 'areas')
# More is a mistake, or meant to fill the memory: scores of 5000 categories take 1 GB.
MAX_CATEGORIES, MAX_NAME, MAX_FRAMES = 5000, 200, 10**7
RELEASES = 'YouTube-VIS 2019 (train.json), 2021, 2022 (instances.json) or OVIS'


def check_dataset(dataset: Any, name: str) -> None:
    """Check the structure of a YouTube-VIS annotation file; no mask is decoded.

    Args:
        dataset: the parsed json.
        name: the file, for messages.

    Raises:
        ValueError: the first of :func:`structure_problems`.
    """
    for problem in structure_problems(dataset, name):
        raise BadValue(problem)


def structure_problems(dataset: Any, name: str) -> Iterator[str]:
    """Everything that keeps a file from being indexed, one sentence each.

    It is no such file (nothing else is looked at then), ids repeat or are no whole
    numbers, an annotation refers to an unknown video or category, a sequence has another
    length than its video, or there are more categories, frames or characters in a name than
    anybody means.
    """
    wrong_kind = _wrong_kind(dataset, name)
    if wrong_kind:
        yield wrong_kind
        return
    videos: dict[Id, dict] = {}
    categories: dict[Id, dict] = {}
    yield from _by_id(dataset['videos'], name, 'video', videos)
    yield from _by_id(dataset['categories'], name, 'category', categories)
    yield from _category_problems(dataset['categories'], name)
    bad_videos = set()
    for key, video in videos.items():
        for problem in _video_problems(video, name):
            bad_videos.add(key)
            yield problem
    annotations = dataset.get('annotations') or []
    if not isinstance(annotations, list):
        yield f'{name}: "annotations" must be a list, got {type(annotations).__name__}'
        return
    known = {key: None if key in bad_videos else num_frames(video) for key, video in videos.items()}
    by_id: dict[Id, dict] = {}
    yield from _by_id(annotations, name, 'annotation', by_id)
    for ann in by_id.values():
        yield from _annotation_problems(ann, known, categories, name)


def _wrong_kind(dataset: Any, name: str) -> str | None:
    if not isinstance(dataset, dict):
        return (f'{name}: expected an object with "videos", "categories" and '
                f'"annotations", got a {type(dataset).__name__}; a list of '
                'tracks is a result file, give the annotation file')
    videos = dataset.get('videos')
    if isinstance(videos, dict):
        return (f'{name}: this is the meta.json of YouTube-VOS (object segmentation, no '
                'categories), not of YouTube-VIS; download the video instance segmentation '
                f'data: {RELEASES}')
    if isinstance(dataset.get('images'), list) and videos is None:
        return (f'{name}: this is a COCO file of single images; convert it with '
                'tools/convert_datasets/coco_frames2ytvis.py')
    for key in ('videos', 'categories'):
        if not isinstance(dataset.get(key), list):
            return f'{name}: no list "{key}"; expected an annotation file of {RELEASES}'
    return None


def _by_id(entries: list, name: str, what: str, index: dict[Id, dict]) -> Iterator[str]:
    """Fill ``index``: entries by their id, which must be a whole number and unique."""
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict):
            yield f'{name}: {what} number {place} is no object: {entry!r:.60}'
            continue
        key: Any = entry.get('id')
        if not is_id(key):
            yield (f'{name}: {what} number {place} needs a whole number as "id", '
                   f'got {key!r:.60}')
        elif key in index:
            yield f'{name}: {what} id {key} is used twice; ids must be unique'
        else:
            index[key] = entry


def is_id(value: Any) -> TypeGuard[Id]:
    """Whether it is a whole number of at most 64 bits; some tools write 1.0."""
    if isinstance(value, float):
        return value.is_integer() and abs(value) < 2**53
    return type(value) is int and abs(value) < 2**63


def _category_problems(categories: list, name: str) -> Iterator[str]:
    if len(categories) > MAX_CATEGORIES:
        yield (f'{name}: lists {len(categories)} categories, at most {MAX_CATEGORIES} can be '
               'trained on and scored; leave out those without objects')
    for place, category in enumerate(categories):
        said = category.get('name', '') if isinstance(category, dict) else ''
        if not isinstance(said, str) or len(said) > MAX_NAME:
            yield (f'{name}: category number {place}: "name" must be a text of at most '
                   f'{MAX_NAME} characters, got {short(said)}')


def _video_problems(video: dict, name: str) -> Iterator[str]:
    where = f'{name}: video {video["id"]}'
    for key in ('height', 'width'):
        value = video.get(key)
        if type(value) is not int or value < 1:
            yield f'{where}: "{key}" must be a number of pixels, got {value!r:.60}'
            return
    height, width = video['height'], video['width']
    if height * width > MAX_PIXELS:
        yield f'{where}: {width} x {height} pixels a frame is more than {MAX_PIXELS}'
    names = video.get('file_names')
    if names is not None and not (isinstance(names, list)
                                  and all(isinstance(file, str) for file in names)):
        yield f'{where}: "file_names" must be a list of paths, got {names!r:.60}'
        return
    length = video.get('length', len(names) if names is not None else None)
    if type(length) is not int or not 0 <= length <= MAX_FRAMES:
        yield f'{where}: "length" must be the number of frames, got {length!r:.60}'
    elif names is not None and len(names) != length:
        yield f'{where} has {len(names)} file_names for length {length}'


def _annotation_problems(ann: dict, lengths: dict[Id, int | None], categories: dict[Id, dict],
                         name: str) -> Iterator[str]:
    """``lengths``: frames of each video; None for one that has problems itself."""
    where = f'{name}: annotation {ann["id"]}'
    for key, known, what in (('video_id', lengths, 'video'),
                             ('category_id', categories, 'category')):
        value = ann.get(key)
        if not isinstance(value, (numbers.Real, str)) or value not in known:
            yield f'{where}: "{key}" is {value!r:.60}, and the file lists no such {what}'
            if what == 'video':
                return
    length = lengths[ann['video_id']]
    for key in SEQUENCES:
        value = ann.get(key)
        if value is None:
            continue
        if not isinstance(value, list):
            yield f'{where}: "{key}" must be a list with one entry per frame'
        elif length is not None and len(value) != length:
            yield (f'{name}: video {ann["video_id"]} has {length} frames and annotation '
                   f'{ann["id"]} has {len(value)} {key}; re-export it with one entry per '
                   'frame (null where absent)')
