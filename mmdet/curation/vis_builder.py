"""Own data to YouTube-VIS annotations: what the converters share."""
import os
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.formats.annotation_checks import MAX_NAME
from mmdet.formats.entries import mask_lists
from mmdet.formats.frame_files import list_images, natural_key
from mmdet.formats.json_files import write_json
from mmdet.formats.pictures import picture_size
from mmdet.formats.rle import MAX_PIXELS, BadMask
from mmdet.formats.segmentations import to_rles
from mmdet.utils.errors import BadValue, MissingFile


class VisBuilder:
    """Collects videos and the masks of their objects, then gives the annotation file.

    Args:
        classes: names in the order of their ids; None: all that were added,
            sorted.
    """

    def __init__(self, classes: Sequence[str] | None = None) -> None:
        self.classes = list(classes) if classes else None
        self.videos, self.objects = [], []

    def add_video(self, file_names: Sequence[str], width: int, height: int) -> 'VideoBuilder':
        """Start a video; ``file_names`` are relative to the folder of the frames.

        Raises:
            ValueError: no mask can be that large.
        """
        if width * height > MAX_PIXELS:
            raise BadValue(f'{file_names[0]}: {width} x {height} pixels are more than {MAX_PIXELS}')
        video = dict(id=len(self.videos) + 1, width=width, height=height,
                     length=len(file_names), file_names=list(file_names))
        self.videos.append(video)
        return VideoBuilder(video, self.objects)

    def add_folders(self, root: str) -> Iterator[tuple[str, list[str], 'VideoBuilder']]:
        """Start a video for every sub-folder with frames, in natural order.

        Yields:
            name of the folder, names of its frames, the video.

        Raises:
            FileNotFoundError: no such folder.
            ValueError: the frames of a video have several sizes, or are no images.
        """
        for name in list_videos(root):
            frames = list_images(os.path.join(root, name))
            size = same_size(os.path.join(root, name, frame) for frame in frames)
            yield name, frames, self.add_video([f'{name}/{frame}' for frame in frames], *size)

    def dataset(self) -> dict[str, Any]:
        """The annotation file: videos, categories, annotations.

        Raises:
            ValueError: there is no video, no object, or one of a class that is not listed.
        """
        if not self.videos:
            raise BadValue('found no video; see --help for the folders that are expected')
        if not self.objects:
            raise BadValue(f'found no object in {len(self.videos)} videos: nothing to train on; '
                           'see --help for what is read as one')
        names = self.classes or sorted({obj['category'] for obj in self.objects})
        for name in names:
            if len(name) > MAX_NAME:
                raise BadValue(f'the class {name:.60}... has {len(name)} characters, expected at '
                               f'most {MAX_NAME}')
        ids = {name: place for place, name in enumerate(names, 1)}
        annotations = []
        for number, obj in enumerate(self.objects, 1):
            if obj['category'] not in ids:
                raise BadValue(f'{obj["where"]}: class "{obj["category"]}" is not one of '
                               f'{", ".join(names)}')
            annotations.append(dict(
                id=number, video_id=obj['video']['id'], category_id=ids[obj['category']],
                iscrowd=obj['iscrowd'], **mask_lists(obj['rles'])))
        return dict(videos=self.videos, annotations=annotations,
                    categories=[dict(id=i, name=name) for name, i in ids.items()])


class VideoBuilder:
    """One video; see :meth:`VisBuilder.add_video`."""

    def __init__(self, video: dict, objects: list[dict]) -> None:
        self.video, self._all, self._own = video, objects, {}
        self.size = video['height'], video['width']

    def add(self, frame: int, key: Hashable, category: str, segm: Any, iscrowd: int = 0) -> None:
        """Add what is seen of an object in a frame; several parts are joined.

        Args:
            frame: 0-based.
            key: tells the objects of the video apart.
            category: class name, the same in every frame.
            segm: polygons, RLE of either kind, or bool (h, w).

        Raises:
            ValueError: the mask is unusable, or the class changes.
        """
        where = f'{self.video["file_names"][frame]}, object {key}'
        if key not in self._own:
            self._own[key] = dict(video=self.video, category=category, iscrowd=iscrowd,
                                  where=where, rles=[None] * self.video['length'])
            self._all.append(self._own[key])
        obj = self._own[key]
        if obj['category'] != category:
            raise BadValue(f'{where} is of class "{category}", in {obj["where"].split(",")[0]} '
                           f'it was "{obj["category"]}"; an object keeps its class')
        rle = self._rle(segm, where)
        if rle is not None:
            parts = [part for part in (obj['rles'][frame], rle) if part is not None]
            obj['rles'][frame] = mask_utils.merge(parts)

    def _rle(self, segm: Any, where: str) -> dict | None:
        if isinstance(segm, np.ndarray):
            if segm.shape != self.size:
                raise BadValue(f'{where}: the mask is {segm.shape[1]} x {segm.shape[0]} pixels, '
                               f'the frame {self.size[1]} x {self.size[0]}')
            return mask_utils.encode(np.asfortranarray(segm, np.uint8)) if segm.any() else None
        try:
            rles, areas = to_rles([segm], self.size)
        except BadMask as error:
            raise BadValue(f'{where}: {error}') from None
        return rles[0] if areas[0] else None


def list_videos(folder: str) -> list[str]:
    """Names of the sub-folders that hold images, in natural order.

    Raises:
        FileNotFoundError: no such folder.
    """
    if not os.path.isdir(folder):
        raise MissingFile(f'{folder}: no such folder')
    subs = [entry.name for entry in os.scandir(folder) if entry.is_dir()]
    return sorted((sub for sub in subs if list_images(os.path.join(folder, sub))), key=natural_key)


def same_size(paths: Iterable[str]) -> tuple[int, int]:
    """(width, height) that all images share.

    Raises:
        ValueError: one differs from the first.
    """
    paths = list(paths)
    first = picture_size(paths[0])
    for path in paths[1:]:
        size = picture_size(path)
        if size != first:
            raise BadValue(f'{path}: {size[0]} x {size[1]} pixels, {paths[0]} has {first[0]} x '
                           f'{first[1]}; the frames of a video must be of one size')
    return first


def write(dataset: dict[str, Any], path: str) -> str:
    """Write the annotation file; returns a line about it."""
    write_json(dataset, path)
    masks = sum(segm is not None for ann in dataset['annotations'] for segm in ann['segmentations'])
    return (f'written: {path}: {len(dataset["videos"])} videos, {len(dataset["annotations"])} '
            f'objects, {masks} masks, classes: '
            f'{", ".join(cat["name"] for cat in dataset["categories"])}')
