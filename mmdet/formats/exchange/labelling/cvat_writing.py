"""What CVAT for video 1.1 looks like when it is written."""
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import IO
from xml.sax.saxutils import escape, quoteattr

from pycocotools import mask as mask_utils

from mmdet.formats.exchange.json_entries import unlisted
from mmdet.formats.exchange.labelling.shapes import (OTHER_PIXELS, cropped, outlines, runs,
                                                     same_when_drawn)
from mmdet.formats.exchange.numbering import NEW_NUMBERS, kept_or_new
from mmdet.formats.exchange.tracks import Category, Mark, Track, Video
from mmdet.utils.errors import BadValue

OBJECT = 'object_id'
OURS = OBJECT, 'score', 'occlusion', 'is_crowd', 'box'  # attributes of shapes
NOT_XML = re.compile('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')

Shape = tuple[str, dict]  # tag, and where it is


def write_head(file: IO[str], videos: list[tuple[int, Video]], categories: list[Category],
               seen: Iterable[str]) -> None:
    """The beginning of a file, up to its tracks.

    Args:
        file: opened for writing.
        videos: number of the task, and its video; several tasks are those of a project.
        categories: labels.
        seen: names of the classes of objects.

    Raises:
        ValueError: XML cannot hold the name of a class.
    """
    file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
               f'  <meta>\n{_meta(videos, _labels(categories, seen))}  </meta>\n')


def write_tracks(file: IO[str], video: Video, task: int | None, masks: str, lost: Counter[str]
                 ) -> None:
    """The tracks of a video.

    Args:
        file: opened for writing.
        video: whose.
        task: number of the task, where there are several.
        masks: ``masks`` or ``polygons``.
        lost: counts what is changed.
    """
    ids, new = kept_or_new([track.id for track in video.tracks])
    lost[NEW_NUMBERS] += new
    count = 0
    for track, number in zip(video.tracks, ids):
        for group, shapes in _parts(track, masks, lost):
            head = dict(id=count, label=track.category, source='file')
            head |= {} if task is None else dict(task_id=task, subset='default')
            head |= dict(group_id=number) if group else {}
            file.write(f'  <track{_attributes(head)}>\n')
            for frame, (tag, place) in shapes.items():
                file.write(_element(tag, place, track, frame, number))
                following = frame + 1
                if following < len(video) and following not in shapes:
                    file.write(_element(tag, place, track, frame, number, following))
            file.write('  </track>\n')
            count += 1


def _parts(track: Track, masks: str, lost: Counter[str]) -> Iterator[tuple[bool, dict[int, Shape]]]:
    """Whether it is one of several, and the shapes by frame, of each track in the file."""
    boxes: dict[int, Shape] = {}
    polygons: list[dict[int, Shape]] = []
    for frame, mark in track.marks.items():
        if mark.rle is None:
            x, y, w, h = mark.bbox()
            boxes[frame] = 'box', dict(xtl=_text(x), ytl=_text(y), xbr=_text(x + w),
                                       ybr=_text(y + h))
            continue
        mask = mask_utils.decode(mark.rle)
        if masks == 'masks':
            part, left, top = cropped(mask)
            yield True, {frame: ('mask', dict(
                rle=', '.join(map(str, runs(part))), left=left, top=top,
                width=part.shape[1], height=part.shape[0]))}
            continue
        found = outlines(mask)
        lost[OTHER_PIXELS] += not same_when_drawn(found, mask)
        lost['boxes of masks in several parts'] += len(found) > 1 and mark.box is not None
        polygons += [{} for _ in range(len(found) - len(polygons))]
        for shapes, points in zip(polygons, found):
            shapes[frame] = 'polygon', dict(
                points=';'.join(f'{x}.00,{y}.00' for x, y in points))
    for shapes in [boxes, *polygons]:
        if shapes:
            yield bool(polygons), shapes


def _labels(categories: list[Category], seen: Iterable[str]) -> str:
    """The labels with the attributes that are written."""
    attributes = ''.join(
        f'<attribute><name>{name}</name><mutable>{mutable}</mutable><input_type>text</input_type>'
        '<default_value></default_value><values></values></attribute>'
        for name, mutable in zip(OURS, ('False', 'True', 'True', 'False', 'True')))
    names = [*(category.name for category in categories), *unlisted(categories, seen)]
    for name in names:
        if NOT_XML.search(name):
            raise BadValue(f'class {name!r} has characters that XML cannot hold; use --rename')
    return '<labels>\n' + ''.join(
        f'      <label><name>{escape(name)}</name><type>any</type><attributes>{attributes}'
        '</attributes></label>\n' for name in names) + '    </labels>'


def _meta(videos: list[tuple[int, Video]], labels: str) -> str:
    if len(videos) == 1:
        return f'    {_task(*videos[0], labels)}\n'
    tasks = '\n    '.join(_task(*video, '') for video in videos)
    return (f'    <project>\n    <name>converted</name>\n    {labels}\n    <tasks>\n    {tasks}\n'
            '    </tasks>\n    </project>\n')


def _task(number: int, video: Video, labels: str) -> str:
    name = escape(NOT_XML.sub('_', video.name))
    facts = dict(id=number, name=name, size=len(video), mode='interpolation', overlap=0,
                 start_frame=0, stop_frame=max(0, len(video) - 1), frame_filter='')
    lines = [*(f'  <{key}>{value}</{key}>' for key, value in facts.items()),
             *[labels] * bool(labels),
             f'  <original_size><width>{video.width}</width><height>{video.height}</height>'
             '</original_size>']
    return '\n    '.join(['<task>', *lines, '</task>'])


def _element(tag: str, place: dict, track: Track, frame: int, number: int,
             outside: int | None = None) -> str:
    """A shape of a track; ``outside``: the frame in which it is no longer seen."""
    mark = track.marks[frame]
    head = dict(frame=frame if outside is None else outside, keyframe=1,
                outside=int(outside is not None), occluded=int(bool(mark.occlusion)))
    return (f'    <{tag}{_attributes(head | place | dict(z_order=0))}>'
            + ''.join(f'<attribute name="{name}">{value}</attribute>'
                      for name, value in _told(track, mark, number).items()) + f'</{tag}>\n')


def _told(track: Track, mark: Mark, number: int) -> dict[str, str]:
    """What is told by attributes."""
    found = {OBJECT: str(number)}
    score = track.scored(mark)
    if score is not None:
        found['score'] = repr(float(score))
    if mark.occlusion == 2:
        found['occlusion'] = '2'
    if track.iscrowd:
        found['is_crowd'] = 'true'
    if mark.box is not None and mark.rle is not None:
        found['box'] = ','.join(map(_text, mark.box))
    return found


def _attributes(values: dict) -> str:
    return ''.join(f' {key}={quoteattr(str(value))}' for key, value in values.items())


def _text(value: float) -> str:
    """A number of pixels with the digits CVAT keeps, and those it would round away."""
    text = f'{value:.6f}'.rstrip('0')
    return text + '0' * max(0, 2 - len(text.partition('.')[2]))
