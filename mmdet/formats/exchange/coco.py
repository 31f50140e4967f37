"""COCO files of frames whose annotations carry a track id; CVAT's, too."""
import json
import pathlib
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from typing import IO, Any

from pycocotools import mask as mask_utils

from mmdet.formats.coco_files import check_coco
from mmdet.formats.entries import Id, is_box, is_finite
from mmdet.formats.exchange.format import FORMATS, PROPERTIES, Format, Given, one_of
from mmdet.formats.exchange.json_entries import category_entries, read_categories, unknown_keys
from mmdet.formats.exchange.numbering import NEW_VIDEOS, kept_or_new
from mmdet.formats.exchange.tracks import Category, Contents, Mark, Track, Video, VideoBuilder
from mmdet.formats.frame_files import natural_key
from mmdet.formats.rle import json_rle, short
from mmdet.utils.errors import BadValue
from mmdet.utils.fileio import atomic_write, told

TRACK_KEYS = 'track_id', 'instance_id', 'object_id', 'obj_id'
KNOWN = {'id', 'image_id', 'category_id', 'segmentation', 'bbox', 'area', 'iscrowd', 'score',
         'attributes', 'video_id', *TRACK_KEYS}
OF_CVAT = {'track_id', 'occluded', 'keyframe', 'rotation'}  # attributes it always writes


