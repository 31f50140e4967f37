"""A file of tracks, whichever tool wrote it, as what other programs work with."""
import dataclasses
import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from mmdet.formats.entries import Id, is_finite, num_frames, video_name
from mmdet.formats.interop.fiftyone_dataset import to_dataset, to_samples
from mmdet.formats.interop.packages import optional
from mmdet.formats.interop.tables import shapes_of, tracks_table
from mmdet.formats.json_files import read_json
from mmdet.formats.pictures import read_picture
from mmdet.formats.rle import short
from mmdet.formats.sources import open_source
from mmdet.formats.track_results import load_tracks
from mmdet.formats.video_json import FORMAT, VERSION
from mmdet.formats.ytvos import YTVOS
from mmdet.utils.errors import BadValue, MissingFile
from mmdet.utils.names import UniqueNames
from mmdet.visualization import VideoWriter, count_frames

if TYPE_CHECKING:
    import fiftyone
    import pandas

MAX_CLASSES = 10**5  # that a file without names may number
FPS = 6  # YouTube-VIS annotates six frames a second


@dataclasses.dataclass(frozen=True)
class TrackFile:
    """The tracks of one or many videos.

    Attributes:
        path: of the file.
        videos: entries by id: ``width``, ``height``, ``length``; ``file_names`` of the frames,
            or ``source``: the file or folder that the demo read.
        categories: name of each id, None where nothing tells it.
        tracks: ``id``, ``video_id``, ``category_id``, ``score``; ``segmentations``, ``bboxes``,
            ``areas``, ``scores``: an entry per frame, None where the object is not seen.
    """
    path: str
    videos: dict[Id, dict]
    categories: dict[Id, str | None]
    tracks: list[dict]

    def __len__(self) -> int:
        return len(self.tracks)

    def __repr__(self) -> str:
        return f'TrackFile({self.path}: {len(self.tracks)} tracks in {len(self.videos)} videos)'

    def to_pandas(self) -> 'pandas.DataFrame':
        """A row per object and frame, see :func:`mmdet.formats.interop.tables.tracks_table`.

        Raises:
            ImportError: pandas is not installed.
        """
        names = {video_id: _name(video) for video_id, video in self.videos.items()}
        return tracks_table(self.tracks, names, self.categories)

    def to_fiftyone(self, name: str | None = None, media: str | os.PathLike = 'media',
                    img_prefix: str | os.PathLike = '') -> 'fiftyone.Dataset':
        """A video data set, to be looked at in the app of fiftyone.

        Args:
            name: of the data set; None: one that is free.
            media: folder where an mp4 is written of every video that is a folder of frames, and
                does not lie there already; a video file stays where it is.
            img_prefix: folder of the frames that an annotation file names.

        Raises:
            ImportError: fiftyone is not installed.
            FileNotFoundError: a frame or a video is missing.
            ValueError: a frame cannot be read, or fiftyone has a data set of that name.
        """
        optional('fiftyone', 'to_fiftyone()')
        samples = to_samples(self.tracks, self.videos, self.categories,
                             self.media(media, img_prefix))
        return to_dataset(samples, name)

    def media(self, folder: str | os.PathLike, img_prefix: str | os.PathLike = ''
              ) -> Mapping[Id, pathlib.Path]:
        """A video file per id; those that are missing are written, see :meth:`to_fiftyone`."""
        unique = UniqueNames()
        return {video_id: _media(video, pathlib.Path(folder) / f'{unique(_name(video))}.mp4',
                                 img_prefix)
                for video_id, video in self.videos.items()}


def read_tracks(path: str | os.PathLike, annotations: str | os.PathLike | None = None) -> TrackFile:
    """Read ``NAME.json`` of the demo, or ``X.pkl.json`` with the annotation file it belongs to.

    Raises:
        FileNotFoundError: no such file.
        ValueError: something else, or damaged; says where.
    """
    path = os.fspath(path)
    content = read_json(path)
    if isinstance(content, dict) and content.get('format') == FORMAT:
        return _of_demo(path, content)
    if not isinstance(content, list):
        raise BadValue(f'{path}: expected the json of a demo or a list of tracks, got '
                       f'{type(content).__name__}')
    if annotations is None:
        raise BadValue(f'{path}: a list of tracks names neither videos nor classes; give the '
                       'annotation file it belongs to as well')
    known = YTVOS(annotations)
    tracks = load_tracks(content, known.vids, known.cats)
    for place, (track, row) in enumerate(zip(tracks, content)):
        if row.get('scores') is not None:
            _check_scores(f'{path}: track number {place}', row,
                          num_frames(known.vids[track['video_id']]))
    return TrackFile(path, known.vids, {i: cat['name'] for i, cat in known.cats.items()}, tracks)


