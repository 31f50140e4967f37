"""Pictures as files: one way to read them, one to write them; and OpenCV's own voice."""
import contextlib
import io
import logging
import os
import re
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image

from mmdet.utils.errors import BadValue, MissingFile
from mmdet.utils.fileio import write_bytes
from mmdet.utils.logger import get_root_logger

try:
    import simplejpeg
except ImportError:  # bit rot then only shows as a line of libjpeg's, without the file's name
    simplejpeg = None

MAX_BYTES = 2**29  # of a file
_decoded_once: set[tuple[bytes, int]] = set()  # JPEG files looked through by this process
_ORIENTATION = 0x0112  # EXIF tag
_UPRIGHT = {  # by its value: flip code or None, then rotation or None
    2: (1, None), 3: (None, cv2.ROTATE_180), 4: (0, None), 5: (1, cv2.ROTATE_90_COUNTERCLOCKWISE),
    6: (None, cv2.ROTATE_90_CLOCKWISE), 7: (1, cv2.ROTATE_90_CLOCKWISE),
    8: (None, cv2.ROTATE_90_COUNTERCLOCKWISE)}


@contextlib.contextmanager
def quiet_opencv() -> Iterator[None]:
    """Silence what OpenCV itself writes to the terminal; errors are told otherwise."""
    log = cv2.utils.logging
    level = log.getLogLevel()
    log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        log.setLogLevel(level)


