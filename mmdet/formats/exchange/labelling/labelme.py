"""labelme: a json file per frame, beside it or in a folder of its own."""
import base64
import binascii
import io
import json
import os
import pathlib
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as mask_utils

from mmdet.formats.entries import Id, is_box
from mmdet.formats.exchange.folders import (frame_stems, list_videos, new_folder, same_size, stem,
                                            sub_folders)
from mmdet.formats.exchange.format import FORMATS, Format, Given, one_of
from mmdet.formats.exchange.json_entries import unknown_keys
from mmdet.formats.exchange.labelling.shapes import (OTHER_PIXELS, Rectangles, cropped, ellipse,
                                                     number_tracks, numbers, outlines,
                                                     same_when_drawn)
from mmdet.formats.exchange.numbering import NEW_NUMBERS, kept_or_new
from mmdet.formats.exchange.tracks import Contents, Mark, Track, Video, VideoBuilder
from mmdet.formats.frame_files import IMAGE_SUFFIXES, list_images, natural_key
from mmdet.formats.json_files import read_json
from mmdet.formats.rle import short
from mmdet.utils.errors import BadValue, MissingFile
from mmdet.utils.fileio import atomic_write
from mmdet.utils.names import UniqueNames

VERSION = '6.3.1'  # of labelme, whose files these are like
LINES = 'point', 'points', 'line', 'linestrip'
KNOWN = {'label', 'points', 'group_id', 'shape_type', 'flags', 'mask', 'score', 'occlusion', 'box'}
FLAGS = 'occluded', 'iscrowd'
PICTURES = 'pictures inside json files (imageData), which stay there'
NO_PICTURE = OSError, ValueError, SyntaxError, Image.DecompressionBombError


