"""MOTS and KITTI-MOTS: a text file of masks per video, or PNGs of class x 1000 + instance."""
import itertools
import os
import pathlib
import re
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image
from pycocotools import mask as mask_utils

from mmdet.formats.annotation_checks import MAX_NAME
from mmdet.formats.entries import Id
from mmdet.formats.exchange.folders import MADE_UP, new_folder, same_size
from mmdet.formats.exchange.format import FORMATS, Format, Given
from mmdet.formats.exchange.mots_files import (GT, IGNORED, IGNORED_ID, LONGEST, MODES,
                                               first_line_fits, is_kitti, parse_class_ids,
                                               png_folders, read_lines, read_seqmap, stated_length,
                                               text_files, text_sequences)
from mmdet.formats.exchange.numbering import NEW_NUMBERS, kept_or_new
from mmdet.formats.exchange.png_files import png_mode
from mmdet.formats.exchange.tracks import Category, Contents, Video, VideoBuilder
from mmdet.formats.frame_files import list_images
from mmdet.formats.pictures import read_numbers
from mmdet.utils.errors import BadValue, MissingFile
from mmdet.utils.fileio import atomic_write
from mmdet.utils.names import UniqueNames

CLASS_IDS = {'car': 1, 'pedestrian': 2}
IGNORE = 'ignore'
CROWD_CLASSES = 'classes of crowd regions'
MAX_INSTANCES = 999  # of a class in a video
Numbers = dict[Id, tuple[int, int]]  # of the class and of the object, by the id of the track