def name_for_opencv(path: str | os.PathLike) -> str:
    """``path``, where OpenCV itself opens or writes the file: it crashes on names that are no text.

    Raises:
        BadValue: the name is not UTF-8.
    """
    name = os.fspath(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise BadValue(f'{name}: the name is not UTF-8, which OpenCV cannot open; rename it'
                       ) from None
    return name


def read_picture(path: str | os.PathLike, logger: logging.Logger | None = None) -> np.ndarray:
    """Read a picture; every frame of this package comes through here.

    A photo's orientation (EXIF, JPEG, PNG, WebP and TIFF) is applied: the picture is upright
    and its height and width are those seen. Whatever the file holds becomes 8-bit BGR.

    Args:
        path: any name, also one that is not UTF-8.
        logger: hears of damage a decoder passes over; None: the package's logger.

    Returns:
        uint8 (h, w, 3) BGR.

    Raises:
        MissingFile: there is none.
        BadValue: it is no picture, cut short, or too large.
    """
    data = _read(path)
    if data[:2] == b'\xff\xd8':
        _check_jpeg(data, path, logger)
    orientation = _orientation(data)
    flags = cv2.IMREAD_COLOR | (cv2.IMREAD_IGNORE_ORIENTATION if _kind(data) else 0)
    try:
        frame = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:  # nothing to decode, or more pixels than allowed
        raise BadValue(f'{path}: expected a picture, could not decode it ({error.err})') from None
    if frame is None:
        raise BadValue(f'{path}: expected a picture, could not decode it (cut short, damaged or '
                       'something else); fetch it again')
    return _turned(frame, orientation)


def picture_size(path: str | os.PathLike) -> tuple[int, int]:
    """(width, height) in pixels of what :func:`read_picture` gives; no pixel is decoded.

    Raises:
        MissingFile, BadValue: as :func:`read_picture`; a picture cut short passes.
    """
    data = _read(path)
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size[::-1] if _orientation(data) > 4 else image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        frame = read_picture(path)  # knows formats that Pillow does not
        return frame.shape[1], frame.shape[0]


def read_numbers(path: str | os.PathLike) -> np.ndarray:
    """The pixels of a grey or palette picture as they are stored, e.g. numbers of objects.

    Returns:
        int64 (h, w), upright as :func:`read_picture` has it.

    Raises:
        MissingFile: there is none.
        BadValue: it is no picture, cut short, in colour, or JPEG, which changes numbers.
    """
    data = _read(path)
    try:
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadValue(f'{path}: not a readable picture ({error})') from None
    if _kind(data) == 'JPEG':
        raise BadValue(f'{path}: a mask as JPEG has other numbers than were drawn; save masks as '
                       'PNG')
    if pixels.ndim != 2:
        raise BadValue(f'{path}: a mask holds one number per pixel (grey or palette), this one '
                       'is in colour')
    return _turned(pixels.astype(np.float64), _orientation(data)).astype(np.int64)


def write_picture(picture: np.ndarray, path: str | os.PathLike) -> None:
    """Write a picture and make its folder.

    Args:
        picture: uint8 (h, w, 3) BGR, or (h, w).
        path: its ending says the format.

    Raises:
        BadValue: OpenCV writes no such format.
        CannotWrite: the disk is full or read-only.
    """
    ending = os.path.splitext(os.fspath(path))[1]
    try:
        with quiet_opencv():
            done, data = cv2.imencode(ending, picture)
    except cv2.error:
        done = False
    if not done:
        raise BadValue(f'{path}: expected a name that ends with .png or .jpg; choose one')
    write_bytes(data.tobytes(), path, durable=False)


def _read(path: str | os.PathLike) -> bytes:
    """What an ordinary file holds. Python opens names that OpenCV crashes on."""
    if not os.path.isfile(path):
        raise MissingFile(f'{path}: no such picture')
    size = os.path.getsize(path)
    if size > MAX_BYTES:
        raise BadValue(f'{path}: {size} bytes, expected a picture of at most {MAX_BYTES}')
    with open(path, 'rb') as file:
        return file.read()


def _kind(data: bytes) -> str:
    """The format, where its orientation is for us to apply; '' for any other."""
    if data[:2] == b'\xff\xd8':
        return 'JPEG'
    if data[:8] == b'\x89PNG\r\n\x1a\n':
        return 'PNG'
    return 'WEBP' if data[:4] == b'RIFF' and data[8:12] == b'WEBP' else ''


def _orientation(data: bytes) -> int:
    """1 to 8, as EXIF counts; 1 where it says nothing. Frames of videos have no EXIF."""
    mark = dict(JPEG=b'Exif\0\0', PNG=b'eXIf', WEBP=b'EXIF').get(_kind(data))
    if mark is None or mark not in data:
        return 1
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # as of a picture without: what Pillow raises on broken EXIF varies
        return 1


def _turned(frame: np.ndarray, orientation: int) -> np.ndarray:
    """Upright, from how the camera was held."""
    flip, rotation = _UPRIGHT.get(orientation, (None, None))
    frame = frame if flip is None else cv2.flip(frame, flip)
    return frame if rotation is None else cv2.rotate(frame, rotation)


def _check_jpeg(data: bytes, path: str | os.PathLike, logger: logging.Logger | None) -> None:
    """Refuse half a picture, which some versions of OpenCV fill up with grey; tell of bit rot."""
    if data.find(b'\xff\xd9', _start_of_scan(data)) < 0:
        raise BadValue(f'{path}: the picture is cut short ({len(data)} bytes); fetch it again')
    key = os.fsencode(path), zlib.crc32(data)
    if simplejpeg is None or key in _decoded_once:  # it takes as long as the reading itself
        return
    _decoded_once.add(key)
    try:
        simplejpeg.decode_jpeg(data, 'GRAY', min_height=1, min_width=1)
    except ValueError as error:
        if re.search('Corrupt JPEG data|[Pp]remature end', str(error)):
            (logger or get_root_logger()).warning('%s: the picture is damaged (%s); fetch it '
                                                  'again', path, error)


def _start_of_scan(data: bytes) -> int:
    """Where the pixels of a JPEG begin: after the segments, one of which may hold a thumbnail."""
    at = 2
    while data[at:at + 1] == b'\xff' and data[at + 1:at + 2] not in (b'\xda', b''):
        at += 2 + int.from_bytes(data[at + 2:at + 4], 'big')
    return at