@FORMATS.register_module(name='labelme')
class Labelme(Format):
    """A folder per video, in it a json file per frame and, maybe, the frames.

    Shapes of one label and group id are one object through all frames of a video, several in a
    frame its parts. Without a group id a label must be unique in its frame. Read are polygons,
    rectangles of two and four points, turned ones, circles, and the masks of the AI tools; points
    and lines are counted.

    Args:
        frames: reading: folder with a folder of frames per video, where they are not beside the
            json files. Writing: folder that the names of the frames start from; each frame is
            linked beside its json file, or copied where that cannot be.
        rectangles: ``boxes``, or ``masks`` of what they cover.
        masks: write ``masks``, or ``polygons`` around their parts.
    """
    title = 'labelme'
    keeps = frozenset({'masks', 'boxes', 'numbers', 'classes', 'scores', 'occlusion', 'crowds',
                       'overlap'})

    def __init__(self, frames: str | None = None, rectangles: str = 'boxes', masks: str = 'masks'
                 ) -> None:
        super().__init__()
        self.frames = frames
        self.rectangle = Rectangles(rectangles, self.lost)
        self.masks = one_of('masks', masks, ('masks', 'polygons'))

    @classmethod
    def sniff(cls, given: Given) -> bool:
        """A folder, or one of folders, that holds a json file with shapes."""
        if not given.is_folder:
            return False
        folders = [given.path, *(os.path.join(given.path, sub)
                                 for sub in sub_folders(given.path)[:20])]
        return any(_is_labelme(path) for folder in folders
                   for path in list(_json_files(folder).values())[:1])

    def read(self, given: Given) -> Contents:
        """As of :class:`Format`."""
        if not given.is_folder:
            raise BadValue(f'{given.path}: expected the folder of labelme files')
        return Contents([], self._videos(given.path))

    def _videos(self, root: str) -> Iterator[Video]:
        if self.frames:
            names = list_videos(self.frames)
        elif _json_files(root):
            yield self._video(os.path.basename(os.path.abspath(root)), root)
            return
        else:
            names = [name for name in sub_folders(root)
                     if _json_files(os.path.join(root, name))
                     or list_images(os.path.join(root, name))]
        for name in names:
            yield self._video(name, os.path.join(root, name))

    def _video(self, name: str, folder: str) -> Video:
        files = _json_files(folder) if os.path.isdir(folder) else {}
        frames, size, contents = self._frames_of(name, folder, files)
        stems = [stem(frame) for frame in frames]
        self.lost['json files that belong to no frame'] += len(set(files) - set(stems))
        lacking = sum(frame not in files for frame in stems)
        if lacking:
            self.notes.append(f'{folder}: {lacking} of {len(stems)} frames have no .json; they '
                              'are taken as empty')
        builder = VideoBuilder(name, frames, *size, lost=self.lost)
        for place, frame in enumerate(stems):
            if frame in files:
                path = files[frame]
                self._add_frame(builder, place, contents.pop(frame, {}) or _content(path), path)
        video = builder.done()
        number_tracks(video, {track.id: _group(track) for track in video.tracks})
        return video

    def _frames_of(self, name: str, folder: str, files: dict[str, str]
                   ) -> tuple[list[str], tuple[int, int], dict[str, dict]]:
        """Names of the frames, their (width, height), and what was read of the files for that."""
        own = os.path.join(self.frames, name) if self.frames else folder
        images = list_images(own)
        if images:
            return ([f'{name}/{image}' for image in images],
                    same_size(os.path.join(own, image) for image in images), {})
        contents = {key: _content(path) for key, path in files.items()}
        frames: list[str] = []
        sizes: dict[tuple[Any, Any], str] = {}
        for key, content in contents.items():
            size = content.get('imageWidth'), content.get('imageHeight')
            sizes.setdefault(size, files[key])
            ending = os.path.splitext(str(content.get('imagePath')))[1].lower()
            frames.append(f'{name}/{key}{ending if ending in IMAGE_SUFFIXES else ".jpg"}')
        (width, height), path = next(iter(sizes.items()))
        if len(sizes) > 1 or type(width) is not int or type(height) is not int:
            raise BadValue(f'{path}: expected one imageWidth and imageHeight in all files of the '
                           f'video, got {short(list(sizes))}; or put the frames beside them')
        self.notes.append(f'{folder}: no frame lies beside the json files; they are taken to be '
                          f'{short(frames[0])} and so on (--read frames=DIR says where they are)')
        self.lost[PICTURES] += sum(content.get('imageData') is not None
                                   for content in contents.values())
        return frames, (width, height), contents

    def _add_frame(self, builder: VideoBuilder, place: int, content: dict, path: str) -> None:
        _check_size(content, builder.video.size, path)
        shapes = content['shapes']
        self.lost += unknown_keys(shapes, KNOWN, 'shapes')
        self.lost += {'flags of frames': sum(_flags(content).values())}
        alone = Counter(s['label'] for s in shapes
                        if s.get('group_id') is None and s.get('shape_type') not in LINES)
        for label, count in alone.items():
            if count > 1:
                raise BadValue(
                    f'{path}: {count} shapes are labelled "{label}" without a group id; give each '
                    'object a group id of its own in labelme, the same one in every frame')
        for shape in shapes:
            self._add(builder, place, shape, path)

    def _add(self, builder: VideoBuilder, place: int, shape: dict, path: str) -> None:
        label, group = shape['label'], shape.get('group_id')
        key = label if group is None else f'{label} {group}'
        where = f'{path}, object {short(key)}'
        kind = shape.get('shape_type') or 'polygon'
        if kind in LINES:
            self.lost[f'shapes of type "{kind}", which have no area'] += 1
            return
        flags = _flags(shape)
        self.lost += {f'"{flag:.40}" of the flags of shapes': 1
                      for flag, is_set in flags.items() if is_set and flag not in FLAGS}
        drawn = self._drawn(kind, shape, builder.video.size, where)
        box = shape.get('box')
        if box is not None and is_box(box):
            drawn['box'] = tuple(box)
        level = shape.get('occlusion')
        if level not in (0, 1, 2):
            level = int(flags['occluded']) if 'occluded' in flags else None
        score = shape.get('score')
        builder.add(place, key, label, occlusion=level, iscrowd=flags.get('iscrowd', False),
                    score=None if score is None else numbers([score], f'{where}, score')[0],
                    **drawn)

    def _drawn(self, kind: str, shape: dict, size: tuple[int, int], where: str) -> dict[str, Any]:
        """``segm`` or ``box`` of a shape."""
        points = _points(shape, where)
        if kind == 'polygon' and len(points) > 2:
            return dict(segm=[[value for point in points for value in point]])
        if kind in ('rectangle', 'oriented_rectangle') and len(points) == 4:
            return self.rectangle.of_corners(points)
        if kind == 'rectangle' and len(points) == 2:
            (x1, y1), (x2, y2) = points
            return self.rectangle((x1, y1, x2 - x1, y2 - y1))
        if kind == 'circle' and len(points) == 2:
            radius = float(np.hypot(*np.subtract(points[1], points[0])))
            return dict(segm=ellipse(points[0], (radius, radius), 0., size))
        if kind == 'mask' and len(points) == 2:
            return dict(segm=_mask(shape.get('mask'), points, size, where))
        raise BadValue(f'{where}: a {short(kind)} of {len(points)} points has no area; draw a '
                       'polygon or a rectangle')

    def write(self, contents: Contents, out: str) -> None:
        """As of :class:`Format`: a folder with a folder per video; every frame has a file."""
        names = UniqueNames()
        with new_folder(out) as root:
            for video in contents.videos:
                self._write(video, root / names(video.name))

    def _write(self, video: Video, folder: pathlib.Path) -> None:
        folder.mkdir()
        ids, new = kept_or_new([track.id for track in video.tracks])
        self.lost[NEW_NUMBERS] += new
        numbers = {track.id: number for track, number in zip(video.tracks, ids)}
        for name, frame, seen in zip(frame_stems(video), video.file_names, video.by_frame()):
            ending = os.path.splitext(frame)[1].lower()
            image = name + (ending if ending in IMAGE_SUFFIXES else '.jpg')
            shapes = [shape for track, mark in seen
                      for shape in self._shapes(track, mark, numbers[track.id])]
            content: dict[str, Any] = dict(
                version=VERSION, flags={}, shapes=shapes, imagePath=image,
                imageData=None, imageHeight=video.height, imageWidth=video.width)
            with atomic_write(folder / f'{name}.json', 'w', durable=False) as file:
                json.dump(content, file, indent=2, allow_nan=False)
            if self.frames:
                _link(self.frames, frame, folder / image)

    def _shapes(self, track: Track, mark: Mark, number: int) -> Iterator[dict]:
        """The shapes of an object in a frame; more than one where it has several polygons."""
        base: dict[str, Any] = dict(label=track.category, group_id=number, description='',
                                    flags={})
        score = track.scored(mark)
        if score is not None:
            base['score'] = score
        if mark.occlusion is not None:
            base['flags']['occluded'] = mark.occlusion > 0
            base['occlusion'] = mark.occlusion
        if track.iscrowd:
            base['flags']['iscrowd'] = True
        if mark.rle is None:
            x, y, w, h = mark.bbox()
            yield dict(base, shape_type='rectangle', points=[[x, y], [x + w, y + h]], mask=None)
            return
        mask = mask_utils.decode(mark.rle)
        polygons = outlines(mask) if self.masks == 'polygons' else []
        if mark.box is not None and len(polygons) < 2:
            base['box'] = list(mark.box)
        elif mark.box is not None:
            self.lost['boxes of masks in several parts'] += 1
        if self.masks == 'masks':
            part, x, y = cropped(mask)
            far = [x + part.shape[1] - 1, y + part.shape[0] - 1]
            yield dict(base, shape_type='mask', points=[[x, y], far], mask=_base64(part))
            return
        self.lost[OTHER_PIXELS] += not same_when_drawn(polygons, mask)
        for polygon in polygons:
            yield dict(base, shape_type='polygon', points=polygon, mask=None)