@FORMATS.register_module(name='coco')
class CocoFrames(Format):
    """A COCO file of frames; each annotation says of which object it is.

    Images are grouped into videos by ``video_id``, else by the folder in their file name, and
    ordered by ``frame_id``, else by name. CVAT writes the track as ``attributes.track_id`` and a
    drawn mask as RLE with ``iscrowd`` 1; ``--crowds objects`` takes those as objects.

    Args:
        track_key: key of the track id, ``attributes.KEY`` one of the attributes; None: the first
            in use of ``TRACK_KEYS`` and ``attributes.track_id``.
        untracked: ``refuse`` annotations without a track id where others have one, or make each
            an object of its own, ``single``.
        every: write every N-th frame of a video.
        cvat: write the track as CVAT imports it, too: ``attributes.track_id`` and ``keyframe``.

    Attributes:
        images, objects: how many were written.
    """
    title = 'COCO'
    keeps = frozenset(PROPERTIES)

    def __init__(self, track_key: str | None = None, untracked: str = 'refuse', every: int = 1,
                 cvat: bool = False) -> None:
        super().__init__()
        if every < 1:
            raise BadValue(f'every={every}: expected 1 or more')
        self.track_key = track_key
        self.untracked = one_of('untracked', untracked, ('refuse', 'single'))
        self.every, self.cvat = every, cvat
        self.images = self.objects = 0

    @classmethod
    def sniff(cls, given: Given) -> bool:
        """A json with a list "images"."""
        return isinstance(given.top('images'), list)

    def read(self, given: Given) -> Contents:
        """As of :class:`Format`."""
        coco, path = given.json, given.path
        check_coco(coco, path, dict(images=('id', 'file_name', 'width', 'height'),
                                    categories=('id', 'name'),
                                    annotations=('image_id', 'category_id')))
        categories = read_categories(coco['categories'], path)
        if len({image['id'] for image in coco['images']}) < len(coco['images']):
            raise BadValue(f'{path}: several images have the same id; ids must be unique')
        by_image = defaultdict(list)
        key = self._key(coco['annotations'], path)
        for place, ann in enumerate(coco['annotations']):
            track = _value(ann, key)
            if track is not None and type(track) not in (int, str):
                raise BadValue(f'{path}: annotation {short(ann.get("id"))}: expected a number or '
                               f'a text as "{key}", got {short(track)}')
            by_image[ann['image_id']].append((f'single {place}' if track is None else track, ann))
        self._count_unknown(coco['annotations'])
        drawn = sum(bool(ann.get('iscrowd')) and isinstance(ann.get('segmentation'), dict)
                    for ann in coco['annotations'])
        if drawn and key.startswith('attributes.'):
            self.notes.append(f'{drawn} masks are marked as crowd regions, as CVAT does with all '
                              'that are drawn with its brush; --crowds objects takes them as '
                              'objects')
        return Contents(categories, self._videos(coco['images'], by_image, categories, path))

    def _key(self, annotations: list[dict], path: str) -> str:
        """The key under which annotations carry their track id."""
        keys = [self.track_key] if self.track_key else [*TRACK_KEYS, 'attributes.track_id']
        for key in keys:
            have = sum(_value(ann, key) is not None for ann in annotations)
            lacking = len(annotations) - have
            if have and lacking and self.untracked == 'refuse':
                raise BadValue(f'{path}: {lacking} of {len(annotations)} annotations have no '
                               f'"{key}"; if each is an object of a single frame, say '
                               '--read untracked=single to convert.py')
            if have:
                if lacking:
                    self.notes.append(f'{lacking} annotations without "{key}" are an object of '
                                      'one frame each')
                return key
        if not annotations or self.untracked == 'single':
            return keys[0]
        raise BadValue(f'{path}: no annotation has a track id ({" or ".join(keys)}), so nothing '
                       'says which objects are the same in two frames; name the key with '
                       '--read track_key=KEY (coco_frames2ytvis.py: --track-key KEY)')

    def _count_unknown(self, annotations: list[dict]) -> None:
        attributes = [ann['attributes'] for ann in annotations
                      if isinstance(ann.get('attributes'), dict)]
        self.lost += unknown_keys(annotations, KNOWN | {str(self.track_key)}, 'annotations')
        self.lost += unknown_keys(attributes, OF_CVAT, 'annotations (attributes)')
        self.lost += {'"rotation" of boxes': sum(bool(a.get('rotation')) for a in attributes)}

    def _videos(self, images: list[dict], by_image: dict, categories: list[Category],
                path: str) -> Iterator[Video]:
        names = {category.id: category.name for category in categories}
        for name, frames in group_videos(images):
            sizes = {(image['width'], image['height']) for image in frames}
            if len(sizes) > 1:
                raise BadValue(f'{path}: the frames with {frames[0]["file_name"]} have several '
                               f'sizes, {sorted(sizes)[:4]}; a video has one')
            builder = VideoBuilder(name, [image['file_name'] for image in frames], *sizes.pop(),
                                   id=frames[0].get('video_id'), lost=self.lost)
            for place, image in enumerate(frames):
                for key, ann in by_image.pop(image['id'], ()):
                    _add(builder, place, key, names[ann['category_id']], ann, path)
            video = builder.done()
            for track in video.tracks:
                track.share_score()
            yield video

    def write(self, contents: Contents, out: str) -> None:
        """As of :class:`Format`: a json file; every frame is an image."""
        with told(out), tempfile.TemporaryFile('w+', encoding='utf-8') as spool:
            with atomic_write(out, 'w') as file:
                file.write('{"images":[')
                self._write(contents, file, spool)

    def _write(self, contents: Contents, file: IO[str], spool: IO[str]) -> None:
        heads: list[tuple[int, str]] = []
        numbers = _Videos()
        for video in contents.videos:
            number = numbers(video.id)
            self.lost[NEW_VIDEOS] += video.id not in (None, number)
            for frame, seen in enumerate(video.by_frame()):
                if frame % self.every:
                    continue
                self.images += 1
                entry = dict(id=self.images, file_name=video.file_names[frame], width=video.width,
                             height=video.height, video_id=number, frame_id=frame)
                file.write(('\n' if self.images == 1 else ',\n') + _json(entry))
                for track, mark in seen:
                    heads.append((self.images, track.category))
                    spool.write(_json(self._annotation(track, mark)) + '\n')
        listed = category_entries(contents.categories, {category for _, category in heads},
                                  self.lost)
        category_ids = {entry['name']: entry['id'] for entry in listed}
        file.write(f'\n],"categories":{_json(listed)},"annotations":[')
        spool.seek(0)
        for place, ((image, category), line) in enumerate(zip(heads, spool)):
            head = dict(id=place + 1, image_id=image, category_id=category_ids[category])
            file.write(f'{"," if place else ""}\n{_json(head)[:-1]},{line[1:].rstrip()}')
        file.write('\n]}')
        self.objects = len(heads)
        if self.every > 1:
            self.notes.append(f'of every {self.every} frames one is written: {self.images} images, '
                              f'{self.objects} annotations')

    def _annotation(self, track: Track, mark: Mark) -> dict:
        """What an annotation says, but its ids."""
        box = mark.bbox()
        entry = dict(
            track_id=track.id, iscrowd=int(track.iscrowd), bbox=list(box),
            area=box[2] * box[3] if mark.rle is None else int(mask_utils.area(mark.rle)),
            segmentation=[] if mark.rle is None else json_rle(mark.rle))
        score = track.scored(mark)
        if score is not None:
            entry['score'] = score
        attributes = dict(track_id=track.id, keyframe=True) if self.cvat else {}
        if mark.occlusion is not None:
            attributes.update(occluded=mark.occlusion > 0, occlusion=mark.occlusion)
        return dict(entry, attributes=attributes) if attributes else entry


