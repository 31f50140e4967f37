"""CVAT for video 1.1: an XML file of tracks."""
import contextlib
import functools
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mmdet.formats.entries import Id
from mmdet.formats.exchange.folders import list_videos, new_folder, same_size
from mmdet.formats.exchange.format import FORMATS, Format, Given, one_of
from mmdet.formats.exchange.labelling.cvat_reading import Shape, open_xml, tracks, xml_files
from mmdet.formats.exchange.labelling.cvat_writing import OBJECT, OURS, write_head, write_tracks
from mmdet.formats.exchange.labelling.shapes import (FILLED_IN, Rectangles, between, draw_runs,
                                                     ellipse, number_tracks, numbers)
from mmdet.formats.exchange.labelling.xml_events import elements
from mmdet.formats.exchange.tracks import Category, Contents, Video, VideoBuilder
from mmdet.formats.frame_files import list_images
from mmdet.formats.rle import short
from mmdet.utils.errors import BadValue
from mmdet.utils.fileio import atomic_write, told
from mmdet.utils.names import UniqueNames, file_name

LONGEST = 10**6  # frames of a task
HELD = 'frames between two polygons, where the first one is kept; CVAT moves its points'


@dataclass
class _Task:
    """A task or job: what ``meta`` says of it, and what is seen in its video."""
    facts: dict[str, str] = field(default_factory=dict)
    builder: VideoBuilder | None = None
    numbers: dict[Id, Id] = field(default_factory=dict)  # of objects, by their keys
    order: dict[Id, int] = field(default_factory=dict)  # z order, by their keys
    start: int = 0
    step: int = 1