def _json_files(folder: str) -> dict[str, str]:
    """Paths of the json files of a folder by name without ending, in natural order."""
    names = [name for name in os.listdir(folder) if name.lower().endswith('.json')]
    return {os.path.splitext(name)[0]: os.path.join(folder, name)
            for name in sorted(names, key=natural_key)}


def _is_labelme(path: str) -> bool:
    try:
        content = read_json(path)
    except ValueError:
        return False
    return isinstance(content, dict) and isinstance(content.get('shapes'), list)


def _content(path: str) -> dict:
    """A file; of the picture in it, which may be large, the (width, height)."""
    content = read_json(path)
    shapes = content.get('shapes') if isinstance(content, dict) else None
    if not isinstance(shapes, list) or not all(
            isinstance(s, dict) and isinstance(s.get('label'), str) for s in shapes):
        raise BadValue(f'{path}: not a labelme file, it has no list "shapes" with labels')
    if content.get('imageData') is not None:
        content['imageData'] = _picture(content['imageData'], path, 'imageData').size
    return content


def _check_size(content: dict, size: tuple[int, int], path: str) -> None:
    """Refuse a file, or a picture in it, of another size than the frame."""
    said: list[Any] = [content.get('imageHeight'), content.get('imageWidth')]
    if content.get('imageData') is not None:
        said = [*content['imageData']][::-1]
    if said != [None, None] and said != [*size]:
        raise BadValue(f'{path}: is of a picture of {said[1]!r:.20} x {said[0]!r:.20} pixels, the '
                       f'frame has {size[1]} x {size[0]}')


