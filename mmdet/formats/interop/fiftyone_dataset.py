"""Tracks as a video data set of the package fiftyone."""
import collections
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmdet.formats.entries import Id, num_frames
from mmdet.formats.interop.packages import optional
from mmdet.formats.interop.tables import shapes_of
from mmdet.formats.rle_crops import mask_crops

if TYPE_CHECKING:
    import fiftyone


def to_samples(tracks: Iterable[dict], videos: Mapping[Id, dict],
               categories: Mapping[Id, str | None], media: Mapping[Id, str | os.PathLike],
               field: str = 'predictions') -> 'list[fiftyone.Sample]':
    """A sample per video, with what was found in its frames.

    A detection has ``label``, ``index`` (the track), ``confidence``, ``bounding_box`` and
    ``mask``. A mask fills its box there, so the box is that of the mask where there is one.

    Args:
        tracks: as :func:`~mmdet.formats.track_results.load_tracks` returns them; ``scores``, one
            per frame, may stand beside.
        videos: entries by id, with ``width``, ``height`` and ``length``.
        categories: names by id.
        media: a video file per id.
        field: of the frames, that gets the detections.

    Raises:
        ImportError: fiftyone is not installed.
    """
    fiftyone = optional('fiftyone', 'to_fiftyone()')
    of_video = collections.defaultdict(list)
    for track in tracks:
        of_video[track['video_id']].append(track)
    return [_sample(fiftyone, of_video[video_id], video, categories, media[video_id], field)
            for video_id, video in videos.items()]


def to_dataset(samples: 'Sequence[fiftyone.Sample]', name: str | None) -> 'fiftyone.Dataset':
    """The samples as a data set; its database must run, which fiftyone starts itself."""
    fiftyone = optional('fiftyone', 'to_fiftyone()')
    dataset = fiftyone.Dataset(name)
    dataset.add_samples(samples)
    return dataset


def _sample(fiftyone: Any, tracks: list[dict], video: dict, categories: Mapping[Id, str | None],
            path: str | os.PathLike, field: str) -> 'fiftyone.Sample':
    size = int(video['height']), int(video['width'])
    sample = fiftyone.Sample(filepath=os.path.abspath(path), video_id=str(video['id']))
    for frame in range(num_frames(video)):
        found = [_detection(fiftyone, track, frame, size, categories) for track in tracks
                 if shapes_of(track)[frame] is not None]
        sample.frames[frame + 1] = fiftyone.Frame(  # they count from 1
            **{field: fiftyone.Detections(detections=found)})
    return sample


def _detection(fiftyone: Any, track: dict, frame: int, size: tuple[int, int],
               categories: Mapping[Id, str | None]) -> 'fiftyone.Detection':
    height, width = size
    more = {}
    if track.get('segmentations') is not None:
        crop = mask_crops([track['segmentations'][frame]], size)[0]
        x, y, tall, wide = crop.x, crop.y, *crop.pixels.shape
        more['mask'] = crop.pixels.astype(bool)
    else:
        x, y, wide, tall = track['bboxes'][frame]
    category = track['category_id']
    scores = track.get('scores')
    return fiftyone.Detection(
        label=categories.get(category) or str(category), index=int(track['id']),
        bounding_box=[x / width, y / height, wide / width, tall / height],
        confidence=float(scores[frame] if scores else track['score']), **more)
