"""What is wrong with a data set, and what is in it."""
import functools
import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.formats.annotation_checks import SEQUENCES, structure_problems
from mmdet.formats.entries import is_box, is_finite, num_frames
from mmdet.formats.frame_files import missing_files
from mmdet.formats.pictures import read_picture
from mmdet.formats.rle import BadMask
from mmdet.formats.segmentations import to_rles
from mmdet.utils.errors import BadValue

AREA_SLACK = 4, 0.05  # pixels, or share of the mask: tools draw polygons differently
BOX_SLACK = 2.0  # pixels a side


class Finding(NamedTuple):
    """``error``: training or scores go wrong; ``warning``: worth a look."""
    level: str
    text: str


def audit_annotations(dataset: Any, name: str) -> list[Finding]:
    """Everything suspicious about an annotation file; masks are read, frames are not.

    Args:
        dataset: the parsed json.
        name: the file, for messages.
    """
    found = [Finding('error', text) for text in structure_problems(dataset, name)]
    if found:
        return found  # what follows needs ids and lengths that hold
    videos = {video['id']: video for video in dataset['videos']}
    annotations = dataset.get('annotations') or []
    found += _counts(dataset, videos, annotations, name)
    for ann in annotations:
        found += _audit_track(ann, videos[ann['video_id']], f'{name}: annotation {ann["id"]}')
    return found


def _counts(dataset: dict, videos: dict, annotations: list, name: str) -> Iterator[Finding]:
    """Warnings about what is missing altogether."""
    if not annotations:
        yield Finding('warning', f'{name} has no annotations: it can be tested on, but neither '
                      'trained on nor scored')
        return
    seen = Counter(ann['category_id'] for ann in annotations)
    for cat in dataset['categories']:
        if not seen[cat['id']]:
            yield Finding('warning', f'{name}: no object of category {cat["id"]} '
                          f'({cat.get("name", "without a name")})')
    empty = set(videos) - {ann['video_id'] for ann in annotations}
    if empty:
        yield Finding('warning', f'{name}: {len(empty)} of {len(videos)} videos have no object, '
                      f'the first is {min(empty, key=str)!r}')
    if all(ann.get('iscrowd') for ann in annotations):
        yield Finding('warning', f'{name}: every object is a crowd ("iscrowd" 1): crowds are not '
                      'trained on and not scored')
    yield from _renumbered(annotations, videos, name)
    yield from _same_classes(dataset['categories'], name)
    yield from _copies(videos, name)
    names = Counter(file for video in videos.values() for file in video.get('file_names') or ())
    twice = [file for file, count in names.items() if count > 1]
    if twice:
        yield Finding('warning', f'{name}: {len(twice)} frames are listed more than once, the '
                      f'first is {twice[0]}')


def _renumbered(annotations: list, videos: dict, name: str) -> Iterator[Finding]:
    """Most objects are seen once, in videos of several frames: ids may be new in each frame."""
    tracks = [ann for ann in annotations if num_frames(videos[ann['video_id']]) > 2]
    once = sum(sum(bool(segm) for segm in ann.get('segmentations') or ()) == 1 for ann in tracks)
    if len(tracks) > 2 and once > len(tracks) / 2:
        yield Finding('warning', f'{name}: {once} of {len(tracks)} objects are seen in one frame '
                      'only; if the masks were numbered anew in each frame, tracking cannot be '
                      'learnt from them')


def _same_classes(categories: list, name: str) -> Iterator[Finding]:
    """Classes that differ by capitals, blanks or underscores only."""
    alike = {}
    for cat in categories:
        plain = re.sub(r'[\s_-]+', ' ', str(cat.get('name', cat['id']))).strip().casefold()
        alike.setdefault(plain, []).append(str(cat.get('name', cat['id'])))
    for names in alike.values():
        if len(names) > 1:
            yield Finding('warning', f'{name}: the categories {" and ".join(map(repr, names))} '
                          'look like one; give it one id')


def _copies(videos: dict, name: str) -> Iterator[Finding]:
    """Frames of a video that are there as jpg and as png."""
    for video in videos.values():
        files = {}
        for file in video.get('file_names') or ():
            files.setdefault(os.path.splitext(file)[0], set()).add(file)
        twice = [sorted(same) for same in files.values() if len(same) > 1]
        if twice:
            yield Finding('warning', f'{name}: video {video["id"]}: {len(twice)} frames are there '
                          f'in two formats, the first as {" and ".join(twice[0])}; keep one')


def _audit_track(ann: dict, video: dict, where: str) -> Iterator[Finding]:
    missing = [key for key in SEQUENCES if ann.get(key) is None]
    if missing:
        yield Finding('error', f'{where} has no "{missing[0]}"; it needs one entry per frame')
        return
    if ann.get('iscrowd') not in (0, 1):
        yield Finding('error', f'{where} needs "iscrowd" 0 or 1, got {ann.get("iscrowd")!r:.40}')
    size = video['height'], video['width']
    rles, problems = _read_masks(ann['segmentations'], size, where)
    yield from problems
    yield from _mismatches(ann, rles, where)
    if not problems and not any(rle is not None and mask_utils.area(rle) for rle in rles):
        yield Finding('warning', f'{where} is an empty track: no frame has a pixel of it')
    outside = sum(_reaches_outside(segm, size) for segm in ann['segmentations'])
    if outside:
        yield Finding('warning', f'{where}: polygons reach outside the frame in {outside} frames '
                      'and are cut off there')


def _read_masks(segms: list, size: tuple[int, int], where: str) -> tuple[list, list[Finding]]:
    """Masks as RLE, None where there is none or a broken one; and what is broken."""
    try:
        return to_rles(segms, size)[0], []
    except BadMask:
        rles, problems = [], []
    for frame, segm in enumerate(segms):
        try:
            rles += to_rles([segm], size)[0]
        except BadMask as error:
            rles.append(None)
            problems.append(Finding('error', f'{where}, frame {frame}: {error}'))
    return rles, problems