def _picture(data: Any, where: str, key: str) -> Image.Image:
    """A picture in a json file; no pixel is decoded yet."""
    try:
        return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    except (binascii.Error, TypeError, *NO_PICTURE):
        raise BadValue(f'{where}: expected a picture in base64 as "{key}", got {short(data)}'
                       ) from None


def _points(shape: dict, where: str) -> list[tuple[float, float]]:
    points = shape.get('points')
    if not isinstance(points, list) or not all(isinstance(p, list) and len(p) == 2
                                               for p in points):
        raise BadValue(f'{where}: its points are not pairs of numbers')
    flat = numbers([value for point in points for value in point], f'{where}, points')
    return list(zip(flat[::2], flat[1::2]))


def _mask(data: Any, points: list[tuple[float, float]], size: tuple[int, int], where: str
          ) -> np.ndarray:
    """The mask of the AI tools: a picture that begins at the first point and ends at the last."""
    (x1, y1), (x2, y2) = points
    picture = _picture(data, where, 'mask')
    left, top = round(min(x1, x2)), round(min(y1, y2))
    width, height = picture.size
    # Its last pixel is at the second point; some versions say where it ends.
    off = round(abs(x2 - x1)) + 1 - width, round(abs(y2 - y1)) + 1 - height
    inside = 0 <= left <= size[1] - width and 0 <= top <= size[0] - height
    if not (inside and 0 <= min(off) and max(off) <= 1):
        raise BadValue(f'{where}: a mask of {width} x {height} pixels does not fit between its '
                       f'points {short(points)} in a frame of {size[1]} x {size[0]}')
    mask = np.zeros(size, bool)
    try:
        pixels = np.asarray(picture) > 0
    except NO_PICTURE as error:
        raise BadValue(f'{where}: the mask is damaged ({error})') from None
    if pixels.ndim != 2:
        raise BadValue(f'{where}: expected a mask of one channel, this one is in colour')
    mask[top:top + height, left:left + width] = pixels
    return mask


def _base64(mask: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(mask).save(file, 'PNG')
    return base64.b64encode(file.getvalue()).decode('ascii')


def _flags(entry: dict) -> dict[str, bool]:
    """The flags of a file or shape, and whether they are set; none where they are no object."""
    flags = entry.get('flags')
    return {key: bool(up) for key, up in flags.items()} if isinstance(flags, dict) else {}


def _group(track: Track) -> Id:
    """The group id that is in the key of a track, else its key."""
    digits = str(track.id).removeprefix(f'{track.category} ')
    return int(digits) if digits.isascii() and digits.isdigit() else track.id


def _link(root: str, name: str, target: pathlib.Path) -> None:
    """A frame beside its json file: a hard link, or a copy where there can be none.

    Raises:
        FileNotFoundError, ValueError: there is no such frame, or it is not in its folder.
    """
    if '\0' in name or os.path.isabs(name) or os.pardir in name.split('/'):
        raise BadValue(f'{name}: leads out of the folder of frames, {root}, or names no file')
    source = os.path.join(root, name)  # maybe over links, which are the user's own
    if not os.path.isfile(source):
        raise MissingFile(f'{source}: no such frame')
    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copyfile(source, target)
