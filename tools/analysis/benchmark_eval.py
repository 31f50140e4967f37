#!/usr/bin/env python3
"""Time and memory of scoring a data set of YouTube-VIS 2019's size.

Writes made-up annotations and results (302 videos, 8,407 frames of 1280x720,
512 objects, 3,020 tracks), then scores them in a fresh process, in turn with
the package trackeval where it is installed (``--no-peer`` spares the wait).
"""
import argparse
import contextlib
import importlib.util
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402  (the rest is timed, see score)

SIZE = 720, 1280
VIDEOS, FRAMES, OBJECTS, TRACKS, CATEGORIES = 302, 8407, 512, 3020, 40


def outline(rng, frames: int):
    """A blob that moves over ``frames`` frames: list of polygons [x1, y1, ...]."""
    import numpy as np
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    waves = sum(np.sin(k * angle + rng.uniform(0, 6)) * 0.25 / k for k in (1, 2, 3, 4))
    radius = rng.uniform(60, 360) * (1 + waves)
    start, step = rng.uniform((0, 0), SIZE[::-1]), rng.uniform(-12, 12, 2)
    shape = np.stack([np.cos(angle), np.sin(angle) * rng.uniform(0.5, 1)], 1) * radius[:, None]
    moved = shape[None] + start + step * np.arange(frames)[:, None, None]
    return np.clip(moved + rng.normal(0, 3, (frames, 1, 2)), (0, 0), SIZE[::-1])


def encode(points, seen) -> list:
    """Compressed RLE or None a frame, counts as text."""
    from pycocotools import mask as mask_utils

    from mmdet.formats.rle import json_rle
    rles = mask_utils.frPyObjects([p.ravel().tolist() for p in points], *SIZE)
    return [json_rle(rle) if s else None for rle, s in zip(rles, seen)]


def synthesise(folder: str, times: int) -> None:
    """Write ``gt.json`` and ``results.json`` of ``times`` the size; seeded."""
    import numpy as np

    from mmdet.formats.entries import mask_lists
    rng = np.random.default_rng(0)
    data = dict(videos=[], annotations=[],
                categories=[dict(id=c + 1, name=f'c{c}') for c in range(CATEGORIES)])
    results, wanted, gts = [], TRACKS * times, 0
    for v in range(VIDEOS * times):
        length = (v + 1) * FRAMES // VIDEOS - v * FRAMES // VIDEOS
        data['videos'].append(dict(id=v + 1, height=SIZE[0], width=SIZE[1], length=length,
                                   file_names=[f'{v:05}/{t:05}.jpg' for t in range(length)]))
        objects = (v + 1) * OBJECTS // VIDEOS - v * OBJECTS // VIDEOS
        categories = rng.integers(1, CATEGORIES + 1, 10)
        for t in range(10):
            points, seen = outline(rng, length), rng.random(length) < 0.8
            if t < objects:
                gts += 1
                data['annotations'].append(dict(
                    id=gts, video_id=v + 1, category_id=int(categories[t]), iscrowd=0,
                    height=SIZE[0], width=SIZE[1], length=length,
                    **mask_lists(encode(points, seen))))
            points = points + rng.normal(0, 8, (length, 1, 2))
            category = categories[t % max(objects, 1)] if t < 5 else categories[t]
            results.append(dict(video_id=v + 1, category_id=int(category),
                                score=float(rng.random()), segmentations=encode(points, seen)))
    assert len(results) == wanted and gts == OBJECTS * times
    for name, content in (('gt.json', data), ('results.json', results)):
        with open(os.path.join(folder, name), 'w') as file:
            json.dump(content, file)


def peak_mb() -> float:
    """Largest resident memory of this process so far, in MB.

    Linux hands ``ru_maxrss`` down from the parent process, VmHWM starts anew.
    """
    try:
        with open('/proc/self/status') as file:
            return next(int(line.split()[1]) for line in file if line.startswith('VmHWM')) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def score(folder: str, metrics: str) -> None:
    """Score once and print one json line: seconds and MB of each step."""
    marks, start = [], (time.perf_counter(), time.process_time())

    def mark(name: str) -> None:
        nonlocal start
        now = time.perf_counter(), time.process_time()
        marks.append((name, now[0] - start[0], now[1] - start[1], peak_mb()))
        start = time.perf_counter(), time.process_time()

    from mmdet.evaluation import YTVOSeval, tracking_scores
    from mmdet.formats import YTVOS
    mark('import')
    gt = YTVOS(os.path.join(folder, 'gt.json'))
    mark('load annotations')
    results = gt.loadRes(os.path.join(folder, 'results.json'))
    mark('load and check results')
    evaluator = YTVOSeval(gt, results)
    evaluator.evaluate()
    mark('evaluate')
    evaluator.accumulate()
    mark('accumulate')
    if metrics == 'all':
        tracking_scores(gt, results, evaluator.pairs)
        mark('HOTA, CLEAR, Identity')
    print(json.dumps(dict(marks=marks, AP=evaluator.mean())))


def write_uncompressed(path: str, target: str) -> None:
    """Copy an annotation file with runs as lists, as in 2019: TrackEval reads no others."""
    from mmdet.formats.rle import decode_counts
    with open(path) as file:
        data = json.load(file)
    for ann in data['annotations']:
        for rle in filter(None, ann['segmentations']):
            runs = decode_counts([rle['counts'].encode()])
            rle['counts'] = [int(runs.lead[0]), *runs.rows.ravel().tolist()]
    with open(target, 'w') as file:
        json.dump(data, file)