class Mots(Format):
    """What the three layouts share.

    Regions to ignore are crowd regions here, read as class "ignore" and written whatever their
    class is. An object gets the number class x 1000 + its own number if that is below 1000.

    Args:
        frames: folder with a folder of frames per video (in it ``img1``, or the frames); None: the
            names of the frames are made from their numbers.
        class_ids: the class numbers as ``NAME:NUMBER``, if they are not 1 car, 2 pedestrian.
        first: number of the first frame; None: as the layout has it, see there.
    """
    keeps = frozenset({'masks', 'classes', 'crowds'})
    start = 1  # of what is written

    def __init__(self, frames: str | None = None, class_ids: str | Sequence[str] | None = None,
                 first: int | None = None) -> None:
        super().__init__()
        self.frames, self.first = frames, first
        self.class_ids = CLASS_IDS if class_ids is None else parse_class_ids(class_ids)
        self.names = {number: name for name, number in self.class_ids.items()}

    @property
    def categories(self) -> list[Category]:
        """The classes in the order of their numbers."""
        return [Category(name, number) for number, name in sorted(self.names.items())]

    def class_of(self, number: int, where: str) -> str:
        """Name of a class; ValueError if there is none of this number."""
        if number == IGNORED:
            return IGNORE
        if number not in self.names:
            known = ', '.join(f'{key} {name}' for key, name in sorted(self.names.items()))
            raise BadValue(f'{where}: class {number}, expected {known} or {IGNORED} {IGNORE}; name '
                           f'others with --read class_ids=NAME:{number}')
        return self.names[number]

    def numbered(self, video: Video) -> Numbers:
        """(class number, number in files) of each track, by its id.

        Raises:
            ValueError: a class has no number, or too many objects.
        """
        crowds = [track for track in video.tracks if track.iscrowd]
        self.lost[CROWD_CLASSES] += sum(track.category != IGNORE for track in crowds)
        self.lost['crowd regions that became one with others'] += max(0, len(crowds) - 1)
        found: Numbers = {track.id: (IGNORED, IGNORED_ID) for track in crowds}
        by_class: dict[str, list[Id]] = {}
        for track in video.tracks:
            if not track.iscrowd:
                by_class.setdefault(track.category, []).append(track.id)
        for category, ids in by_class.items():
            number = self.class_ids.get(category)
            if number is None:
                raise BadValue(
                    f'{video.name}: class "{category}" has no number in {self.title}, which knows '
                    f'{", ".join(self.class_ids)}; use --rename "{category}"=pedestrian, --drop '
                    f'"{category}", or give numbers with --write class_ids="{category}":3')
            if len(ids) > MAX_INSTANCES:
                raise BadValue(f'{video.name}: {len(ids)} objects of class "{category}", '
                               f'{self.title} tells at most {MAX_INSTANCES} apart')
            own = [key - 1000 * number if isinstance(key, int) and key // 1000 == number else key
                   for key in ids]
            instances, _ = kept_or_new(own, MAX_INSTANCES)
            found.update((key, (number, 1000 * number + instance))
                         for key, instance in zip(ids, instances))
        self.lost[NEW_NUMBERS] += sum(key != number for key, (_, number) in found.items())
        return found

    def frames_of(self, name: str) -> dict[int, str] | None:
        """Names of the frames of a video by their numbers, from their folder; None without one.

        Raises:
            FileNotFoundError, ValueError: there is no such folder, or a name is no number.
        """
        if not self.frames:
            self.note_once(MADE_UP)
            return None
        places = [os.path.join(self.frames, name, 'img1'), os.path.join(self.frames, name)]
        folder = next((place for place in places if os.path.isdir(place) and list_images(place)),
                      None)
        if folder is None:
            raise MissingFile(f'{places[1]}: no such folder with frames')
        found = {}
        for image in list_images(folder):
            digits = os.path.splitext(image)[0]
            if not re.fullmatch(r'[0-9]{1,9}', digits):
                raise BadValue(f'{os.path.join(folder, image)}: expected a number as the name of '
                               'a frame')
            found[int(digits)] = f'{os.path.relpath(folder, self.frames)}/{image}'
        return found

    def size_of(self, frames: dict[int, str]) -> tuple[int, int]:
        """(width, height) of the frames in their folder."""
        assert self.frames
        return same_size(os.path.join(self.frames, name) for name in frames.values())

    # text files

    def read_txt(self, name: str, path: str, first: int, last: int | None, pattern: str) -> Video:
        """A video from its text file.

        Args:
            name: of the video.
            path: the file.
            first, last: numbers of its frames, as far as they are known without the file.
            pattern: of the names of frames, where no folder has them.

        Raises:
            ValueError: a line is wrong; names it.
        """
        lines = list(read_lines(path))
        frames = self.frames_of(name)
        if frames is None:
            end = max([first - 1 if last is None else last, *(line[0] for line in lines)])
            if end - first >= LONGEST:
                raise BadValue(f'{path}: frame {end}: at most {LONGEST} frames are taken without '
                               'their folder, --read frames=DIR')
            frames = {number: pattern.format(name=name, number=number)
                      for number in range(first, end + 1)}
            if last is None:
                self.notes.append(f'{path}: says not how long the video is; it ends with the last '
                                  'object')
        if not lines and not self.frames:
            raise BadValue(f'{path}: no object, so nothing says how large the frames are; give '
                           'their folder with --read frames=DIR')
        width, height = self.size_of(frames) if self.frames else lines[0][3][::-1]
        place = {number: index for index, number in enumerate(sorted(frames))}
        builder = VideoBuilder(name, [frames[number] for number in sorted(frames)], width, height,
                               lost=self.lost)
        seen = set()
        for count, (frame, key, number, size, counts) in enumerate(lines, 1):
            where = f'{path}, line {count}'
            if size != (height, width) or frame not in place or (frame, key) in seen:
                raise BadValue(f'{where}: ' + (
                    f'frame {frame} is none of the video' if frame not in place else
                    f'object {key} is in frame {frame} twice' if (frame, key) in seen else
                    f'a mask of {size[1]} x {size[0]} pixels, the frames have {width} x {height}'))
            seen.add((frame, key))
            try:
                builder.add(place[frame], key, self.class_of(number, where),
                            dict(size=[*size], counts=counts), iscrowd=number == IGNORED)
            except BadValue as error:
                raise BadValue(f'{where}: {error}') from None
        return builder.done()

    def write_txt(self, video: Video, numbers: Numbers, path: pathlib.Path) -> None:
        """The text file of a video; ``numbers`` are those of :meth:`numbered`."""
        with atomic_write(path, 'w', durable=False) as file:
            for frame, seen in enumerate(video.by_frame(), self.start):
                crowds = [mark.rle for track, mark in seen if track.iscrowd and mark.rle]
                rows = [(*numbers[track.id], mark.rle) for track, mark in seen
                        if not track.iscrowd and mark.rle]
                if crowds:
                    rows.append((IGNORED, IGNORED_ID, mask_utils.merge(crowds)))
                for number, key, rle in rows:
                    counts = rle['counts']
                    text = counts if isinstance(counts, str) else counts.decode('ascii')
                    file.write(f'{frame} {key} {number} {video.height} {video.width} {text}\n')

    # pictures

    def read_png(self, name: str, folder: str, ending: str) -> Video:
        """A video from its folder of PNGs.

        Raises:
            ValueError: a picture is none of this format.
        """
        paths = {}
        for image in list_images(folder):
            digits = os.path.splitext(image)[0]
            if not re.fullmatch(r'[0-9]{1,9}', digits):
                raise BadValue(f'{os.path.join(folder, image)}: expected a number as the name of '
                               'a frame')
            paths[int(digits)] = os.path.join(folder, image)
        frames = self.frames_of(name) or {
            number: f'{name}/{pathlib.PurePath(path).stem}{ending}'
            for number, path in paths.items()}
        stray = sorted(paths.keys() - frames.keys())
        if stray:
            raise BadValue(f'{paths[stray[0]]}: there is no frame of this number')
        order = sorted(frames)
        builder = VideoBuilder(name, [frames[number] for number in order],
                               *same_size(paths.values()), lost=self.lost)
        for place, number in enumerate(order):
            pixels = read_numbers(paths[number]) if number in paths else np.zeros(0)
            for value in np.unique(pixels).tolist():
                if value:
                    category = self.class_of(value // 1000, f'{paths[number]}, value {value}')
                    builder.add(place, value, category, pixels == value,
                                iscrowd=category == IGNORE)
        return builder.done()

    def write_png(self, video: Video, numbers: Numbers, folder: pathlib.Path) -> None:
        """The PNGs of a video, one per frame; ``numbers`` are those of :meth:`numbered`."""
        for frame, seen in enumerate(video.by_frame(), self.start):
            pixels = np.zeros(video.size, np.uint16)
            for track, mark in seen:
                pixels[mask_utils.decode(mark.rle) > 0] = numbers[track.id][1]
            with atomic_write(folder / f'{frame:06d}.png', durable=False) as file:
                Image.fromarray(pixels).save(file, 'PNG')


@FORMATS.register_module(name='mots_txt')
class MotsTxt(Mots):
    """Lines ``frame id class height width RLE``, in a file per video.

    Read are ``VIDEO/gt/gt.txt`` with its ``seqinfo.ini``, as MOTSChallenge has it and as it is
    written, and ``VIDEO.txt``. There the first frame is 0 if any file has a frame 0, else 1.
    """
    title = 'MOTS text files'

    @classmethod
    def sniff(cls, given: Given) -> bool:
        """A text file whose first line is of this kind, or folders with ``gt/gt.txt``."""
        paths = [path for _, path in text_sequences(given)]
        return bool(paths) and first_line_fits(paths[0])

    def read(self, given: Given) -> Contents:
        """As of :class:`Format`."""
        sequences = text_sequences(given)
        if not sequences:
            raise BadValue(f'{given.path}: found neither VIDEO/gt/gt.txt nor VIDEO.txt')
        return Contents(self.categories, self._videos(sequences))

    def _videos(self, sequences: list[tuple[str, str]]) -> Iterator[Video]:
        first = self.first
        if first is None:
            files = [path for _, path in sequences if not path.endswith(GT)]
            first = 0 if any(line[0] == 0 for path in files for line in read_lines(path)) else 1
        for name, path in sequences:
            if path.endswith(GT):
                length = stated_length(path.removesuffix(GT) + 'seqinfo.ini')
                last = None if length is None else first + length - 1
                yield self.read_txt(name, path, first, last, '{name}/img1/{number:06d}.jpg')
            else:
                yield self.read_txt(name, path, first, None, '{name}/{number:06d}.jpg')

    def write(self, contents: Contents, out: str) -> None:
        """As of :class:`Format`: a folder."""
        names = UniqueNames()
        with new_folder(out) as root:
            for video in contents.videos:
                name = names(video.name)
                self.write_txt(video, self.numbered(video), root / name / 'gt' / 'gt.txt')
                with atomic_write(root / name / 'seqinfo.ini', 'w', durable=False) as file:
                    file.write(f'[Sequence]\nname={name}\nimDir=img1\nframeRate=30\n'
                               f'seqLength={len(video)}\nimWidth={video.width}\n'
                               f'imHeight={video.height}\nimExt=.jpg\n')


@FORMATS.register_module(name='mots_png')
class MotsPng(Mots):
    """PNGs of 16 bits, ``VIDEO/000001.png``; 0 is nothing, 10000 a region to ignore.

    CVAT and datumaro write ``VIDEO/instances/FRAME.png``, and the names of the classes there in
    ``labels.txt``; both are read.
    """
    title = 'MOTS PNG'

    @classmethod
    def sniff(cls, given: Given) -> bool:
        """PNGs of 16 bits in a folder per video."""
        return given.is_folder and not is_kitti(given) and any(
            png_mode(folder) in MODES for _, folder in png_folders(given.path)[:1])

    def read(self, given: Given) -> Contents:
        """As of :class:`Format`."""
        folders = png_folders(given.path) if given.is_folder else []
        if not folders:
            raise BadValue(f'{given.path}: expected a folder with a folder of PNGs per video')
        labels = os.path.join(folders[0][1], 'labels.txt')
        if os.path.isfile(labels) and self.class_ids is CLASS_IDS:
            with open(labels, encoding='utf-8', errors='replace') as file:
                listed = [line.strip()[:MAX_NAME] for line in itertools.islice(file, 64)]
            self.names = {number: name for number, name in enumerate(listed, 1)
                          if name and number != IGNORED}
        return Contents(self.categories, (
            self.read_png(name, folder, '.jpg') for name, folder in folders))

    def write(self, contents: Contents, out: str) -> None:
        """As of :class:`Format`: a folder."""
        names = UniqueNames()
        with new_folder(out) as root:
            for video in contents.videos:
                self.write_png(video, self.numbered(video), root / names(video.name))


@FORMATS.register_module(name='kitti_mots')
class KittiMots(Mots):
    """``instances/0000/000000.png``, ``instances_txt/0000.txt`` or both; frames count from 0.

    The pictures are read where both are there; both are written, and ``evaluate_mots.seqmap``.
    """
    title = 'KITTI-MOTS'
    start = 0

    @classmethod
    def sniff(cls, given: Given) -> bool:
        """A folder with ``instances`` or ``instances_txt``."""
        return is_kitti(given)

    def read(self, given: Given) -> Contents:
        """As of :class:`Format`."""
        folder, texts = (os.path.join(given.path, name) for name in ('instances', 'instances_txt'))
        if os.path.isdir(folder):
            return Contents(self.categories, (
                self.read_png(name, path, '.png') for name, path in png_folders(folder)))
        if not os.path.isdir(texts):
            raise BadValue(f'{given.path}: expected folders instances or instances_txt in it')
        ends = read_seqmap(given.path)
        return Contents(self.categories, (
            self.read_txt(name, path, self.first or 0, ends.get(name), '{name}/{number:06d}.png')
            for name, path in text_files(texts)))

    def write(self, contents: Contents, out: str) -> None:
        """As of :class:`Format`: a folder."""
        names, seqmap = UniqueNames(), []
        with new_folder(out) as root:
            for video in contents.videos:
                name, numbers = names(video.name), self.numbered(video)
                self.write_png(video, numbers, root / 'instances' / name)
                self.write_txt(video, numbers, root / 'instances_txt' / f'{name}.txt')
                seqmap.append(f'{name} empty {0:06d} {len(video) - 1:06d}\n')
            with atomic_write(root / 'evaluate_mots.seqmap', 'w', durable=False) as file:
                file.writelines(seqmap)