@FORMATS.register_module(name='cvat')
class CvatVideo(Format):
    """CVAT for video 1.1: an XML file, the ZIP it comes in, or a folder of XML files.

    Boxes and ellipses between two keyframes lie on the way from one to the other, as in CVAT,
    which itself writes every frame. Points, lines, cuboids and skeletons are counted. CVAT knows
    no track of masks and writes every mask as a track of one frame; those with the same attribute
    ``object_id``, else the same group, and label are one object. Of several tasks in a file all
    objects are in memory at once.

    Written is a file that ends with ``.xml``, or a folder with a file per video, which is what
    CVAT can load into tasks. What CVAT has no place for are attributes: ``object_id``, ``score``,
    ``occlusion``, ``is_crowd``, ``box``; a task keeps those its labels have.

    Args:
        frames: folder with a folder of frames per task, or the frames of the only one; None: they
            are taken to be named as CVAT does, ``TASK/frame_000000.PNG``.
        object_key: attribute that says of which object a shape is.
        rectangles: ``boxes``, or ``masks`` of what they cover.
        masks: write ``masks``, or ``polygons`` around their parts, which CVAT can track.
    """
    title = 'CVAT for video 1.1'
    keeps = frozenset({'masks', 'boxes', 'numbers', 'classes', 'scores', 'occlusion', 'crowds',
                       'overlap'})

    def __init__(self, frames: str | None = None, object_key: str = OBJECT,
                 rectangles: str = 'boxes', masks: str = 'masks') -> None:
        super().__init__()
        self.frames, self.object_key = frames, object_key
        self.rectangle = Rectangles(rectangles, self.lost)
        self.masks = one_of('masks', masks, ('masks', 'polygons'))
        self.filled = 0

    # reading

    @classmethod
    def sniff(cls, given: Given) -> bool:
        """XML that begins as CVAT's does, in a ZIP, too."""
        try:
            path = next(iter(xml_files(given)), None)
            with open_xml(path) if path else contextlib.nullcontext() as file:
                return file is not None and b'<annotations>' in file.read(1000)
        except (BadValue, OSError):
            return False

    def read(self, given: Given) -> Contents:
        """As of :class:`Format`."""
        files = xml_files(given)
        if not files:
            raise BadValue(f'{given.path}: expected an XML file of CVAT, its ZIP, or a folder of '
                           'XML files')
        labels: dict[str, None] = {}
        for path in files:
            labels.update(dict.fromkeys(self._meta(path)[1]))
        return Contents([Category(label) for label in labels],
                        (video for path in files for video in self._videos(path)))

    def _meta(self, path: str) -> tuple[dict[str, _Task], list[str]]:
        """The tasks of a file by their ids, and its labels."""
        tasks: list[_Task] = []
        labels = []
        with open_xml(path) as file:
            for element in elements(file, path):
                if element.path[0] != 'annotations':
                    raise BadValue(f'{path}: expected <annotations> of CVAT, got '
                                   f'<{element.path[0]:.40}>')
                tag, parent = element.path[-1], element.path[-2:-1]
                if element.attributes is not None and tag in ('task', 'job'):
                    tasks.append(_Task())
                elif element.attributes is None and tag == 'meta':
                    break
                elif element.attributes is None and tasks and parent in (
                        ('task', ), ('job', ), ('original_size', )):
                    tasks[-1].facts.setdefault(tag, element.text.strip())
                if element.attributes is None and element.path[-2:] == ('label', 'name'):
                    labels.append(element.text)
        if not tasks:
            raise BadValue(f'{path}: its <meta> names no task or job; export it as "CVAT for '
                           'video 1.1"')
        return {task.facts.get('id', str(place)): task for place, task in enumerate(tasks)}, labels

    def _videos(self, path: str) -> Iterator[Video]:
        tasks, _ = self._meta(path)
        for key, task in tasks.items():
            self._begin(task, key, path, alone=len(tasks) == 1)
        with open_xml(path) as file:
            for track, shapes in tracks(file, path, self.lost):
                key = track.get('task_id', next(iter(tasks)))
                where = f'{path}: track {short(track.get("id"))}'
                if key not in tasks:
                    raise BadValue(f'{where} is of task {short(key)}, which <meta> does not list')
                self._add(tasks[key], track, shapes, where)
        for task in tasks.values():
            assert task.builder
            video = task.builder.done()
            video.tracks.sort(key=lambda track: task.order[track.id])
            number_tracks(video, task.numbers)
            yield video

    def _begin(self, task: _Task, key: str, path: str, alone: bool) -> None:
        """Make the video of a task."""
        def number(name: str, default: str | None = None) -> int:
            text = task.facts.get(name) or default or ''
            if not re.fullmatch('[0-9]{1,9}', text):
                raise BadValue(f'{path}, task {short(key)}: expected a number as <{name}> in '
                               f'<meta>, got {short(text)}')
            return int(text)
        name = task.facts.get('name') or f'task {key}'
        length = number('size')
        task.start = number('start_frame', '0')
        step = re.fullmatch(r'\s*step\s*=\s*([0-9]{1,6})\s*', task.facts.get('frame_filter', ''))
        task.step = max(1, int(step[1])) if step else 1
        if self.frames:
            frames, size = self._frames_of(self.frames, name, task, length, alone)
        else:
            if length > LONGEST:
                raise BadValue(f'{path}: task {short(name)} has {length} frames; at most {LONGEST} '
                               'are taken without their folder, --read frames=DIR')
            if 'width' not in task.facts:
                raise BadValue(f'{path}: <meta> has no <original_size> of task {short(name)}, so '
                               'nothing says how large the frames are; give their folder with '
                               '--read frames=DIR')
            size = number('width'), number('height')
            folder = file_name(name)
            frames = [f'{folder}/frame_{task.start + task.step * place:06d}.PNG'
                      for place in range(length)]
        number_of_task = int(key) if re.fullmatch('[0-9]{1,15}', key) else None
        task.builder = VideoBuilder(name, frames, *size, lost=self.lost, id=number_of_task)

    @functools.cached_property
    def _folders(self) -> frozenset[str]:
        """The folders of frames."""
        return frozenset(list_videos(self.frames) if self.frames else ())

    def _frames_of(self, root: str, name: str, task: _Task, length: int, alone: bool
                   ) -> tuple[list[str], tuple[int, int]]:
        """Names of the frames of a task, and their (width, height), from their folder."""
        folder = next((sub for sub in (name, os.path.splitext(name)[0], file_name(name))
                       if sub in self._folders), '' if alone else None)
        images = [] if folder is None else list_images(os.path.join(root, folder))
        places = [task.start + task.step * place for place in range(length)]
        if len(images) == length:
            places = list(range(length))
        elif not places or len(images) <= places[-1]:
            raise BadValue(f'{root}: expected the {length} frames of task {short(name)} in a '
                           f'folder of this name, found {len(images)}')
        names = [os.path.join(folder or '', images[place]) for place in places]
        return names, same_size(os.path.join(root, frame) for frame in names)

    def _add(self, task: _Task, track: dict[str, str], shapes: list[Shape], where: str) -> None:
        label, own = track.get('label'), track.get('id')
        if label is None or own is None:
            raise BadValue(f'{where}: expected an id and a label')
        if not shapes:
            return
        builder = task.builder
        assert builder
        for shape in shapes:
            shape.frame = self._place(shape.frame, task, len(builder.video), where)
        shapes.sort(key=lambda shape: shape.frame)
        key, number = self._key(label, own, track.get('group_id', '0'), shapes)
        task.numbers[key] = number
        task.order[key] = max([task.order.get(key, -2**31), *(
            int(numbers([shape.attributes.get('z_order', 0)], where)[0]) for shape in shapes)])
        for shape in shapes:
            self.lost += {f'"{name:.40}" of the attributes of shapes': 1 for name in shape.more
                          if not (shape.outside or name in OURS or name == self.object_key)}
        for shape in self._every_frame(shapes, len(builder.video), where):
            if not shape.outside:
                self._add_shape(builder, key, label, shape, f'{where}, frame {shape.frame}')

    def _place(self, frame: int, task: _Task, length: int, where: str) -> int:
        place, rest = divmod(frame - task.start, task.step)
        if rest or not 0 <= place < length:
            last = task.start + task.step * (length - 1)
            raise BadValue(f'{where}: frame {frame} is none of the task, whose {length} frames are '
                           f'{task.start} to {last} in steps of {task.step}')
        return place

    def _key(self, label: str, own: str, group: str, shapes: list[Shape]) -> tuple[str, Id]:
        """What tells an object from the others of the video, and its number."""
        named = next((shape.more[self.object_key] for shape in shapes
                      if shape.more.get(self.object_key)), None)
        single = sum(not shape.outside for shape in shapes) == 1
        kind, text = (('object', named) if named else
                      ('group', group) if single and group not in ('', '0') else ('track', own))
        digits = text.isascii() and text.isdigit() and len(text) < 16
        return (f'{label}, {kind} {text}' if kind != 'track' else f'{kind} {text}',
                int(text) if digits else text)

    def _every_frame(self, shapes: list[Shape], length: int, where: str) -> Iterator[Shape]:
        """The shapes of a track, and those between its keyframes where it has no others."""
        last = shapes[-1]
        complete = not all(shape.keyframe for shape in shapes) or last.kind == 'mask'
        # CVAT ends a shape of one frame in the next one, unless that is the last of the task.
        complete |= len(shapes) == 1 and last.frame >= length - 2
        for shape, following in zip(shapes, [*shapes[1:], None]):
            yield shape
            end = following.frame if following else length
            if complete or shape.outside:
                continue
            self.filled += max(0, end - shape.frame - 1)
            if self.filled > FILLED_IN:
                raise BadValue(f'{where}: the file has more than {FILLED_IN} shapes between '
                               'keyframes; export a part of it at a time')
            same = following is not None and following.kind == shape.kind
            for frame in range(shape.frame + 1, end):
                values = shape.values
                if same and following and values is not None and following.values is not None:
                    fraction = (frame - shape.frame) / (end - shape.frame)
                    values = between(values, following.values, fraction)
                elif following is not None and values is None:
                    self.lost[HELD] += 1
                yield Shape(shape.kind, frame, False, False, shape.attributes, values,
                             shape.segm, shape.more)

    def _add_shape(self, builder: VideoBuilder, key: str, label: str, shape: Shape, where: str
                   ) -> None:
        more = shape.more
        if shape.kind == 'box':
            assert shape.values is not None
            x1, y1, x2, y2, degrees = shape.values.tolist()
            drawn = self.rectangle((x1, y1, x2 - x1, y2 - y1), degrees)
        elif shape.kind == 'ellipse':
            assert shape.values is not None
            x, y, rx, ry, degrees = shape.values.tolist()
            drawn = dict(segm=ellipse((x, y), (rx, ry), degrees, builder.video.size))
        elif shape.kind == 'mask':
            counts, place = shape.segm
            drawn = dict(segm=draw_runs(counts, place, builder.video.size, where))
        else:
            drawn = dict(segm=shape.segm)
        if 'box' in more and shape.kind != 'box':
            x, y, w, h = numbers([*more['box'].split(','), '', '', '', ''][:4], f'{where}, "box"')
            drawn['box'] = (x, y, w, h)
        occluded = shape.attributes.get('occluded')
        level = None if occluded is None else int(occluded == '1')
        if level and more.get('occlusion') == '2':
            level = 2
        score = numbers([more['score']], f'{where}, "score"')[0] if 'score' in more else None
        builder.add(shape.frame, key, label, score=score, occlusion=level,
                    iscrowd=more.get('is_crowd', '').lower() in ('1', 'true'), **drawn)

    # writing

    def write(self, contents: Contents, out: str) -> None:
        """As of :class:`Format`: a file for a name that ends with .xml, else a folder."""
        if out.lower().endswith('.xml'):
            self._write_file(contents, out)
            return
        names = UniqueNames()
        with new_folder(out) as root:
            for video in contents.videos:
                seen = {track.category for track in video.tracks}
                with atomic_write(root / f'{names(video.name)}.xml', 'w', durable=False) as file:
                    write_head(file, [(1, video)], contents.categories, seen)
                    write_tracks(file, video, None, self.masks, self.lost)
                    file.write('</annotations>\n')

    def _write_file(self, contents: Contents, out: str) -> None:
        seen: set[str] = set()
        videos: list[tuple[int, Video]] = []
        with told(out), tempfile.TemporaryFile('w+', encoding='utf-8') as spool:
            for place, video in enumerate(contents.videos, 1):
                write_tracks(spool, video, place, self.masks, self.lost)
                seen.update(track.category for track in video.tracks)
                videos.append((place, replace(video, tracks=[])))
            spool.seek(0)
            with atomic_write(out, 'w') as file:
                write_head(file, videos, contents.categories, seen)
                file.writelines(spool)
                file.write('</annotations>\n')
