"""Folders of masks: palette PNGs of DAVIS and YouTube-VOS, and a folder per object."""
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.formats.exchange.folders import (MADE_UP, frame_stems, list_videos, new_folder,
                                            same_size, sub_folders)
from mmdet.formats.exchange.format import FORMATS, Format, Given
from mmdet.formats.exchange.numbering import NEW_NUMBERS, kept_or_new
from mmdet.formats.exchange.png_files import (first_mode, is_binary, masks_root, meta_paths,
                                              own_masks, write_binary, write_palette)
from mmdet.formats.exchange.tracks import Contents, Video, VideoBuilder
from mmdet.formats.frame_files import list_images, natural_key
from mmdet.formats.json_files import read_json
from mmdet.formats.pictures import read_numbers
from mmdet.utils.errors import BadValue, MissingFile
from mmdet.utils.fileio import write_bytes
from mmdet.utils.names import UniqueNames

VOID = 255
UNNAMED = 'object'


class MaskFolders(Format):
    """A folder per video that holds masks, or folders of masks, one per object.

    Args:
        frames: folder with a folder of frames per video; a mask has the name of its frame. None:
            the frames are taken to be named like the masks, NAME.jpg.
        meta: json with the classes, ``{"video": {"1": "cat"}}`` or as YouTube-VOS has it; None:
            ``meta.json`` beside the masks, if there is one.
        category: class of every object.
        ignore: pixel values that are no object; None: 255, unless the masks of a video have
            nothing else.
    """

    per_object = False  # where a folder per object is a surprise, it is told

    def __init__(self, frames: str | None = None, meta: str | None = None,
                 category: str | None = None, ignore: int | Sequence[int] | None = None) -> None:
        super().__init__()
        self.frames, self.meta, self.category = frames, meta, category
        self.ignore = [ignore] if isinstance(ignore, int) else ignore

    def read(self, given: Given) -> Contents:
        """As of :class:`Format`."""
        if not given.is_folder:
            raise BadValue(f'{given.path}: expected a folder of masks')
        root = masks_root(given.path)
        meta = self.meta or next((path for path in meta_paths(given.path, root)
                                  if os.path.isfile(path)), None)
        self._classes = None if self.category else Classes(meta) if meta else None
        if not self.category and not meta:
            self.notes.append(f'nothing names the classes; all objects are of class "{UNNAMED}", '
                              'which --read category=NAME changes')
        return Contents([], self._videos(root))

    def _videos(self, root: str) -> Iterator[Video]:
        for name, folder in self._folders(root):
            frames, size = self._frames_of(name, folder)
            if not frames:
                continue
            builder = VideoBuilder(name, frames, *size, lost=self.lost)
            for place, key, mask in self._objects(folder, frames):
                builder.add(place, key, self._class_of(name, key), mask)
            yield builder.done()

    def _folders(self, root: str) -> list[tuple[str, str]]:
        """Name and folder of masks of each video."""
        if list_images(root) or own_masks(root) != root:
            return [(os.path.basename(os.path.abspath(root)), own_masks(root))]
        names = list_videos(self.frames) if self.frames else sub_folders(root)
        self.lost['folders of masks without frames'] += len(set(sub_folders(root)) - set(names))
        return [(name, own_masks(os.path.join(root, name))) for name in names]

    def _frames_of(self, name: str, folder: str) -> tuple[list[str], tuple[int, int]]:
        """File names of the frames, and their (width, height)."""
        if self.frames:
            own = os.path.join(self.frames, name)
            if list_images(self.frames):  # of a single video
                own, name = self.frames, os.path.basename(os.path.abspath(self.frames))
            names = list_images(own) if os.path.isdir(own) else []
            if not names:
                raise MissingFile(f'{own}: no such folder with frames')
            return ([f'{name}/{frame}' for frame in names],
                    same_size(os.path.join(own, frame) for frame in names))
        self.note_once(MADE_UP)
        folders = [folder, *(os.path.join(folder, sub) for sub in list_videos(folder))]
        paths = {os.path.splitext(mask)[0]: os.path.join(place, mask)
                 for place in folders for mask in list_images(place)}
        stems = sorted(paths, key=natural_key)
        return ([f'{name}/{stem}.jpg' for stem in stems],
                same_size(paths.values()) if paths else (0, 0))

    def _objects(self, folder: str, frames: list[str]
                 ) -> Iterator[tuple[int, int | str, np.ndarray]]:
        """Place of the frame, key and bool (h, w) mask of every object in the masks of a video."""
        objects = list_videos(folder) if os.path.isdir(folder) else []
        if objects and not self.per_object:
            self.notes.append(f'{folder}: {len(objects)} folders are taken as one object each')
        self.lost['masks beside folders of masks'] += len(list_images(folder)) if objects else 0
        for key in objects:
            number = int(key) if key.isascii() and key.isdigit() and len(key) < 10 else key
            for place, path in enumerate(self._masks_of(os.path.join(folder, key), frames)):
                if path:
                    yield place, number, self._foreground(path)
        masks = [] if objects else self._masks_of(folder, frames)
        ignore = self._ignored(folder, masks)
        for place, path in enumerate(masks):
            pixels = read_numbers(path) if path else np.zeros(0)
            for number in np.unique(pixels).tolist():
                if number and number not in ignore:
                    yield place, number, pixels == number

    def _ignored(self, folder: str, masks: Sequence[str | None]) -> Sequence[int]:
        """Pixel values in the masks of a video that are no object."""
        if self.ignore is not None:
            return self.ignore
        if not is_binary(path for path in masks if path):
            return [VOID]
        if self._classes and not self._classes.name(os.path.basename(folder), VOID):
            return [VOID]  # the list of objects has no such one
        self.notes.append(f'{folder}: 255 is taken as the one object')
        return []

    def _foreground(self, path: str) -> np.ndarray:
        """What is not 0 in a mask of one object; of probabilities, what is over a half."""
        pixels = read_numbers(path)
        if len(np.unique(pixels)) <= 2:
            return pixels != 0
        self.lost['masks that are probabilities: over a half is the object'] += 1
        return pixels > 127

    def _masks_of(self, folder: str, frames: list[str]) -> list[str | None]:
        """The mask of each frame, None where it has none.

        Raises:
            ValueError: a mask belongs to no frame.
        """
        names = list_images(folder) if os.path.isdir(folder) else []
        masks = {os.path.splitext(name)[0]: os.path.join(folder, name) for name in names}
        stems = [os.path.splitext(os.path.basename(frame))[0] for frame in frames]
        stray = sorted(set(masks) - set(stems))
        if stray:
            raise BadValue(f'{masks[stray[0]]}: there is no frame of this name')
        if not masks:
            self.notes.append(f'{folder} has no masks; the video is taken as empty')
        return [masks.get(name) for name in stems]

    def _class_of(self, video: str, key: int | str) -> str:
        if self._classes:
            return self._classes(video, key)
        return self.category or UNNAMED


