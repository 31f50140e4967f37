"""Label Studio: the json it exports and imports, of image tasks and of video tasks."""
import functools
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mmdet.formats.annotation_checks import MAX_FRAMES
from mmdet.formats.entries import Id, is_box
from mmdet.formats.exchange.folders import list_videos, same_size
from mmdet.formats.exchange.format import FORMATS, PROPERTIES, Format, Given, one_of
from mmdet.formats.exchange.labelling import brush
from mmdet.formats.exchange.labelling.label_studio_tasks import (BY_REGION, BY_TEXT, RESULTS,
                                                                 TRACK_KEYS, Region, Task,
                                                                 TaskReader, frame_name, identity,
                                                                 meta_of, path_of, video_of)
from mmdet.formats.exchange.labelling.label_studio_writing import TASKS, Writing, write_tasks
from mmdet.formats.exchange.labelling.shapes import (FILLED_IN, Rectangles, between, ellipse,
                                                     number_tracks, numbers)
from mmdet.formats.exchange.mask_folders import UNNAMED
from mmdet.formats.exchange.tracks import Contents, Video, VideoBuilder
from mmdet.formats.frame_files import list_images, natural_key
from mmdet.formats.rle import short
from mmdet.utils.errors import BadValue
from mmdet.utils.names import file_name

IN_META = {'text', 'occlusion', 'iscrowd', 'box', *TRACK_KEYS}


