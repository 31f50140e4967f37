"""The files of MOTS and KITTI-MOTS: where they lie, and their lines."""
import configparser
import os
import re
from collections.abc import Iterator, Sequence

from mmdet.formats.exchange.folders import sub_folders
from mmdet.formats.exchange.format import Given
from mmdet.formats.frame_files import list_images, natural_key
from mmdet.formats.rle import short
from mmdet.utils.errors import BadValue

IGNORED, IGNORED_ID = 10, 10000  # class and id of regions that are neither found nor missed
LONGEST = 10**6  # frames of a video of which only the numbers are known
LINE = re.compile(r'(\d{1,7}) (\d{1,7}) (\d{1,3}) (\d{1,6}) (\d{1,6}) ([0-o]+)')
SEQMAP = re.compile(r'(\S+)\s+empty\s+(\d{1,7})\s+(\d{1,7})')
GT = os.path.join('gt', 'gt.txt')  # in the folder of a video of MOTSChallenge
MODES = 'I;16', 'I;16B', 'I'  # of PNGs of 16 bits, as Pillow calls them


def parse_class_ids(texts: str | Sequence[str]) -> dict[str, int]:
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


def read_lines(path: str) -> Iterator[tuple[int, int, int, tuple[int, int], str]]:
    """Frame, id, class, (height, width) and counts of each line; ValueError where one is wrong."""
    with open(path, encoding='ascii', errors='replace') as file:
        for count, line in enumerate(file, 1):
            found = LINE.fullmatch(line.rstrip('\r\n '))
            if found is None:
                raise BadValue(f'{path}, line {count}: expected "frame id class height width RLE", '
                               f'got {short(line.strip())}')
            frame, key, number, height, width = map(int, found.groups()[:5])
            yield frame, key, number, (height, width), found[6]


def first_line_fits(path: str) -> bool:
    """Whether a file begins with a line of MOTS."""
    with open(path, encoding='ascii', errors='replace') as file:
        return LINE.fullmatch(file.readline(10**7).rstrip('\r\n ')) is not None


def text_sequences(given: Given) -> list[tuple[str, str]]:
    """Name and text file of each video."""
    if not given.is_folder:
        name, ending = os.path.splitext(os.path.basename(given.path))
        return [(name, given.path)] if ending == '.txt' else []
    inner = [(name, os.path.join(given.path, name, GT)) for name in sub_folders(given.path)]
    return [(name, path) for name, path in inner if os.path.isfile(path)] or text_files(given.path)


def text_files(folder: str) -> list[tuple[str, str]]:
    """Name and path of each text file in a folder."""
    names = sorted((name for name in os.listdir(folder) if name.endswith('.txt')), key=natural_key)
    return [(name[:-4], os.path.join(folder, name)) for name in names]


def png_folders(folder: str) -> list[tuple[str, str]]:
    """Name and folder of PNGs of each video."""
    found = []
    for name in sub_folders(folder):
        own = os.path.join(folder, name)
        inner = os.path.join(own, 'instances')
        found.append((name, inner if os.path.isdir(inner) else own))
    return [(name, path) for name, path in found if list_images(path)]


def is_kitti(given: Given) -> bool:
    """Whether there is ``instances_txt``, or ``instances`` with folders in it."""
    pictures, texts = (os.path.join(given.path, name) for name in ('instances', 'instances_txt'))
    return os.path.isdir(texts) or os.path.isdir(pictures) and not list_images(pictures)


def stated_length(path: str) -> int | None:
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


def read_seqmap(folder: str) -> dict[str, int]:
    """Number of the last frame of each video, where a seqmap lists them."""
    ends = {}
    for name in sorted(os.listdir(folder)):
        if '.seqmap' in name:
            with open(os.path.join(folder, name), encoding='ascii', errors='replace') as file:
                ends.update({found[1]: int(found[3]) for found in map(SEQMAP.match, file)
                             if found})
    return ends