def _mismatches(ann: dict, rles: list, where: str) -> Iterator[Finding]:
    """Areas and boxes that do not belong to the masks; one finding a kind."""
    wrong = {}
    for frame, (rle, area, box) in enumerate(zip(rles, ann['areas'], ann['bboxes'])):
        pixels = 0 if rle is None else int(mask_utils.area(rle))
        if not pixels and ann['segmentations'][frame]:
            continue  # broken or without a pixel: said elsewhere
        if not is_finite(area or 0) or abs((area or 0) - pixels) > max(
                AREA_SLACK[0], AREA_SLACK[1] * pixels):
            wrong.setdefault('area', []).append((frame, area, pixels))
        tight = mask_utils.toBbox(rle).tolist() if pixels else None
        if not _same_box(box, tight):
            wrong.setdefault('box', []).append((frame, box, tight))
    for what, cases in wrong.items():
        frame, stated, real = cases[0]
        yield Finding('error', f'{where}: {what} and mask disagree in {len(cases)} frames, first '
                      f'in frame {frame}: {stated!r:.60} is stated, the mask gives {real}')


def _same_box(box: Any, tight: list | None) -> bool:
    """Whether two boxes [x, y, w, h] (or None) have the same corners, up to the slack."""
    if box is None or tight is None:
        return tight is None and (box is None or box == [0, 0, 0, 0])
    if not is_box(box):
        return False
    corners = [(b[0], b[1], b[0] + b[2], b[1] + b[3]) for b in (box, tight)]
    return all(abs(a - b) <= BOX_SLACK for a, b in zip(*corners))


def _reaches_outside(segm: Any, size: tuple[int, int]) -> bool:
    if not isinstance(segm, list):
        return False
    return any(min(p[0::2]) < -1 or max(p[0::2]) > size[1] + 1 or min(p[1::2]) < -1
               or max(p[1::2]) > size[0] + 1 for p in segm
               if isinstance(p, list) and len(p) > 5 and all(map(is_finite, p)))


def audit_frames(videos: list[dict], img_prefix: str, open_images: bool, name: str,
                 progress: Callable[[int], None] | None = None) -> list[Finding]:
    """Frames that are missing and, when opened, broken or of another size.

    Args:
        videos: entries of the annotation file.
        img_prefix: folder their ``file_names`` start from.
        open_images: decode every frame; otherwise only look whether it is there.
        name: the annotation file, for messages.
        progress: called with the number of videos done.

    Returns:
        at most one finding a video and kind.
    """
    paths = [[os.path.join(img_prefix, file) for file in video.get('file_names') or ()]
             for video in videos]
    missing = set(missing_files(itertools.chain.from_iterable(paths)))
    found = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, (video, frames) in enumerate(zip(videos, paths), 1):
            kinds = {'are missing': [path for path in frames if path in missing]}
            if open_images:
                size = video['width'], video['height']
                there = [path for path in frames if path not in missing]
                for kind, text in pool.map(functools.partial(_look_at, size=size), there):
                    kinds.setdefault(kind, []).append(text)
            found += [Finding('error', f'{name}: video {video["id"]}: {len(texts)} of '
                              f'{len(frames)} frames {kind}, first {texts[0]}')
                      for kind, texts in kinds.items() if kind and texts]
            if progress:
                progress(done)
    return found


def _look_at(path: str, size: tuple[int, int]) -> tuple[str, str]:
    """What is wrong with a frame: the kind ('' for nothing) and the case."""
    try:
        height, width = read_picture(path).shape[:2]
    except BadValue as error:
        return 'are corrupt', str(error)
    if (width, height) != size:
        return 'have another size', (f'{path}: {width} x {height} pixels, the json says '
                                     f'{size[0]} x {size[1]}')
    return '', path


def statistics(dataset: dict) -> dict[str, Any]:
    """Counts of a file without errors.

    Returns:
        ``videos``, ``frames``, ``objects``, ``crowds``, ``masks``; ``sizes``
        (videos by 'WxH'); ``classes``: name, objects, videos and masks of each
        category; and for histograms ``video_lengths`` (frames),
        ``track_lengths`` (frames with a mask), ``objects_per_video`` and
        ``mask_sides`` (square root of the area, pixels).
    """
    videos = {video['id']: video for video in dataset['videos']}
    annotations = dataset.get('annotations') or []
    seen = {ann['id']: sum(bool(s) for s in ann.get('segmentations') or ()) for ann in annotations}
    classes = []
    for cat in dataset['categories']:
        own = [ann for ann in annotations if ann['category_id'] == cat['id']]
        classes.append(dict(name=str(cat.get('name', cat['id'])), objects=len(own),
                            videos=len({ann['video_id'] for ann in own}),
                            masks=sum(seen[ann['id']] for ann in own)))
    areas = [area for ann in annotations for area in ann.get('areas') or ()
             if area and is_finite(area)]
    per_video = Counter(ann['video_id'] for ann in annotations)
    return dict(
        videos=len(videos), frames=sum(map(num_frames, videos.values())),
        objects=len(annotations), crowds=sum(bool(ann.get('iscrowd')) for ann in annotations),
        masks=sum(seen.values()), classes=classes,
        sizes=dict(Counter(f'{v["width"]}x{v["height"]}' for v in videos.values()).most_common()),
        video_lengths=[num_frames(video) for video in videos.values()],
        track_lengths=list(seen.values()),
        objects_per_video=[per_video[vid] for vid in videos],
        mask_sides=np.sqrt(np.array(areas, float)).tolist())
