"""What was found in every frame, as a file: json lines, or the pickle of 2019.

``X.jsonl`` has a head, ``{"format": "mmdet results", "version": 1, "entries": N}``, and then an
entry a line. A frame of a video is ``{"boxes": [[x1, y1, x2, y2], ...], "scores": [...],
"labels": [...], "ids": [...], "masks": [RLE, ...]}``, an image ``{"boxes": [[[x1, y1, x2, y2,
score], ...] by class], "masks": [[RLE, ...] by class]}``; ``masks`` may be missing.
Proposals are ``{"proposals": [[x1, y1, x2, y2, score], ...]}``, an image of a cascade that keeps
its stages ``{"stages": {"stage0": ..., ...}}``. Numbers come back with all their bits.
``X.pkl`` is a list of ``(det, seg)`` pairs, or of images, as the 2019 code wrote it.
"""
import json
import os
import pickle
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np

from mmdet.formats.entries import is_finite
from mmdet.formats.rle import json_rle
from mmdet.formats.track_result import TrackResult
from mmdet.utils.errors import BadValue, MissingFile
from mmdet.utils.fileio import atomic_write
from mmdet.utils.unpickle import read_pickle

ENDINGS = ('.jsonl', '.pkl', '.pickle')
_HEAD = dict(format='mmdet results', version=1)


def dump_results(results: Sequence[Any], path: str) -> None:
    """Write results; the ending of the name says how.

    Args:
        results: :class:`TrackResult` a frame, or what ``detect`` gives for an image.
        path: ends with ``.jsonl``, which needs no pickle to be read; else it is a pickle.

    Raises:
        CannotWrite: the disk is full or read-only.
    """
    with atomic_write(path) as file:
        if path.endswith('.jsonl'):
            for line in _lines(results):
                file.write(json.dumps(line, separators=(',', ':')).encode() + b'\n')
        else:
            classic = [r.to_classic() if isinstance(r, TrackResult) else r for r in results]
            pickle.dump(classic, file, protocol=4)


def load_results(path: str) -> list:
    """Read what :func:`dump_results` or the 2019 code wrote, whatever its name; nothing is run.

    Returns:
        an entry per frame or image: :class:`TrackResult`, a ``(det, seg)`` pair, or an image.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is cut short, damaged, or holds anything but results.
    """
    if not os.path.isfile(path):
        raise MissingFile(f'{path}: no such results file; write one with tools/test_video.py '
                          'CONFIG CHECKPOINT --out X.jsonl')
    with open(path, 'rb') as file:
        if file.read(1) == b'{':
            file.seek(0)
            return _read_lines(file, path)
    found = read_pickle(path)
    if not isinstance(found, list):
        raise BadValue(f'{path}: expected a list with an entry per frame, got '
                       f'{type(found).__name__}')
    return found


def _lines(results: Sequence[Any]) -> Iterator[dict]:
    yield dict(_HEAD, entries=len(results))
    for result in results:
        yield track_line(result) if isinstance(result, TrackResult) else _image_line(result)


def track_line(result: TrackResult) -> dict:
    """A frame of a video as its line has it."""
    return dict(boxes=result.boxes.tolist(), scores=result.scores.tolist(),
                labels=result.labels.tolist(), ids=result.obj_ids.tolist(),
                masks=[json_rle(mask) for mask in result.masks])


def _image_line(result: tuple | list | dict | np.ndarray) -> dict:
    if isinstance(result, dict):
        return dict(stages={stage: _image_line(found) for stage, found in result.items()})
    if isinstance(result, np.ndarray):
        return dict(proposals=result.tolist())
    boxes, masks = result if isinstance(result, tuple) else (result, None)
    line = dict(boxes=[np.asarray(found).tolist() for found in boxes])
    if masks is not None:
        line['masks'] = [[json_rle(mask) for mask in found] for found in masks]
    return line


def _read_lines(file: IO[bytes], path: str) -> list:
    results, entries = [], None
    for number, line in enumerate(file, 1):
        try:
            content = json.loads(line)
            if entries is None:
                entries = _entries(content)
            else:
                results.append(from_line(content))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError,
                OverflowError) as error:
            raise BadValue(f'{path}: line {number} is no {"entry" if number > 1 else "head"} of '
                           f'results ({error!r:.120}); run the test again') from None
    if len(results) != entries:
        raise BadValue(f'{path}: holds {len(results)} of {entries} entries, it is cut short; run '
                       'the test again')
    return results


def _entries(head: Any) -> int:
    if not isinstance(head, dict) or {**head, **_HEAD} != head:
        raise ValueError(f'expected {_HEAD}')
    if type(head['entries']) is not int:
        raise ValueError('expected a number of entries')
    return head['entries']


def from_line(line: dict) -> Any:
    """An entry of its line; raises ValueError, TypeError, KeyError or
    AttributeError if it is none."""
    if 'ids' in line:
        count = len(line['ids'])
        result = TrackResult(_floats(line['boxes'], (count, 4)), _floats(line['scores'], (count, )),
                             _whole(line['labels']), _whole(line['ids']), line['masks'])
        if not isinstance(result.masks, list) or len(result.labels) != count or (
                len(result.masks) not in (0, count)):
            raise ValueError('boxes, scores, labels, ids and masks are not of one length')
        return result
    if 'stages' in line:
        return {stage: from_line(found) for stage, found in line['stages'].items()}
    if 'proposals' in line:
        return _floats(line['proposals'], (len(line['proposals']), 5))
    boxes = [_floats(found, (len(found), 5)) for found in line['boxes']]
    if 'masks' not in line:
        return boxes
    if [len(found) for found in line['masks']] != [len(found) for found in boxes]:
        raise ValueError('boxes and masks are not of one length')
    return boxes, line['masks']


def _floats(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    """float32 of a shape; NaN and infinity are for others to judge."""
    array = np.array(values, np.float32)
    if not values and shape[0] == 0:
        array = array.reshape(shape)
    if array.shape != shape:
        raise ValueError(f'expected numbers of shape {shape}, got {array.shape}')
    return array


def _whole(values: list) -> np.ndarray:
    if not all(type(value) is int and is_finite(value) for value in values):
        raise ValueError('labels and ids are whole numbers')
    return np.array(values, np.int64)