def score_by_trackeval(folder: str, metrics: str) -> None:
    """Score the same files with TrackEval and print one json line: seconds and MB."""
    with tempfile.TemporaryDirectory() as layout, contextlib.redirect_stdout(None):
        gt, results = (os.path.join(layout, place) for place in (
            'gt_youtube_vis_val', 'trackers_youtube_vis_val/ours/data'))
        os.makedirs(gt)
        os.makedirs(results)
        write_uncompressed(os.path.join(folder, 'gt.json'), os.path.join(gt, 'gt.json'))
        os.symlink(os.path.abspath(os.path.join(folder, 'results.json')),
                   os.path.join(results, 'results.json'))
        start = time.perf_counter()
        import trackeval
        quiet = dict(PRINT_CONFIG=False)
        data = trackeval.datasets.YouTubeVIS(dict(
            quiet, GT_FOLDER=f'{layout}/gt_', TRACKERS_FOLDER=f'{layout}/trackers_',
            SPLIT_TO_EVAL='val'))
        areas = [[0, 128**2], [128**2, 256**2], [256**2, 1e10]]
        chosen = [trackeval.metrics.TrackMAP(dict(quiet, USE_TIME_RANGES=False, AREA_RANGES=areas,
                                                  MAX_DETECTIONS=100))]
        if metrics == 'all':
            chosen += [trackeval.metrics.HOTA(), trackeval.metrics.CLEAR(quiet),
                       trackeval.metrics.Identity(quiet)]
        off = dict.fromkeys(('PRINT_RESULTS', 'PRINT_CONFIG', 'TIME_PROGRESS', 'OUTPUT_SUMMARY',
                             'OUTPUT_DETAILED', 'PLOT_CURVES'), False)
        found, _ = trackeval.Evaluator(off).evaluate([data], chosen)
    scores = found['YouTubeVIS']['ours']['COMBINED_SEQ']['cls_comb_cls_av']['TrackMAP']
    print(json.dumps(dict(seconds=time.perf_counter() - start, peak=peak_mb(),
                          AP=float(scores['AP_all'].mean()))))


def run_alone(*arguments: str) -> dict:
    """What a fresh process of this file prints."""
    done = subprocess.run([sys.executable, __file__, *arguments], check=True,
                          stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def report(folder: str, metrics: str, repeats: int, peer: bool) -> None:
    """Score in fresh processes, in turn with TrackEval, and print the median runs."""
    runs, theirs = [], []
    for number in range(repeats):
        print(f'run {number + 1} of {repeats}', file=sys.stderr, flush=True)
        runs.append(run_alone('--score', folder, '--metrics', metrics))
        if peer:
            theirs.append(run_alone('--score-by-trackeval', folder, '--metrics', metrics))
    runs.sort(key=lambda run: sum(mark[1] for mark in run['marks']))
    marks = runs[repeats // 2]['marks']
    marks.append(('all', *(sum(mark[i] for mark in marks) for i in (1, 2)), marks[-1][3]))
    print(f'{"step":<24}{"wall s":>8}{"CPU s":>8}{"peak MB":>10}')
    for name, wall, cpu, peak in marks:
        print(f'{name:<24}{wall:8.2f}{cpu:8.2f}{peak:10.0f}')
    if theirs:
        theirs.sort(key=lambda run: run['seconds'])
        run = theirs[repeats // 2]
        print(f'{"TrackEval, all":<24}{run["seconds"]:8.2f}{"":8}{run["peak"]:10.0f}   '
              f'{run["seconds"] / marks[-1][1]:.1f} times our time; '
              f'AP {run["AP"]:.6f}, ours {runs[0]["AP"]:.6f}')


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    parser.add_argument('--times', type=int, default=1, help='that many times the data')
    parser.add_argument('--metrics', choices=['ap', 'all'], default='all', help='what is scored')
    parser.add_argument('--repeats', type=int, default=3, help='runs; the median is shown')
    parser.add_argument('--folder', help='keep the made-up files here and use them again')
    parser.add_argument('--no-peer', action='store_true', help='do not run trackeval')
    parser.add_argument('--score', help=argparse.SUPPRESS)
    parser.add_argument('--score-by-trackeval', help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Make the files, then start a fresh process for every run."""
    args = parse_args()
    if args.score:
        return score(args.score, args.metrics)
    if args.score_by_trackeval:
        return score_by_trackeval(args.score_by_trackeval, args.metrics)
    peer = not args.no_peer and importlib.util.find_spec('trackeval') is not None
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or temporary
        if not os.path.exists(os.path.join(folder, 'results.json')):
            os.makedirs(folder, exist_ok=True)
            synthesise(folder, args.times)
        sizes = [os.path.getsize(os.path.join(folder, name)) / 1e6
                 for name in ('gt.json', 'results.json')]
        print(f'{VIDEOS * args.times} videos, {TRACKS * args.times} tracks; annotations '
              f'{sizes[0]:.0f} MB, results {sizes[1]:.0f} MB', flush=True)
        report(folder, args.metrics, args.repeats, peer)


if __name__ == '__main__':
    run_tool(main)
