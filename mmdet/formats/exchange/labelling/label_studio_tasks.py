"""Tasks of Label Studio: their annotations put together to regions, and names from their URLs."""
import os
import re
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mmdet.formats.entries import Id
from mmdet.formats.frame_files import IMAGE_SUFFIXES
from mmdet.formats.rle import short
from mmdet.utils.errors import BadValue

RESULTS = 'annotations', 'predictions'
TRACK_KEYS = 'track_id', 'instance_id', 'object_id'
BY_TEXT, BY_REGION = 'meta.text', 'region id'
GEOMETRY = 'rle', 'points', 'radiusX', 'sequence', 'width'
NO_AREA = 'keypoint', 'vector'  # begin of the types of what has none
# per region; they repeat where the region is
CONTROLS = 'choices', 'number', 'textarea', 'rating', 'taxonomy', 'datetime'


@dataclass
class Region:
    """What is drawn once, and what is said of it in entries of its own.

    Attributes:
        entry: the one that says where it is.
        labels: class names.
        told: values of controls per region, by the names of the controls.
    """
    entry: dict
    labels: list[str] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)


@dataclass
class Task:
    """A task: an image, which is a frame, or a video."""
    where: str
    data: dict
    regions: list[Region]
    is_video: bool


class TaskReader:
    """Reads tasks.

    Args:
        results: ``annotations`` or ``predictions``; None: annotations if there are any.
        lost, notes: of the format.
    """

    def __init__(self, results: str | None, lost: Counter[str], notes: list[str]) -> None:
        self.results, self.lost, self.notes = results, lost, notes

    def read(self, entries: list, path: str) -> Iterator[Task]:
        """The tasks of a file.

        Args:
            entries: what the json holds.
            path: for messages.

        Raises:
            ValueError: they are no tasks, or of something else than images and videos.
        """
        use = self._use(entries, path)
        for place, entry in enumerate(entries):
            where = f'{path}: task {short(entry.get("id", place))}'
            data, found = entry['data'], self._results(entry.get(use), where)
            regions, is_video = self._regions(found, where)
            is_video |= not _image_of(data) and isinstance(data.get('video'), str)
            if not is_video and not _image_of(data):
                raise BadValue(f'{where}: its data name no image and no video, got '
                               f'{short(list(data))}')
            yield Task(where, data, regions, is_video)

    def _use(self, entries: list, path: str) -> str:
        """Whether to read annotations or predictions."""
        for place, entry in enumerate(entries):
            if not isinstance(entry, dict) or not isinstance(entry.get('data'), dict):
                raise BadValue(f'{path}: task number {place} has no "data"; export from Label '
                               'Studio as JSON')
        if self.results:
            return self.results
        if any(entry.get('annotations') for entry in entries):
            return 'annotations'
        if any(entry.get('predictions') for entry in entries):
            self.notes.append(f'{path} has no annotations; its predictions are read')
            return 'predictions'
        return 'annotations'

    def _results(self, found: Any, where: str) -> list:
        """The entries of the one annotation of a task that is read."""
        found = [] if found is None else found
        if not isinstance(found, list) or not all(
                isinstance(one, dict) and isinstance(one.get('result', []), list)
                and all(isinstance(entry, dict) for entry in one.get('result', []))
                for one in found):
            raise BadValue(f'{where}: expected annotations with a list "result" of objects, got '
                           f'{short(found)}')
        kept = [one for one in found if not one.get('was_cancelled')]
        self.lost['annotations that were cancelled'] += len(found) - len(kept)
        kept.sort(key=lambda one: not one.get('ground_truth'))
        self.lost['annotations of tasks that have another one'] += max(0, len(kept) - 1)
        return kept[0].get('result', []) if kept else []

    def _regions(self, entries: list[dict], where: str) -> tuple[list[Region], bool]:
        """The regions of a task, and whether they are of a video."""
        regions: dict[str, Region] = {}
        told: list[tuple[str, str, Any]] = []
        for place, entry in enumerate(entries):
            kind, value = str(entry.get('type', '')), entry.get('value')
            key = str(entry.get('id', place))
            if not isinstance(value, dict):
                self.lost[f'results of type "{kind:.40}"'] += 1
                continue
            if kind.startswith(NO_AREA):
                self.lost[f'regions of type "{kind:.40}", which have no area'] += 1
                continue
            if kind not in CONTROLS and any(name in value for name in GEOMETRY):
                region = regions.setdefault(key, Region(entry))
                if kind != 'labels':
                    region.entry = entry
                labels = value.get(kind, value.get('labels'))
                if isinstance(labels, list):
                    region.labels += [str(label) for label in labels]
            else:
                told.append((key, str(entry.get('from_name')), value.get(kind, value)))
        for key, name, said in told:
            if key in regions:
                regions[key].told[name] = said[0] if isinstance(said, list) and said else said
            else:
                self.lost[f'results of "{name:.40}"'] += 1
        is_video = any('sequence' in region.entry['value'] for region in regions.values())
        return list(regions.values()), is_video


def meta_of(region: Region) -> dict:
    """What was noted of a region by hand, and by what writes files for Label Studio."""
    meta = region.entry.get('meta')
    return meta if isinstance(meta, dict) else {}


def identity(region: Region, key: str) -> Id | None:
    """What a region says under a key, of which object it is."""
    entry, meta = region.entry, meta_of(region)
    if key == BY_TEXT:
        text = meta.get('text')
        found: Any = text[0] if isinstance(text, list) and text else text
        found = re.sub(r'^\s*id:\s*', '', found) if isinstance(found, str) else found
    elif key == BY_REGION:
        found = entry.get('id')
    else:
        found = next((place[key] for place in (region.told, entry, entry['value'], meta)
                      if place.get(key) is not None), None)
    if isinstance(found, dict):
        found = next(iter(found.values()), None)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if type(found) is int:
        return found
    text = str(found).strip() if isinstance(found, str) else ''
    return int(text) if re.fullmatch('[0-9]{1,15}', text) else text or None


def path_of(url: str) -> str:
    """The path of a file from its URL, of Label Studio's own storage without what that adds."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return url
    before, local, after = url.partition('?d=')
    path = after if local else parts.path
    path = urllib.parse.unquote(path, errors='surrogatepass').lstrip('/')
    folder, _, name = path.rpartition('/')
    if re.match('data/upload/|upload/', path):
        name = re.sub('^[0-9a-f]{8}-', '', name)
    return f'{folder}/{name}' if folder else name


def _image_of(data: dict) -> str | None:
    """The URL of the image of a task."""
    texts = [data.get('image'), *data.values()]
    return next((text for text in texts if isinstance(text, str) and (
        text is data.get('image') or path_of(text).lower().endswith(IMAGE_SUFFIXES))), None)


def frame_name(data: dict) -> str:
    return path_of(str(_image_of(data)))


def video_of(data: dict) -> str:
    """Name of the video an image is of."""
    video = data.get('video')
    if isinstance(video, (str, int)):
        return str(video)
    return os.path.dirname(frame_name(data)) or 'video'
