"""MOTS and KITTI-MOTS: a text file of masks per video, or PNGs of class x 1000 + instance."""
import configparser
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
from mmdet.formats.exchange.folders import MADE_UP, new_folder, same_size, sub_folders
from mmdet.formats.exchange.format import FORMATS, Format, Given
from mmdet.formats.exchange.mask_folders import png_mode
from mmdet.formats.exchange.numbering import NEW_NUMBERS, kept_or_new
from mmdet.formats.exchange.tracks import Category, Contents, Video, VideoBuilder
from mmdet.formats.frame_files import list_images, natural_key
from mmdet.formats.pictures import read_numbers
from mmdet.formats.rle import short
from mmdet.utils.errors import BadValue, MissingFile
from mmdet.utils.fileio import atomic_write
from mmdet.utils.names import UniqueNames

CLASS_IDS = {'car': 1, 'pedestrian': 2}
IGNORED, IGNORED_ID = 10, 10000  # class and id of regions that are neither found nor missed
IGNORE = 'ignore'
CROWD_CLASSES = 'classes of crowd regions'
MAX_INSTANCES = 999  # of a class in a video
LONGEST = 10**6  # frames of a video of which only the numbers are known
LINE = re.compile(r'(\d{1,7}) (\d{1,7}) (\d{1,3}) (\d{1,6}) (\d{1,6}) ([0-o]+)')
SEQMAP = re.compile(r'(\S+)\s+empty\s+(\d{1,7})\s+(\d{1,7})')
MODES = 'I;16', 'I;16B', 'I'  # of PNGs of 16 bits, as Pillow calls them


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
        self.class_ids = CLASS_IDS if class_ids is None else _class_ids(class_ids)
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

    def numbered(self, video: Video) -> dict[Id, tuple[int, int]]:
        """(class number, number in files) of each track, by its id.

        Raises:
            ValueError: a class has no number, or too many objects.
        """
        crowds = [track for track in video.tracks if track.iscrowd]
        self.lost[CROWD_CLASSES] += sum(track.category != IGNORE for track in crowds)
        self.lost['crowd regions that became one with others'] += max(0, len(crowds) - 1)
        found: dict[Id, tuple[int, int]] = {track.id: (IGNORED, IGNORED_ID) for track in crowds}
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
        lines = list(_lines(path))
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
        builder = VideoBuilder(name, [frames[number] for number in sorted(frames)], width, height)
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

    def write_txt(self, video: Video, path: pathlib.Path) -> None:
        """The text file of a video."""
        numbers = self.numbered(video)
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
                               *same_size(paths.values()))
        for place, number in enumerate(order):
            pixels = read_numbers(paths[number]) if number in paths else np.zeros(0)
            for value in np.unique(pixels).tolist():
                if value:
                    category = self.class_of(value // 1000, f'{paths[number]}, value {value}')
                    builder.add(place, value, category, pixels == value,
                                iscrowd=category == IGNORE)
        return builder.done()

    def write_png(self, video: Video, folder: pathlib.Path) -> None:
        """The PNGs of a video, one per frame."""
        numbers = self.numbered(video)
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
        paths = [path for _, path in _sequences(given)]
        return bool(paths) and _first_line_fits(paths[0])

    def read(self, given: Given) -> Contents:
        """As of :class:`Format`."""
        sequences = _sequences(given)
        if not sequences:
            raise BadValue(f'{given.path}: found neither VIDEO/gt/gt.txt nor VIDEO.txt')
        return Contents(self.categories, self._videos(sequences))

    def _videos(self, sequences: list[tuple[str, str]]) -> Iterator[Video]:
        first = self.first
        if first is None:
            files = [path for _, path in sequences if not path.endswith('gt.txt')]
            first = 0 if any(line[0] == 0 for path in files for line in _lines(path)) else 1
        for name, path in sequences:
            length = _length(os.path.join(os.path.dirname(os.path.dirname(path)), 'seqinfo.ini'))
            inner = 'img1/' if path.endswith('gt.txt') else ''
            last = None if length is None else first + length - 1
            yield self.read_txt(name, path, first, last, '{name}/' + inner + '{number:06d}.jpg')

    def write(self, contents: Contents, out: str) -> None:
        """As of :class:`Format`: a folder."""
        names = UniqueNames()
        with new_folder(out) as root:
            for video in contents.videos:
                name = names(video.name)
                self.write_txt(video, root / name / 'gt' / 'gt.txt')
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
        return given.is_folder and not _is_kitti(given) and any(
            png_mode(folder) in MODES for _, folder in _png_folders(given.path)[:1])

    def read(self, given: Given) -> Contents:
        """As of :class:`Format`."""
        folders = _png_folders(given.path) if given.is_folder else []
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
                self.write_png(video, root / names(video.name))


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
        return _is_kitti(given)

    def read(self, given: Given) -> Contents:
        """As of :class:`Format`."""
        folder, texts = (os.path.join(given.path, name) for name in ('instances', 'instances_txt'))
        if os.path.isdir(folder):
            return Contents(self.categories, (
                self.read_png(name, path, '.png') for name, path in _png_folders(folder)))
        if not os.path.isdir(texts):
            raise BadValue(f'{given.path}: expected folders instances or instances_txt in it')
        ends = _seqmap(given.path)
        return Contents(self.categories, (
            self.read_txt(name, path, self.first or 0, ends.get(name), '{name}/{number:06d}.png')
            for name, path in _text_files(texts)))

    def write(self, contents: Contents, out: str) -> None:
        """As of :class:`Format`: a folder."""
        names, seqmap = UniqueNames(), []
        with new_folder(out) as root:
            for video in contents.videos:
                name = names(video.name)
                self.write_png(video, root / 'instances' / name)
                lost = self.lost.copy()
                self.write_txt(video, root / 'instances_txt' / f'{name}.txt')
                self.lost = lost  # the same once more
                seqmap.append(f'{name} empty {0:06d} {len(video) - 1:06d}\n')
            with atomic_write(root / 'evaluate_mots.seqmap', 'w', durable=False) as file:
                file.writelines(seqmap)


def _class_ids(texts: str | Sequence[str]) -> dict[str, int]:
    """``NAME:NUMBER`` as a dict; ValueError if one is none, or a number occurs twice."""
    found: dict[str, int] = {}
    for text in [texts] if isinstance(texts, str) else texts:
        name, _, number = str(text).rpartition(':')
        if not name or not re.fullmatch('[0-9]{1,2}', number) \
                or not 0 < int(number) < 65 or int(number) == IGNORED:
            raise BadValue(f'class_ids={text}: expected NAME:NUMBER, the number from 1 to 64 and '
                           f'not {IGNORED}')
        found[name] = int(number)
    if len(set(found.values())) < len(found):
        raise BadValue(f'class_ids={texts}: two classes have the same number')
    return found


def _lines(path: str) -> Iterator[tuple[int, int, int, tuple[int, int], str]]:
    """Frame, id, class, (height, width) and counts of each line; ValueError where one is wrong."""
    with open(path, encoding='ascii', errors='replace') as file:
        for count, line in enumerate(file, 1):
            found = LINE.fullmatch(line.rstrip('\r\n '))
            if found is None:
                raise BadValue(f'{path}, line {count}: expected "frame id class height width RLE", '
                               f'got {short(line.strip())}')
            frame, key, number, height, width = map(int, found.groups()[:5])
            yield frame, key, number, (height, width), found[6]


def _first_line_fits(path: str) -> bool:
    with open(path, encoding='ascii', errors='replace') as file:
        return LINE.fullmatch(file.readline(10**7).rstrip('\r\n ')) is not None


def _sequences(given: Given) -> list[tuple[str, str]]:
    """Name and text file of each video."""
    if not given.is_folder:
        name, ending = os.path.splitext(os.path.basename(given.path))
        return [(name, given.path)] if ending == '.txt' else []
    inner = [(name, os.path.join(given.path, name, 'gt', 'gt.txt'))
             for name in sub_folders(given.path)]
    return [(name, path) for name, path in inner if os.path.isfile(path)] or _text_files(given.path)


def _text_files(folder: str) -> list[tuple[str, str]]:
    names = sorted((name for name in os.listdir(folder) if name.endswith('.txt')), key=natural_key)
    return [(name[:-4], os.path.join(folder, name)) for name in names]


def _png_folders(folder: str) -> list[tuple[str, str]]:
    """Name and folder of PNGs of each video."""
    found = []
    for name in sub_folders(folder):
        own = os.path.join(folder, name)
        inner = os.path.join(own, 'instances')
        found.append((name, inner if os.path.isdir(inner) else own))
    return [(name, path) for name, path in found if list_images(path)]


def _is_kitti(given: Given) -> bool:
    pictures, texts = (os.path.join(given.path, name) for name in ('instances', 'instances_txt'))
    return os.path.isdir(texts) or os.path.isdir(pictures) and not list_images(pictures)


def _length(path: str) -> int | None:
    """The length a ``seqinfo.ini`` states, None if it does not."""
    if not os.path.isfile(path):
        return None
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding='utf-8')
        length = parser.getint('Sequence', 'seqLength')
    except (configparser.Error, ValueError) as error:
        raise BadValue(f'{path}: expected [Sequence] with seqLength, a number of frames '
                       f'({short(str(error))})') from None
    if not 0 < length <= LONGEST:
        raise BadValue(f'{path}: seqLength is {length}, expected 1 to {LONGEST}')
    return length


def _seqmap(folder: str) -> dict[str, int]:
    """Number of the last frame of each video, where a seqmap lists them."""
    ends = {}
    for name in sorted(os.listdir(folder)):
        if '.seqmap' in name:
            with open(os.path.join(folder, name), encoding='ascii', errors='replace') as file:
                ends.update({found[1]: int(found[3]) for found in map(SEQMAP.match, file)
                             if found})
    return ends