def _of_demo(path: str, content: dict) -> TrackFile:
    """A demo's json, checked; its ids are kept."""
    video, rows, classes = (content.get(key) for key in ('video', 'tracks', 'classes'))
    if content.get('version') != VERSION:
        raise BadValue(f'{path}: version {content.get("version")!r:.20}, expected {VERSION}; '
                       'update mmdet, or track the video again')
    if not isinstance(video, dict) or not isinstance(rows, list) or not isinstance(
            classes, list | None) or not all(type(video.get(key)) is int and video[key] > 0
                                             for key in ('width', 'height', 'frames')):
        raise BadValue(f'{path}: "video", "tracks" or "classes" are not as a demo writes them; '
                       'track the video again')
    videos = {1: dict(video, id=1, length=video['frames'])}
    if classes is None:
        used = [row.get('category_id') for row in rows if isinstance(row, dict)]
        most = max((i for i in used if type(i) is int), default=0)
        classes = [None] * min(most, MAX_CLASSES)
    names: dict[Id, str | None] = {i: name and str(name) for i, name in enumerate(classes, 1)}
    tracks = load_tracks(rows, videos, {i: dict(id=i, name=name) for i, name in names.items()})
    for place, (track, row) in enumerate(zip(tracks, rows)):
        _check_more(f'{path}: track number {place}', row, video['frames'])
        track['id'] = row['id']
    return TrackFile(path, videos, names, tracks)


def _check_more(where: str, row: dict, frames: int) -> None:
    """``id`` and ``scores``, as a demo writes them."""
    if type(row.get('id')) is not int or not 0 <= row['id'] < 2**62:
        raise BadValue(f'{where} needs a whole number as "id", got {row.get("id")!r:.60}')
    _check_scores(where, row, frames)


def _check_scores(where: str, row: dict, frames: int) -> None:
    scores, shapes = row.get('scores'), shapes_of(row)
    if not isinstance(scores, list) or len(scores) != frames or not all(
            shape is None or is_finite(score) for shape, score in zip(shapes, scores)):
        raise BadValue(f'{where} needs a number in "scores" for every frame where it is seen')


def _name(video: dict) -> str:
    return str(video.get('name') or video_name(video))


def _media(video: dict, path: pathlib.Path, img_prefix: str | os.PathLike) -> pathlib.Path:
    """The file of a video, made of its frames where it has none."""
    source = video.get('source')
    is_here = isinstance(source, str) and os.path.isabs(source)
    if is_here and os.path.isfile(source):
        return pathlib.Path(source)
    length = num_frames(video)
    if path.exists():
        if not path.is_file() or count_frames(path) != length:
            raise BadValue(f'{path}: lies there already and is no video of {length} frames; name '
                           'another folder for media')
        return path
    if source is None:
        frames = (read_picture(os.path.join(img_prefix, name)) for name in video['file_names'])
    elif is_here and os.path.isdir(source):
        frames = open_source(source).even_frames()
    else:
        raise MissingFile(f'{path.stem}: its frames came from {short(source)}, which is no file or '
                          f'folder here; put a video of its {length} frames at {path}')
    with VideoWriter(path, video.get('fps') or FPS) as writer:
        for frame in _checked(frames, video, path.stem):
            writer.write(frame)
    if writer.written != path:
        raise BadValue(f'{path}: no mp4 can be written here; pip install av')
    return path


def _checked(frames: Iterable[np.ndarray], video: dict, name: str) -> Iterator[np.ndarray]:
    """The frames of a video; ValueError where they are not those that were tracked."""
    said, count = (video['height'], video['width']), 0
    for count, frame in enumerate(itertools.islice(frames, num_frames(video)), 1):
        if frame.shape[:2] != said:
            raise BadValue(f'{name}: frame {count - 1} has {frame.shape[1]} x {frame.shape[0]} '
                           f'pixels, the tracks are of {said[1]} x {said[0]}')
        yield frame
    if count < num_frames(video):
        raise BadValue(f'{name}: found {count} frames, the tracks have {num_frames(video)}')
