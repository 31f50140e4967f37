"""What the page shows of each video: outlines of objects and tracks, and pictures."""
import base64
import gzip
import json
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from mmdet.formats.entries import num_frames, video_name
from mmdet.formats.pictures import read_picture
from mmdet.formats.ytvos import YTVOS
from mmdet.utils.errors import BadValue
from mmdet.visualization.error_page.outlines import grid_step, outlines
from mmdet.visualization.palette import object_color

QUALITY = 70  # of JPEG


class Run(NamedTuple):
    """A result file on the page."""
    report: dict[str, Any]  # its summary, see mmdet.evaluation.errors
    results: YTVOS  # its tracks


def read_frame(gt: YTVOS, vid: Any, frame: int, folder: str) -> np.ndarray:
    """A frame as uint8 (h, w, 3) BGR.

    Raises:
        FileNotFoundError, ValueError: there is none, or it is of another size.
    """
    video = gt.vids[vid]
    names = video.get('file_names')
    if not names:
        raise BadValue(f'{gt.name}: video {vid} has no "file_names"; leave out --images')
    picture = read_picture(os.path.join(folder, names[frame]))
    if picture.shape[:2] != (video['height'], video['width']):
        raise BadValue(f'{os.path.join(folder, names[frame])} is {picture.shape[1]}x'
                       f'{picture.shape[0]} pixels, the annotations say '
                       f'{video["width"]}x{video["height"]}; give the folder of this data set')
    return picture


def jpeg(picture: np.ndarray, longest: int) -> str:
    """A picture, shrunk to a longest side in pixels, as a data URL."""
    scale = min(1, longest / max(picture.shape[:2]))
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert done
    return 'data:image/jpeg;base64,' + base64.b64encode(data.tobytes()).decode('ascii')


def packed(content: Any) -> str:
    """Json, compressed, as text that may stand in a page."""
    text = json.dumps(content, separators=(',', ':'), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode('ascii')


def video_cost(report: dict[str, Any], gt: YTVOS, results: YTVOS) -> dict[Any, float]:
    """Points of AP50 that the single errors of each video cost, added up."""
    cost = dict.fromkeys(gt.vids, 0.0)
    for track, points in zip(results.anns.values(), report['cost_per_result']):
        cost[track['video_id']] += points
    for obj in report['missed_gt']:
        cost[gt.anns[obj]['video_id']] += report['cost_per_missed'][str(obj)]
    return cost


def describe_video(gt: YTVOS, vid: Any, runs: Sequence[Run], most: int) -> dict[str, Any]:
    """The objects and the ``most`` best-scored tracks of each run in a video.

    Returns:
        ``name``, ``width``, ``height`` (cells of the grid), ``frames``, ``objects`` (``id``,
        ``label``, ``color``, ``paths``, ``fates`` and ``held`` per run) and ``runs``: per run a
        list of ``place``, ``label``, ``color``, ``score``, ``type``, ``cause``, ``paths``.
    """
    video = gt.vids[vid]
    step = grid_step(video['height'], video['width'])
    anns = gt.vidToAnns.get(vid, [])
    objects = [dict(
        id=str(ann['id']), label=class_name(gt, ann['category_id']), color=css_color(place),
        paths=outlines(rles, step),
        fates=[run.report['fates'].get(str(ann['id']), 'ignored') for run in runs],
        held=[run.report['held_by'][str(ann['id'])] for run in runs])
        for place, (ann, (rles, _)) in enumerate(zip(anns, gt.annsToRLEs(anns)))]
    return dict(name=video_name(video), frames=num_frames(video), objects=objects,
                width=video['width'] / step, height=video['height'] / step,
                runs=[_tracks(gt, vid, run, step, most) for run in runs])


def _tracks(gt: YTVOS, vid: Any, run: Run, step: int, most: int) -> list[dict]:
    tracks = sorted(run.results.vidToAnns.get(vid, ()), key=lambda t: -t['score'])[:most]
    return [_track(run.report, track['id'] - 1, class_name(gt, track['category_id']),
                   track['score'], outlines(track['segmentations'], step)) for track in tracks]


def _track(report: dict, place: int, label: str, score: float, paths: list[str]) -> dict:
    return dict(place=place, label=label, score=round(float(score), 4), paths=paths,
                type=report['type_per_result'][place],
                cause=report['temporal']['cause_per_result'][place],
                color=css_color(place))


def css_color(number: int) -> str:
    """The colour of an id for a browser."""
    blue, green, red = object_color(number)
    return f'#{red:02x}{green:02x}{blue:02x}'


def class_name(gt: YTVOS, category: Any) -> str:
    """The name of a category, or its id where the file lists none."""
    return str(gt.cats.get(category, {}).get('name', category))
