"""Folders that formats consist of: found and read, or written whole or not at all."""
import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator

from mmdet.formats.exchange.tracks import Video
from mmdet.formats.frame_files import list_images, natural_key
from mmdet.formats.pictures import picture_size
from mmdet.utils.errors import BadValue, FileInTheWay, MissingFile
from mmdet.utils.fileio import told
from mmdet.utils.names import UniqueNames

MADE_UP = ('names of frames are made from those of the annotations; where they are others, give '
           'their folder with --read frames=DIR')


@contextlib.contextmanager
def new_folder(out: str | os.PathLike) -> Iterator[pathlib.Path]:
    """A folder that appears under ``out`` only when it is complete.

    Raises:
        FileExistsError: there is something already.
        CannotWrite: the disk is full, or the place may not be written to.
    """
    final = pathlib.Path(os.path.abspath(out))
    if os.path.lexists(final) and not (final.is_dir() and not any(final.iterdir())):
        raise FileInTheWay(f'{out}: is there already; give a new or an empty folder')
    with told(out):
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = pathlib.Path(tempfile.mkdtemp(dir=final.parent, prefix='.mmdet-'))
        try:
            inside = temporary / 'new'  # with the permissions of any new folder
            inside.mkdir()
            yield inside
            os.replace(inside, final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def sub_folders(folder: str) -> list[str]:
    """Names of the folders in a folder, in natural order, those that are hidden left out.

    Raises:
        FileNotFoundError: no such folder.
    """
    if not os.path.isdir(folder):
        raise MissingFile(f'{folder}: no such folder')
    return sorted((entry.name for entry in os.scandir(folder)
                   if entry.is_dir() and not entry.name.startswith('.')), key=natural_key)


def list_videos(folder: str) -> list[str]:
    """Names of the sub-folders that hold images, in natural order.

    Raises:
        FileNotFoundError: no such folder.
    """
    return [sub for sub in sub_folders(folder) if list_images(os.path.join(folder, sub))]


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


def stem(name: str) -> str:
    """The last part of a path in a file, of either kind of slash, without its ending."""
    return os.path.splitext(name.replace('\\', '/').rpartition('/')[2])[0]


def frame_stems(video: Video) -> list[str]:
    """Names of files for the frames of a video, without ending; their order is that of the frames.

    The frames' own where these are different names in order, else numbers from 0.
    """
    names = UniqueNames()
    own = [stem(name) for name in video.file_names]
    if own == [names(name) for name in own] == sorted(own, key=natural_key):
        return own
    return [f'{frame:05d}' for frame in range(len(video))]
