"""Tracks that were found, by this package or by others: what is scored against annotations."""
from typing import Any

from mmdet.formats.entries import Id, num_frames, video_name
from mmdet.formats.exchange.format import FORMATS, Format, Given
from mmdet.formats.exchange.json_entries import read_categories
from mmdet.formats.exchange.numbering import NEW_NUMBERS
from mmdet.formats.exchange.tracks import Contents, Track, Video
from mmdet.formats.exchange.ytvis import read_videos
from mmdet.formats.json_files import write_json
from mmdet.formats.rle import json_rle
from mmdet.formats.video_json import FORMAT as DEMO
from mmdet.formats.ytvos import YTVOS
from mmdet.utils.errors import BadValue
from mmdet.utils.names import UniqueNames

STRAYS = 'objects of a category that the annotation file does not list'


@FORMATS.register_module(name='results')
class Results(Format):
    """``X.pkl.json`` of tools/test_video.py and of evaluation servers; ``NAME.json`` of the demo.

    The first names neither its videos nor its classes: they come from the annotation file. An
    object without a score is written with 1.

    Args:
        annotations: annotation file of the data set; not for the json of the demo.
    """
    title = 'results of YouTube-VIS, json of tools/demo.py'
    keeps = frozenset({'names', 'masks', 'classes', 'scores', 'overlap'})

    def __init__(self, annotations: str | None = None) -> None:
        super().__init__()
        self.annotations = annotations

    @classmethod
    def sniff(cls, given: Given) -> bool:
        """The json of the demo, or a list of tracks with a score."""
        if given.is_folder or not given.path.lower().endswith('.json'):
            return False
        first = given.json[0] if isinstance(given.json, list) and given.json else None
        return given.top('format') == DEMO or isinstance(first, dict) and 'video_id' in first

    def read(self, given: Given) -> Contents:
        """As of :class:`Format`."""
        if given.top('format') == DEMO:
            index = YTVOS(_demo_as_dataset(given.json, given.path))
            index.name = given.path
        else:
            index = self._index('--read').loadRes(given.json)
            index.name = given.path
            listed = [ann for ann in index.dataset['annotations']
                      if ann['category_id'] in index.cats]
            self.lost[STRAYS] += len(index.anns) - len(listed)
            index.dataset['annotations'] = listed
            index.createIndex()
        categories = read_categories(index.dataset['categories'], given.path)
        return Contents(categories, read_videos(index, categories, self))

    def write(self, contents: Contents, out: str) -> None:
        """As of :class:`Format`: a json file; :class:`_Videos` says which are which."""
        index = self._index('--write')
        entry_of = _Videos(index)
        categories = {category.name: category.id for category in
                      read_categories(index.dataset['categories'], index.name)}
        records, unscored = [], 0
        for video in contents.videos:
            entry = entry_of(video)
            for track in video.tracks:
                if track.category not in categories:
                    raise BadValue(f'{index.name}: has no class "{track.category}"; --rename or '
                                   '--drop it')
                unscored += track.mean_score() is None
                records.append(_record(track, entry, categories[track.category], len(video)))
                self.lost[NEW_NUMBERS] += track.id != len(records)
        if unscored:
            self.notes.append(f'{unscored} objects have no score and are written with 1')
        if entry_of.by_id:
            first, other = entry_of.by_id[0]
            self.notes.append(f'{len(entry_of.by_id)} videos are known by their id alone; the '
                              f'first, "{first}", is taken as "{other}" of {index.name}')
        write_json(records, out)

    def _index(self, flag: str) -> YTVOS:
        if not self.annotations:
            raise BadValue('results name neither videos nor classes; give the annotation file of '
                           f'the data set with {flag} annotations=ANN.json')
        return YTVOS(self.annotations)


class _Videos:
    """Finds videos in a data set by the folder of their frames; by their id where none has it.

    Attributes:
        by_id: name, and name in the data set, of those found by their id alone.
    """

    def __init__(self, index: YTVOS) -> None:
        self.index = index
        names, entries = UniqueNames(), list(index.vids.values())  # folders have such names
        self.by_name = {names(video_name(entry)): entry for entry in entries}
        self.by_name.update((video_name(entry), entry) for entry in reversed(entries))
        self.by_id: list[tuple[str, str]] = []
        self.taken: dict[Id, str] = {}

    def __call__(self, video: Video) -> dict:
        """ValueError where there is none, it has another size or length, or it came before."""
        entry = self._find(video)
        found = num_frames(entry), entry['height'], entry['width']
        if found != (len(video), *video.size):
            raise BadValue(f'{self.index.name}: video "{video_name(entry)}" has {found} frames, '
                           f'height and width, "{video.name}" of the input has '
                           f'{(len(video), *video.size)}')
        if entry['id'] in self.taken:
            raise BadValue(f'{self.index.name}: "{self.taken[entry["id"]]}" and "{video.name}" of '
                           f'the input are both taken as its video "{video_name(entry)}"; name '
                           'them as the folders of its frames')
        self.taken[entry['id']] = video.name
        return entry

    def _find(self, video: Video) -> dict:
        same_id = self.index.vids.get(video.id)  # type: ignore[arg-type]
        if same_id is not None and video_name(same_id) == video.name:
            return same_id
        if video.name in self.by_name:
            return self.by_name[video.name]
        if same_id is None:
            raise BadValue(f'{self.index.name}: has no video "{video.name}"')
        self.by_id.append((video.name, video_name(same_id)))
        return same_id


def _record(track: Track, entry: dict, category_id: Any, length: int) -> dict:
    rles = [None] * length
    for frame, mark in track.marks.items():
        assert mark.rle is not None
        rles[frame] = json_rle(mark.rle)  # type: ignore[call-overload]
    score = track.mean_score()
    return dict(video_id=entry['id'], score=1. if score is None else score,
                category_id=category_id, segmentations=rles)


def _demo_as_dataset(content: dict, path: str) -> dict:
    """The json of one video, as an annotation file has it.

    Raises:
        ValueError: a part of it is missing.
    """
    video, tracks = content.get('video'), content.get('tracks')
    if not isinstance(video, dict) or not isinstance(tracks, list) or not all(
            isinstance(track, dict) for track in tracks):
        raise BadValue(f'{path}: expected "video" and "tracks" in it; write it again')
    name, frames = video.get('name'), video.get('frames')
    if not isinstance(name, str) or type(frames) is not int or not 0 <= frames <= 10**6:
        raise BadValue(f'{path}: expected a "name" and a number of "frames" of the video')
    classes = content.get('classes')
    if not isinstance(classes, list):
        classes = [f'class {n}' for n in range(1, 1 + max(
            (track['category_id'] for track in tracks
             if type(track.get('category_id')) is int and track['category_id'] < 5000),
            default=0))]
    return dict(
        videos=[dict(id=1, width=video.get('width'), height=video.get('height'),
                     file_names=[f'{name}/{frame:05d}.jpg' for frame in range(frames)])],
        categories=[dict(id=place, name=text) for place, text in enumerate(classes, 1)],
        annotations=[dict(track, id=(track['id'] + 1 if type(track.get('id')) is int else None),
                          video_id=1, iscrowd=0) for track in tracks])
