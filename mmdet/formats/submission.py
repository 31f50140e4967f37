"""Results in the form evaluation servers take."""
import json
import logging
import os
import zipfile

from mmdet.formats.ytvos import YTVOS
from mmdet.utils.errors import BadValue
from mmdet.utils.fileio import atomic_write, write_bytes
from mmdet.utils.logger import get_root_logger

KEYS = 'video_id', 'score', 'category_id', 'segmentations'


def write_submission(results: str | os.PathLike | list, ytvos: YTVOS,
                     out: str | os.PathLike,
                     logger: logging.Logger | None = None) -> str:
    """Check results against the video list and pack them for a server.

    Writes ``results.json``, and a zip that holds it and nothing else (no
    folder). Keys a server does not know are left out.

    Args:
        results: what ``YTVOS.loadRes`` takes; the tracks have masks.
        ytvos: the annotation file of the set, usually without annotations.
        out: the zip, or a folder (made if need be) for ``results.zip``.
        logger: hears of videos without a track; None: the package's logger.

    Returns:
        path of the zip.

    Raises:
        FileNotFoundError: no such results.
        ValueError: a server would refuse or misread them; one sentence.
    """
    found = ytvos.loadRes(results)
    tracks = list(found.anns.values())
    for track in tracks:
        where = f'{found.name}: track number {track["id"] - 1}'
        if track.get('segmentations') is None:
            raise BadValue(f'{where} has boxes only; servers take masks')
        if track['category_id'] not in ytvos.cats:
            raise BadValue(f'{where} has category_id {track["category_id"]!r}, which '
                           f'{ytvos.name} does not list; map the labels to its ids')
    empty = [vid for vid in ytvos.vids if vid not in found.vidToAnns]
    if empty:
        logger = logger or get_root_logger()
        logger.warning('%s: %d of %d videos have no track, the first is %r', found.name,
                       len(empty), len(ytvos.vids), empty[0])
    text = json.dumps([{key: track[key] for key in KEYS} for track in tracks],
                      separators=(',', ':')).encode()
    return _write(text, os.fspath(out))


def _write(text: bytes, out: str) -> str:
    zip_path = out if out.endswith('.zip') else os.path.join(out, 'results.zip')
    json_path = os.path.join(os.path.dirname(zip_path), 'results.json')
    write_bytes(text, json_path)
    with atomic_write(zip_path) as file, zipfile.ZipFile(file, 'w') as archive:
        entry = zipfile.ZipInfo('results.json')  # its fixed date: same bytes every time
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, text)
    return zip_path