class _Videos:
    """Numbers of videos: their own while these differ, else the next that is free."""

    def __init__(self) -> None:
        self.taken: set[int] = set()

    def __call__(self, key: Id | None) -> int:
        (number, ), _ = kept_or_new([key], lowest=0)
        if key is None or number in self.taken:
            number = max(self.taken, default=0) + 1
        self.taken.add(number)
        return number


def group_videos(images: list[dict]) -> list[tuple[str, list[dict]]]:
    """Name and images of each video, frames in order."""
    videos: dict[str, list[dict]] = defaultdict(list)
    for image in images:
        folder = str(pathlib.PurePosixPath(image['file_name']).parent)
        videos[str(image.get('video_id', folder))].append(image)
    ordered = []
    for name in sorted(videos, key=natural_key):
        frames = videos[name]
        by_id = all(isinstance(image.get('frame_id'), int) for image in frames)
        frames = sorted(frames, key=lambda image: (
            image['frame_id'] if by_id else 0, natural_key(image['file_name'])))
        folder = str(pathlib.PurePosixPath(frames[0]['file_name']).parent)
        ordered.append((name if folder in ('.', '/') else folder, frames))
    return ordered


def _value(ann: dict, key: str) -> Any:
    outer, _, inner = key.partition('.')
    value = ann.get(outer)
    return (value.get(inner) if isinstance(value, dict) else None) if inner else value


def _add(builder: VideoBuilder, frame: int, key: Id, category: str, ann: dict, path: str) -> None:
    where = f'{path}: annotation {short(ann.get("id"))}'
    box, score, attributes = ann.get('bbox'), ann.get('score'), ann.get('attributes')
    if box is not None and not is_box(box):
        raise BadValue(f'{where}: expected a box [x, y, width, height] in pixels, got '
                       f'{short(box)}')
    if score is not None and not is_finite(score):
        raise BadValue(f'{where}: expected a finite number as its score, got {short(score)}')
    occluded = attributes.get('occluded') if isinstance(attributes, dict) else None
    level = attributes.get('occlusion') if isinstance(attributes, dict) else None
    if level not in (0, 1, 2):
        level = None if occluded is None else int(bool(occluded))
    builder.add(frame, key, category, ann.get('segmentation') or None, box=box and tuple(box),
                score=score, occlusion=level, iscrowd=bool(ann.get('iscrowd')))


def _json(content: object) -> str:
    return json.dumps(content, separators=(',', ':'), allow_nan=False)
