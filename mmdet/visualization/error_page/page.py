"""The page put together: what the analysis says, pictures, outlines of every video."""
import base64
import os
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2

from mmdet.formats.entries import video_name
from mmdet.formats.ytvos import YTVOS
from mmdet.utils.errors import MissingPackage
from mmdet.utils.fileio import atomic_write
from mmdet.visualization.error_page.charts import COLORS, curves
from mmdet.visualization.error_page.gallery import Case, strips, worst
from mmdet.visualization.error_page.videos import (QUALITY, Run, class_name, describe_video, jpeg,
                                                   packed, read_frame, video_cost)

HERE = pathlib.Path(__file__).parent
PICTURE_SIDE = 480  # of the frames of a video, pixels


@dataclass(frozen=True)
class PageOptions:
    """What goes into the page.

    Attributes:
        images: the folder that the frames' names start from; None: masks without pictures.
        worst: how many errors are shown as strips.
        tracks: most tracks of a video that can be looked at, the best-scored ones.
        megabytes: of frames, for as many videos as there is room, the costliest first.
    """
    images: str | None = None
    worst: int = 24
    tracks: int = 20
    megabytes: float = 20


def write_page(path: str | os.PathLike, gt: YTVOS, runs: Sequence[Run], names: Sequence[str],
               options: PageOptions = PageOptions()) -> None:
    """Write the page as one html file that needs nothing else.

    Args:
        path: of the file.
        gt: the annotation index.
        runs: the run that is looked at, and another to hold beside it.
        names: of the runs.
        options: what goes in.

    Raises:
        ImportError: ``jinja2`` is not installed.
        FileNotFoundError, ValueError: a frame is missing or of another size.
    """
    template = load_template()
    first = runs[0].report
    costs = video_cost(first, gt, runs[0].results)
    order = sorted(gt.vids, key=lambda vid: -costs[vid])
    content = dict(
        reports=[run.report for run in runs], names=names, colors=COLORS[:len(runs)],
        compare=first.get('compare'), curves=curves([run.report for run in runs], names),
        gallery=[_case(case, order, gt, runs, names, options.images)
                 for case in worst(first, gt, runs[0].results, options.worst)],
        videos=list(_videos(order, costs, gt, runs, options)),
        errors=packed(_errors(gt, runs[0], order)), shown=options.tracks,
        pictures=options.images is not None,
        style=(HERE / 'page.css').read_text(), script=(HERE / 'page.js').read_text())
    with atomic_write(path, 'w') as file:
        file.write(template.render(content))


def load_template() -> Any:
    """The template of the page.

    Raises:
        ImportError: ``jinja2`` is not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise MissingPackage(f'the page needs the package jinja2: pip install jinja2 ({error})'
                             ) from None
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True,
                              lstrip_blocks=True, undefined=StrictUndefined)
    environment.filters['points'] = _points
    return environment.get_template('page.html.j2')


def _points(value: float | None) -> str:
    """A number of percent with one decimal; a dash where there is none."""
    return '–' if value is None else f'{round(value, 1) + 0.0:.1f}'


def _case(case: Case, order: Sequence, gt: YTVOS, runs: Sequence[Run], names: Sequence[str],
          images: str | None) -> dict[str, Any]:
    """An error of the gallery."""
    report, results = runs[0].report, runs[0].results
    track = results.anns[case.result + 1] if case.result is not None else None
    frames = report['temporal']['frames_per_result'][case.result] if track else None
    obj = None if case.object is None else class_name(gt, gt.anns[case.object]['category_id'])
    done, picture = cv2.imencode('.jpg', strips(case, gt, runs, names, images),
                                 [cv2.IMWRITE_JPEG_QUALITY, QUALITY + 10])
    assert done
    return dict(type=case.type, meaning=report['meanings'][case.type], cost=case.cost,
                video=order.index(case.video), name=video_name(gt.vids[case.video]),
                object=case.object, object_class=obj, result=case.result,
                result_class=track and class_name(gt, track['category_id']),
                score=track and track['score'],
                frames={cause: number for cause, number in (frames or {}).items() if number},
                picture=base64.b64encode(picture.tobytes()).decode('ascii'))


def _videos(order: Sequence, costs: dict, gt: YTVOS, runs: Sequence[Run], options: PageOptions):
    """Every video packed, with pictures while there is room."""
    room = options.megabytes * 1e6 if options.images is not None else 0
    for vid in order:
        video = describe_video(gt, vid, runs, options.tracks)
        video['pictures'] = []
        if room > 0:
            video['pictures'] = [jpeg(read_frame(gt, vid, t, options.images), PICTURE_SIDE)
                                 for t in range(video['frames'])]
            room -= sum(map(len, video['pictures']))
        yield dict(name=video['name'], cost=costs[vid], data=packed(video))


def _errors(gt: YTVOS, run: Run, order: Sequence) -> list[list]:
    """A row per result and missed object, the costliest first: type, cause, class, score, object,
    points, place of the video, place of the result or None."""
    report, place_of = run.report, {vid: place for place, vid in enumerate(order)}
    rows = [[report['type_per_result'][place] or 'left out',
             report['temporal']['cause_per_result'][place] or '',
             class_name(gt, track['category_id']), round(float(track['score']), 4),
             report['object_per_result'][place], round(report['cost_per_result'][place], 4),
             place_of[track['video_id']], place]
            for place, track in enumerate(run.results.anns.values())]
    rows += [['Miss', '', class_name(gt, gt.anns[obj]['category_id']), None, obj,
              round(report['cost_per_missed'][str(obj)], 4), place_of[gt.anns[obj]['video_id']],
              None] for obj in report['missed_gt']]
    return sorted(rows, key=lambda row: (-row[5], -(row[3] or 0)))
