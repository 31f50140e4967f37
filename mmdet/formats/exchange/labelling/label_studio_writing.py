"""What Label Studio's json looks like when it is written."""
import json
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pycocotools import mask as mask_utils

from mmdet.formats.exchange.format import PROPERTIES
from mmdet.formats.exchange.labelling import brush
from mmdet.formats.exchange.labelling.shapes import OTHER_PIXELS, outlines, same_when_drawn
from mmdet.formats.exchange.numbering import NEW_NUMBERS, kept_or_new
from mmdet.formats.exchange.tracks import Contents, Mark, Track, Video
from mmdet.utils.fileio import atomic_write

# what the tasks of a kind can hold
TASKS = dict(images=frozenset(PROPERTIES),
             videos=frozenset({'boxes', 'numbers', 'classes', 'scores', 'crowds', 'overlap'}))
FRAME_RATE = 24  # frames per second that Label Studio assumes


@dataclass
class Writing:
    """How tasks are written; see :class:`LabelStudio`.

    Attributes:
        results: ``annotations`` or ``predictions``.
        url: stands before names.
        masks: ``masks`` or ``polygons``.
        tasks: ``images`` or ``videos``.
        lost: counts what is changed.
    """
    results: str
    url: str
    masks: str
    tasks: str
    lost: Counter[str]


def write_tasks(contents: Contents, out: str, writing: Writing) -> None:
    """A list of tasks, one after the other."""
    tasks = _images if writing.tasks == 'images' else _videos
    with atomic_write(out, 'w') as file:
        file.write('[')
        count = 0
        for video in contents.videos:
            ids, new = kept_or_new([track.id for track in video.tracks])
            writing.lost[NEW_NUMBERS] += new
            numbers = {track.id: number for track, number in zip(video.tracks, ids)}
            for data, regions in tasks(video, numbers, writing):
                count += 1
                result: dict[str, Any] = dict(result=list(regions))
                if writing.results == 'predictions':
                    result['model_version'] = 'converted'
                task = dict(id=count, data=data, **{writing.results: [result]})
                file.write(f'{"," if count > 1 else ""}\n'
                           + json.dumps(task, separators=(',', ':'), allow_nan=False))
        file.write('\n]\n')


def _images(video: Video, numbers: dict, writing: Writing
            ) -> Iterator[tuple[dict, Iterator[dict]]]:
    """Data and regions of a task per frame."""
    for frame, (name, seen) in enumerate(zip(video.file_names, video.by_frame())):
        data = dict(image=_url(writing, name), video=video.name, frame=frame, width=video.width,
                    height=video.height)
        yield data, (region for track, mark in seen
                     for region in _regions(video, track, mark, numbers[track.id], writing))


def _regions(video: Video, track: Track, mark: Mark, number: int, writing: Writing
             ) -> Iterator[dict]:
    """The regions of an object in an image; more than one where it has several polygons."""
    def region(kind: str, value: dict, part: int = 0) -> dict:
        return dict(head, id=f'object_{number}_{part}' if part else f'object_{number}',
                    type=f'{kind}labels', from_name=kind, value=value | {
                        f'{kind}labels': [track.category]}, meta=meta)
    head: dict[str, Any] = dict(to_name='image', original_width=video.width,
                                original_height=video.height, image_rotation=0)
    score = track.scored(mark)
    if score is not None:
        head['score'] = score
    meta = _meta(track, number)
    if mark.occlusion is not None:
        meta['occlusion'] = mark.occlusion
    if mark.rle is None:
        yield region('rectangle', dict(_percents(mark, video), rotation=0))
        return
    mask = mask_utils.decode(mark.rle)
    polygons = outlines(mask) if writing.masks == 'polygons' else []
    if mark.box is not None and len(polygons) < 2:
        meta['box'] = list(mark.box)
    elif mark.box is not None:
        writing.lost['boxes of masks in several parts'] += 1
    if writing.masks == 'masks':
        yield region('brush', dict(format='rle', rle=brush.encode(mask)))
        return
    writing.lost[OTHER_PIXELS] += not same_when_drawn(polygons, mask)
    for part, polygon in enumerate(polygons):
        points = [[100 * x / video.width, 100 * y / video.height] for x, y in polygon]
        yield region('polygon', dict(points=points, closed=True), part)


def _videos(video: Video, numbers: dict, writing: Writing
            ) -> Iterator[tuple[dict, Iterator[dict]]]:
    """Data and regions of the task of a video."""
    data = dict(video=_url(writing, f'{video.name}.mp4'), width=video.width, height=video.height,
                frames_count=len(video))
    yield data, (_track(video, track, numbers[track.id]) for track in video.tracks)


def _track(video: Video, track: Track, number: int) -> dict:
    """An object of a video: a keyframe wherever it is seen, disabled before it is not."""
    sequence = [dict(_percents(mark, video), frame=frame + 1, enabled=frame + 1 in track.marks,
                     rotation=0, time=(frame + 1) / FRAME_RATE)
                for frame, mark in track.marks.items()]
    value = dict(framesCount=len(video), duration=len(video) / FRAME_RATE, sequence=sequence,
                 labels=[track.category])
    score = track.mean_score()
    return dict(id=f'object_{number}', type='videorectangle', from_name='box', to_name='video',
                value=value, meta=_meta(track, number), **({} if score is None
                                                           else dict(score=score)))


def _meta(track: Track, number: int) -> dict[str, Any]:
    """The note of a region, which people see, and what Label Studio has no place for."""
    return dict(text=[str(number)], **(dict(iscrowd=True) if track.iscrowd else {}))


def _percents(mark: Mark, video: Video) -> dict[str, float]:
    sides = video.width, video.height, video.width, video.height
    return {key: 100 * value / side
            for key, value, side in zip(('x', 'y', 'width', 'height'), mark.bbox(), sides)}


def _url(writing: Writing, name: str) -> str:
    return writing.url + urllib.parse.quote(name, errors='surrogatepass')