class Classes:
    """Class of an object by video and number, from a json.

    Args:
        path: the file.

    Raises:
        ValueError: it is no json.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        content: Any = read_json(path)
        self.videos = content.get('videos', content) if isinstance(content, dict) else {}

    def __call__(self, video: str, key: int | str) -> str:
        """ValueError where the file names none."""
        found = self.name(video, key)
        if found is None:
            raise BadValue(f'{self.path} names no class for object {key} of video {video}')
        return found

    def name(self, video: str, key: int | str) -> str | None:
        """None where the file names none."""
        found: Any = self.videos
        for step in (video, 'objects', str(key), 'category'):
            if isinstance(found, dict):
                found = found.get(step, found if step in ('objects', 'category') else None)
        return found if isinstance(found, str) else None


@FORMATS.register_module(name='davis')
class PalettePng(MaskFolders):
    """DAVIS and YouTube-VOS: a PNG per frame, the number of the object in each pixel.

    Cutie and SAM 2 write such folders, too. Written are ``Annotations/VIDEO/FRAME.png`` with the
    colours of DAVIS, of every frame, and ``meta.json`` with classes and frames of the objects.
    """
    title = 'palette PNG (DAVIS, YouTube-VOS, Cutie, SAM 2)'
    keeps = frozenset({'masks', 'numbers', 'classes'})

    @classmethod
    def sniff(cls, given: Given) -> bool:
        """PNGs of one byte per pixel, in a folder per video."""
        return any(first_mode(given, depth) in ('P', 'L', '1') for depth in (0, 1))

    def write(self, contents: Contents, out: str) -> None:
        """As of :class:`Format`: a folder."""
        names, meta = UniqueNames(), {}
        with new_folder(out) as root:
            for video in contents.videos:
                name, stems = names(video.name), frame_stems(video)
                numbers = self._numbers(video)
                for file, seen in zip(stems, video.by_frame()):
                    pixels = np.zeros(video.size, np.uint8)
                    for track, mark in seen:
                        pixels[mask_utils.decode(mark.rle) > 0] = numbers[track.id]
                    write_palette(pixels, str(root / 'Annotations' / name / f'{file}.png'))
                meta[name] = _meta(video, numbers, stems)
            write_bytes(json.dumps(dict(videos=meta), indent=1).encode(), root / 'meta.json')

    def _numbers(self, video: Video) -> dict:
        if len(video.tracks) >= VOID:
            raise BadValue(f'{video.name}: {len(video.tracks)} objects, a palette PNG tells at '
                           f'most {VOID - 1} apart; write --to mask_folders')
        return _numbered(self, video, VOID - 1)


@FORMATS.register_module(name='mask_folders')
class ObjectFolders(MaskFolders):
    """A folder of masks per object, as SAM 2 (``--per_obj_png_file``) and tools/demo.py write.

    ``VIDEO/001/FRAME.png``, 255 where the object is; masks may overlap.
    """
    title = 'a folder of PNGs per object (SAM 2, tools/demo.py)'
    per_object = True
    keeps = frozenset({'masks', 'numbers', 'classes', 'overlap'})

    @classmethod
    def sniff(cls, given: Given) -> bool:
        """PNGs of one byte per pixel, two folders down."""
        return first_mode(given, 2) in ('P', 'L', '1')

    def write(self, contents: Contents, out: str) -> None:
        """As of :class:`Format`: a folder."""
        names, meta = UniqueNames(), {}
        with new_folder(out) as root:
            for video in contents.videos:
                name, stems = names(video.name), frame_stems(video)
                numbers = _numbered(self, video)
                self.lost['videos without an object'] += not numbers
                for track in video.tracks:
                    for frame, file in enumerate(stems):
                        write_binary(track.marks.get(frame), video.size, str(
                            root / 'Annotations' / name / f'{numbers[track.id]:03d}'
                            / f'{file}.png'))
                meta[name] = _meta(video, numbers, stems)
            write_bytes(json.dumps(dict(videos=meta), indent=1).encode(), root / 'meta.json')


def _numbered(writer: Format, video: Video, highest: int = 10**9) -> dict:
    """Numbers of the objects by their ids; those that are new are counted."""
    numbers, new = kept_or_new([track.id for track in video.tracks], highest)
    writer.lost[NEW_NUMBERS] += new
    return {track.id: number for track, number in zip(video.tracks, numbers)}


def _meta(video: Video, numbers: dict, stems: list[str]) -> dict[str, Any]:
    return dict(objects={str(numbers[track.id]): dict(
        category=track.category, frames=[stems[frame] for frame in track.marks])
        for track in video.tracks})
