#!/usr/bin/env python3
"""Time and memory of scoring a data set of YouTube-VIS 2019's size.

Writes made-up annotations and results (302 videos, 8,407 frames of 1280x720,
512 objects, 3,020 tracks), then scores them in a fresh process.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

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
    rles = mask_utils.frPyObjects([p.ravel().tolist() for p in points], *SIZE)
    return [dict(size=[*SIZE], counts=rle['counts'].decode()) if s else None
            for rle, s in zip(rles, seen)]


def annotation(number: int, video: int, category: int, segms: list) -> dict:
    """An entry of the annotation file, its boxes and areas from the masks."""
    from pycocotools import mask as mask_utils
    return dict(
        id=number, video_id=video, category_id=category, iscrowd=0, segmentations=segms,
        areas=[rle and int(mask_utils.area(rle)) for rle in segms],
        bboxes=[rle and mask_utils.toBbox(rle).tolist() for rle in segms])


def synthesise(folder: str, times: int) -> None:
    """Write ``gt.json`` and ``results.json`` of ``times`` the size; seeded."""
    import numpy as np
    rng = np.random.default_rng(0)
    data = dict(videos=[], annotations=[],
                categories=[dict(id=c + 1, name=f'c{c}') for c in range(CATEGORIES)])
    results, wanted, gts = [], TRACKS * times, 0
    for v in range(VIDEOS * times):
        length = (v + 1) * FRAMES // VIDEOS - v * FRAMES // VIDEOS
        data['videos'].append(dict(id=v + 1, height=SIZE[0], width=SIZE[1], length=length))
        objects = (v + 1) * OBJECTS // VIDEOS - v * OBJECTS // VIDEOS
        categories = rng.integers(1, CATEGORIES + 1, 10)
        for t in range(10):
            points, seen = outline(rng, length), rng.random(length) < 0.8
            if t < objects:
                gts += 1
                segms = encode(points, seen)
                data['annotations'].append(annotation(gts, v + 1, int(categories[t]), segms))
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

    from mmdet.core.evaluation import YTVOS, YTVOSeval
    from mmdet.core.evaluation.tracking_metrics import tracking_scores
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


def report(folder: str, metrics: str, repeats: int) -> None:
    """Score in fresh processes and print the median run."""
    runs = []
    for _ in range(repeats):
        command = [sys.executable, __file__, '--score', folder, '--metrics', metrics]
        runs.append(json.loads(subprocess.run(command, check=True, capture_output=True,
                                              text=True).stdout.splitlines()[-1]))
    total = [sum(mark[1] for mark in run['marks'][1:]) for run in runs]
    marks = runs[sorted(range(repeats), key=total.__getitem__)[repeats // 2]]['marks']
    marks.append(('all but import', *(sum(mark[i] for mark in marks[1:]) for i in (1, 2)),
                  marks[-1][3]))
    print(f'{"step":<24}{"wall s":>8}{"CPU s":>8}{"peak MB":>10}')
    for name, wall, cpu, peak in marks:
        print(f'{name:<24}{wall:8.2f}{cpu:8.2f}{peak:10.0f}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--times', type=int, default=1, help='that many times the data')
    parser.add_argument('--metrics', choices=['ap', 'all'], default='all')
    parser.add_argument('--repeats', type=int, default=3, help='runs; the median is shown')
    parser.add_argument('--folder', help='keep the made-up files here and use them again')
    parser.add_argument('--score', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.score:
        return score(args.score, args.metrics)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or temporary
        if not os.path.exists(os.path.join(folder, 'results.json')):
            os.makedirs(folder, exist_ok=True)
            synthesise(folder, args.times)
        sizes = [os.path.getsize(os.path.join(folder, f)) / 1e6 for f in ('gt.json', 'results.json')]
        print(f'{VIDEOS * args.times} videos, {TRACKS * args.times} tracks; annotations '
              f'{sizes[0]:.0f} MB, results {sizes[1]:.0f} MB')
        report(folder, args.metrics, args.repeats)


if __name__ == '__main__':
    main()