@FORMATS.register_module(name='label_studio')
class LabelStudio(Format):
    """Label Studio's json of tasks: images that make up videos, with masks and shapes, or videos.

    Images are grouped into videos by ``video`` in their data, else by the folder in their URL, and
    ordered by ``frame``, else by name. An object is the same in two images where ``track_key``,
    ``meta.text`` (the note of a region) or, without these, the id of the region is. Rectangles of
    videos (``videorectangle``) lie between keyframes on the way from one to the other. Key points
    and vectors are counted.

    Args:
        results: ``annotations`` or ``predictions``, to read or to write; None: annotations, and
            predictions where a file has nothing else.
        track_key: name of the control per region, or of the key in a region, its value or its
            ``meta``, that says of which object it is; None: the first in use of ``TRACK_KEYS``.
        untracked: ``refuse`` regions of images that do not say it where others do, or make each an
            object of its own, ``single``.
        size: width, height of the frames of videos, whose files do not say it, and of images
            where none of their video has a region.
        frames: folder with a folder of frames per video; of videos their names and size are
            taken, of images the size where none of their video has a region.
        rectangles: ``boxes``, or ``masks`` of what they cover.
        masks: write ``masks`` of the brush, or ``polygons`` around their parts.
        tasks: write ``images``, one task per frame, or ``videos`` with boxes.
        url: what stands before the name of a frame or video in what is written.
    """
    title = 'Label Studio'
    keeps = frozenset(PROPERTIES)

    def __init__(self, results: str | None = None, track_key: str | None = None,
                 untracked: str = 'refuse', size: Sequence[int] | None = None,
                 frames: str | None = None, rectangles: str = 'boxes', masks: str = 'masks',
                 tasks: str = 'images', url: str = '/data/local-files/?d=') -> None:
        super().__init__()
        self.results = results and one_of('results', results, RESULTS)
        if size is not None and (len(size) != 2 or min(size) < 1):
            raise BadValue(f'size={",".join(map(str, size))}: expected WIDTH,HEIGHT in pixels')
        self.track_key, self.frames = track_key, frames
        self.size = (size[0], size[1]) if size else None
        self.untracked = one_of('untracked', untracked, ('refuse', 'single'))
        self.rectangle = Rectangles(rectangles, self.lost)
        self.writing = Writing(self.results or 'annotations', url,
                               one_of('masks', masks, ('masks', 'polygons')),
                               one_of('tasks', tasks, tuple(TASKS)), self.lost)
        self.keeps = TASKS[tasks]
        self.filled = 0

    @classmethod
    def sniff(cls, given: Given) -> bool:
        """A json list of tasks with data and annotations or predictions."""
        if given.is_folder or not given.path.lower().endswith('.json'):
            return False
        tasks = given.json
        return (isinstance(tasks, list) and bool(tasks) and isinstance(tasks[0], dict)
                and isinstance(tasks[0].get('data'), dict)
                and any(isinstance(tasks[0].get(key), list) for key in RESULTS))

    def read(self, given: Given) -> Contents:
        """As of :class:`Format`."""
        if given.is_folder or not isinstance(given.json, list):
            raise BadValue(f'{given.path}: expected a json list of tasks; export from Label Studio '
                           'as JSON, not JSON-MIN')
        tasks = list(TaskReader(self.results, self.lost, self.notes).read(given.json, given.path))
        return Contents([], self._videos(tasks, given.path))

    def _videos(self, tasks: list[Task], path: str) -> Iterator[Video]:
        images = [task for task in tasks if not task.is_video]
        by_video: dict[str, list[Task]] = defaultdict(list)
        for task in images:
            by_video[video_of(task.data)].append(task)
        key = self._key(images, path)
        for name in sorted(by_video, key=natural_key):
            yield self._of_images(name, by_video[name], key)
        for task in tasks:
            if task.is_video:
                yield self._of_video(task)

    def _label(self, region: Region) -> str:
        """The class of a region; what else it says is counted."""
        self.lost += {f'"{name:.40}" of meta': 1 for name in meta_of(region)
                      if name not in IN_META and name != self.track_key}
        self.lost['further labels of regions'] += max(0, len(set(region.labels)) - 1)
        if not region.labels:
            self.lost[f'labels of regions, which had none and are "{UNNAMED}" now'] += 1
        return region.labels[0] if region.labels else UNNAMED

    def _key(self, tasks: list[Task], path: str) -> str:
        """What says of which object a region of an image is."""
        regions = [region for task in tasks for region in task.regions]
        for key in [*([self.track_key] if self.track_key else TRACK_KEYS), BY_TEXT]:
            lacking = sum(identity(region, key) is None for region in regions)
            if lacking == len(regions):
                continue
            if lacking and self.untracked == 'refuse':
                raise BadValue(f'{path}: {lacking} of {len(regions)} regions have no "{key}"; if '
                               'each is an object of a single frame, say --read untracked=single')
            if lacking:
                self.notes.append(f'{lacking} regions without "{key}" are an object of one frame '
                                  'each')
            return key
        ids = [identity(region, BY_REGION) for region in regions]
        if regions and len(set(ids)) == len(ids) and len(tasks) > 1 and self.untracked == 'refuse':
            raise BadValue(f'{path}: no region says of which object it is: none has '
                           f'{", ".join(TRACK_KEYS)}, a text as its "meta", or the id of one in '
                           'another image; name the control with --read track_key=NAME, or say '
                           '--read untracked=single')
        return BY_REGION

    def _number(self, builder: VideoBuilder, keys: dict[Id, Id]) -> Video:
        video = builder.done()
        number_tracks(video, keys)
        return video

    def _of_images(self, name: str, tasks: list[Task], key: str) -> Video:
        by_number = all(type(task.data.get('frame')) is int for task in tasks)
        tasks = sorted(tasks, key=lambda task: (
            task.data['frame'] if by_number else 0, natural_key(frame_name(task.data))))
        names = [frame_name(task.data) for task in tasks]
        builder = VideoBuilder(name, names, *self._size(name, tasks), lost=self.lost)
        keys: dict[Id, Id] = {}
        for place, task in enumerate(tasks):
            for order, region in enumerate(task.regions):
                label, found = self._label(region), identity(region, key)
                number = f'single {place} {order}' if found is None else found
                keys[f'{label} {number}'] = number
                self._add(builder, place, f'{label} {number}', label, region, task.where)
        return self._number(builder, keys)

    def _size(self, name: str, tasks: list[Task]) -> tuple[int, int]:
        """(width, height) of the images of a video; without a region, from the options."""
        sizes: dict[tuple[int, int] | None, str] = {}
        for task in tasks:
            for region in task.regions:
                found = _whole(region.entry.get('original_width'),
                               region.entry.get('original_height'))
                if region.entry.get('image_rotation'):
                    raise BadValue(f'{task.where}: the image was turned in Label Studio, which is '
                                   'not read; turn the frame itself')
                sizes.setdefault(found, task.where)
            said = _whole(task.data.get('width'), task.data.get('height'))
            if said:
                sizes.setdefault(said, task.where)
        if not sizes:
            return self._size_from_options(name, tasks[0].where)
        if len(sizes) != 1 or None in sizes:
            raise BadValue(f'{tasks[-1].where}: expected one original_width and original_height in '
                           f'all images of a video, got {short([*sizes])}')
        size, = sizes
        assert size
        return size

    def _size_from_options(self, name: str, where: str) -> tuple[int, int]:
        if self.size:
            return self.size
        folder = next((sub for sub in (name, os.path.basename(name), file_name(name))
                       if sub in self._folders), None)
        if not self.frames or folder is None:
            raise BadValue(f'{where}: no image of video "{name}" has a region, so nothing says how '
                           'large they are; give it with --read size=WIDTH,HEIGHT, or frames=DIR '
                           f'with the frames in {os.path.basename(name)}')
        own = os.path.join(self.frames, folder)
        return same_size(os.path.join(own, image) for image in list_images(own))

    def _add(self, builder: VideoBuilder, place: int, key: Id, label: str, region: Region,
             where: str) -> None:
        entry, value = region.entry, region.entry['value']
        where = f'{where}, region {short(entry.get("id"))}'
        drawn, meta = self._drawn(value, builder.video.size, where), meta_of(region)
        if is_box(meta.get('box')):
            drawn['box'] = tuple(meta['box'])
        score = entry.get('score', value.get('score'))
        builder.add(place, key, label, iscrowd=bool(meta.get('iscrowd')),
                    score=None if score is None else numbers([score], f'{where}, score')[0],
                    occlusion=meta.get('occlusion'), **drawn)

    def _drawn(self, value: dict, size: tuple[int, int], where: str) -> dict[str, Any]:
        """``segm`` or ``box`` of a region of an image."""
        height, width = size
        if 'rle' in value:
            return dict(segm=brush.decode(value['rle'], size, where))
        if 'points' in value:
            points = value['points']
            if not isinstance(points, list) or not all(
                    isinstance(point, list) and len(point) == 2 for point in points):
                raise BadValue(f'{where}: expected a list of points, got {short(points)}')
            flat = numbers([v for point in points for v in point], f'{where}, points')
            return dict(segm=[[v * (height if i % 2 else width) / 100
                               for i, v in enumerate(flat)]])
        if 'radiusX' in value:
            x, y, rx, ry, degrees = _percent(value, ('x', 'y', 'radiusX', 'radiusY'), size, where)
            return dict(segm=ellipse((x, y), (rx, ry), degrees, size))
        x, y, w, h, degrees = _percent(value, ('x', 'y', 'width', 'height'), size, where)
        return self.rectangle((x, y, w, h), degrees, about_corner=True)

    def _of_video(self, task: Task) -> Video:
        name = os.path.splitext(os.path.basename(path_of(str(task.data.get('video')))))[0]
        names, size = self._frames_of(name, task)
        builder = VideoBuilder(name, names, *size, lost=self.lost)
        keys: dict[Id, Id] = {}
        for region in task.regions:
            if 'sequence' not in region.entry['value']:
                self.lost['regions that are of no frame'] += 1
                continue
            known = [identity(region, place) for place in
                     [*([self.track_key] if self.track_key else TRACK_KEYS), BY_TEXT, BY_REGION]]
            number = next((one for one in known if one is not None), 'object')
            label = self._label(region)
            where = f'{task.where}, region {short(region.entry.get("id"))}'
            key = f'{label} {number}'
            keys[key] = number
            for frame, values in self._sequence(region.entry['value'], size, len(names), where):
                box = dict(zip(('x', 'y', 'width', 'height', 'rotation'), values.tolist()))
                drawn = Region(dict(region.entry, value=box))
                self._add(builder, frame, key, label, drawn, task.where)
        return self._number(builder, keys)

    @functools.cached_property
    def _folders(self) -> frozenset[str]:
        """The folders of frames."""
        return frozenset(list_videos(self.frames) if self.frames else ())

    def _frames_of(self, name: str, task: Task) -> tuple[list[str], tuple[int, int]]:
        """Names of the frames of a video, and their (width, height)."""
        values = [region.entry['value'] for region in task.regions]
        said = [value.get('framesCount', task.data.get('frames_count')) for value in values]
        counts = {count for count in [*said, task.data.get('frames_count')] if count is not None}
        if len(counts) > 1 or not all(type(count) is int and 0 <= count <= MAX_FRAMES // 10
                                      for count in counts):
            raise BadValue(f'{task.where}: expected one number of frames, "framesCount", in all '
                           f'regions, got {short([*counts])}')
        if self.frames:
            folder = name if name in self._folders else file_name(name)
            own = os.path.join(self.frames, folder)
            images = list_images(own) if os.path.isdir(own) else []
            if not images or len(images) < max(counts, default=1):
                raise BadValue(f'{own}: expected the frames of {task.where}, '
                               f'{max(counts, default=1)} or more, found {len(images)}')
            return ([f'{folder}/{image}' for image in images],
                    same_size(os.path.join(own, image) for image in images))
        if not counts:
            raise BadValue(f'{task.where}: nothing says how many frames the video has; give their '
                           'folder with --read frames=DIR')
        entries = [region.entry for region in task.regions]
        size = (self.size or _whole(task.data.get('width'), task.data.get('height'))
                or next(filter(None, (_whole(e.get('original_width'), e.get('original_height'))
                                      for e in entries)), None))
        if size is None:
            raise BadValue(f'{task.where}: Label Studio keeps percents of videos and not their '
                           'size; give it with --read size=WIDTH,HEIGHT or frames=DIR')
        folder = file_name(name)
        return [f'{folder}/{frame:05d}.jpg' for frame in range(counts.pop())], size

    def _sequence(self, value: dict, size: tuple[int, int], length: int, where: str
                  ) -> Iterator[tuple[int, np.ndarray]]:
        """0-based frame, and x, y, width, height in percent and degrees, wherever it is seen."""
        sequence = value['sequence']
        if not isinstance(sequence, list) or not all(
                isinstance(key, dict) and type(key.get('frame')) is int
                and 1 <= key['frame'] <= length for key in sequence):
            raise BadValue(f'{where}: expected a list "sequence" with frames from 1 to {length}, '
                           f'got {short(sequence)}')
        sequence = sorted(sequence, key=lambda key: key['frame'])
        for key, following in zip(sequence, [*sequence[1:], None]):
            first = _place(key, where)
            yield key['frame'] - 1, first
            end = following['frame'] if following else length + 1
            if not key.get('enabled', True) or end <= key['frame']:
                continue
            self.filled += end - key['frame'] - 1
            if self.filled > FILLED_IN:
                raise BadValue(f'{where}: the file has more than {FILLED_IN} boxes between '
                               'keyframes; export a part of it at a time')
            last = _place(following, where) if following else first
            for frame in range(key['frame'] + 1, end):
                yield frame - 1, between(first, last, (frame - key['frame'])
                                         / (end - key['frame']))

    def write(self, contents: Contents, out: str) -> None:
        """As of :class:`Format`: a json file to import."""
        write_tasks(contents, out, self.writing)


def _percent(value: dict, keys: tuple[str, str, str, str], size: tuple[int, int], where: str
             ) -> list[float]:
    """Four numbers in pixels, and the angle in degrees."""
    found = numbers([value.get(key) for key in keys] + [value.get('rotation') or 0], where)
    return [*(number * side / 100 for number, side in zip(found, size[::-1] * 2)), found[4]]


def _place(key: dict, where: str) -> np.ndarray:
    values = [key.get(name) for name in ('x', 'y', 'width', 'height')]
    return np.array(numbers([*values, key.get('rotation') or 0], where))


def _whole(width: Any, height: Any) -> tuple[int, int] | None:
    return (width, height) if type(width) is type(height) is int else None
