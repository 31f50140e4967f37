#!/usr/bin/env python3
"""Look a data set over before training on it.

    python tools/check_dataset.py CONFIG              every annotation file of the config
    python tools/check_dataset.py ANN.json --images   one file, and every frame opened

Tells counts, class balance, sizes, and everything in annotations and frames (YouTube-VIS format)
that does not fit together; draws histograms and a sheet of frames with their masks. Exits with 1
when something is wrong enough to spoil training or scores.
"""
import argparse
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from terminaltables import AsciiTable  # noqa: E402

from mmdet.curation.audit import Finding, audit_annotations, audit_frames, statistics  # noqa: E402
from mmdet.curation.dataset_sheet import contact_sheet, histograms  # noqa: E402
from mmdet.formats.json_files import read_json  # noqa: E402
from mmdet.formats.ytvos import YTVOS  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402
from mmdet.utils.errors import BadValue  # noqa: E402
from mmdet.utils.names import UniqueNames  # noqa: E402
from mmdet.formats.pictures import write_picture  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('target', help='config file (it is Python and will be run) or annotation json')
    add('--images', action='store_true', help='open every frame, not only look whether it exists')
    add('--img-prefix', metavar='FOLDER',
        help='folder of the frames (default: as the config says, or found beside the json)')
    add('--out', metavar='FOLDER', default='work_dirs/check_dataset', help='where the pictures go')
    add('--show', type=int, default=20, metavar='N',
        help='list that many errors and warnings of each file')
    return parser.parse_args()


def targets(args: argparse.Namespace) -> list[tuple[str, str | None, int | None]]:
    """(annotation file, folder of frames, classes the heads are built for) to check."""
    if not args.target.endswith('.py'):
        return [(args.target, args.img_prefix or find_frames(args.target), None)]
    from mmdet.utils import load_config
    cfg = load_config(args.target)
    head = cfg.model.get('bbox_head', {})
    classes = head.get('num_classes', 0) - 1 if isinstance(head, dict) else None
    parts = {}
    for part in ('train', 'val', 'test'):
        entry = cfg.data.get(part) or {}
        entry = entry.get('dataset', entry)  # of a RepeatDataset
        if 'ann_file' not in entry:
            continue
        if not isinstance(entry['ann_file'], str) or entry.get('type') != 'YTVOSDataset':
            raise BadValue(f'{args.target}: data.{part} is a {entry.get("type")}; only files in '
                           'YouTube-VIS format (YTVOSDataset) can be checked')
        parts[entry['ann_file']] = args.img_prefix or entry.get('img_prefix')
    return [(file, prefix, classes) for file, prefix in parts.items()]


def find_frames(ann_file: str) -> str | None:
    """The folder in which the first frame of the file lies, looked for beside it."""
    dataset = read_json(ann_file)
    videos = dataset.get('videos') if isinstance(dataset, dict) else None
    first = videos[0] if isinstance(videos, list) and videos else None
    names = first.get('file_names') if isinstance(first, dict) else None
    if not isinstance(names, list) or not names or not isinstance(names[0], str):
        return None
    here, stem = pathlib.Path(ann_file).resolve().parent, pathlib.Path(ann_file).stem
    split = stem.removeprefix('instances_').removeprefix('annotations_')
    folders = [here / 'JPEGImages', here / split / 'JPEGImages', here.parent / split / 'JPEGImages',
               here / split, here / 'train' / 'JPEGImages', here]
    return next((str(f) for f in folders if (f / names[0]).is_file()), None)


def check_file(ann_file: str, prefix: str | None, classes: int | None, stem: str,
               args: argparse.Namespace) -> list[Finding]:
    """Everything about one annotation file; prints its counts, writes pictures ``stem``_*."""
    dataset = read_json(ann_file)
    found = audit_annotations(dataset, ann_file)
    videos = dataset.get('videos') if isinstance(dataset, dict) else None
    if classes is not None and isinstance(videos, list) and len(dataset['categories']) != classes:
        found.append(Finding('error', f'{ann_file} lists {len(dataset["categories"])} categories, '
                             f'num_classes of the config is {classes + 1}; it must be one more '
                             'than the categories'))
    try:
        ytvos = YTVOS(dataset)
    except ValueError:
        return found  # it is in the findings
    counts = statistics(dataset)
    print(counts_table(counts))
    if prefix is None:
        found.append(Finding('warning', f'{ann_file}: its frames are not beside it, none was '
                             'checked; say where they are with --img-prefix'))
    else:
        found += audit_frames(dataset['videos'], prefix, args.images, ann_file,
                              lambda done: show_progress(done, len(dataset['videos'])))
    write_pictures(ytvos, counts, prefix, stem)
    return found


def show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f'\rframes of video {done}/{total}' + '\n' * (done == total))


def counts_table(counts: dict) -> str:
    """Text tables of :func:`mmdet.curation.audit.statistics`."""
    sizes = ', '.join(f'{size} ({n})' for size, n in list(counts['sizes'].items())[:4])
    lengths = counts['video_lengths'] or [0]
    head = [['videos', 'frames', 'frames a video', 'objects', 'crowds', 'masks', 'sizes (videos)'],
            [counts['videos'], counts['frames'], f'{min(lengths)} to {max(lengths)}',
             counts['objects'], counts['crowds'], counts['masks'],
             sizes + (', ...' if len(counts['sizes']) > 4 else '')]]
    rows = [['class', 'objects', 'videos', 'masks']]
    rows += [[c['name'], c['objects'], c['videos'], c['masks']] for c in counts['classes']]
    return '\n'.join(AsciiTable([[str(cell) for cell in row] for row in table]).table
                     for table in (head, rows))


def write_pictures(ytvos: YTVOS, counts: dict, prefix: str | None, stem: str) -> None:
    """``stem``_histograms.png and, with frames at hand, ``stem``_sheet.jpg."""
    if not ytvos.anns:
        return
    histograms(counts, f'{stem}_histograms.png')
    print(f'written: {stem}_histograms.png')
    try:
        sheet = contact_sheet(ytvos, prefix, videos=6, frames=4) if prefix else None
    except (ValueError, KeyError):
        sheet = None  # broken masks: they are in the findings
    if sheet is not None:
        write_picture(sheet, f'{stem}_sheet.jpg')
        print(f'written: {stem}_sheet.jpg')


def report(found: list[Finding], limit: int) -> int:
    """Print findings, errors first; returns the number of errors."""
    count = {}
    for level in ('error', 'warning'):
        texts = [finding.text for finding in found if finding.level == level]
        count[level] = len(texts)
        for text in texts[:limit]:
            print(f'{level}: {text}')
        if len(texts) > limit:
            print(f'... and {len(texts) - limit} more of these; see them with --show {len(texts)}')
    print(', '.join(f'{number} {level}{"s" * (number != 1)}' for level, number in count.items()))
    return count['error']


def main() -> int:
    """Look at every file; 1 when there is an error."""
    args = parse_args()
    errors, unique = 0, UniqueNames()
    for ann_file, prefix, classes in targets(args):
        stem = os.path.join(args.out, unique(pathlib.Path(ann_file).stem))
        print(f'\n{ann_file}')
        if args.target.endswith('.py') and not os.path.isfile(ann_file):
            found = [Finding('error', f'{ann_file}: no such file; see data/README.md for the '
                             'layouts')]
        else:
            found = check_file(ann_file, prefix, classes, stem, args)
        errors += report(found, args.show)
    return 1 if errors else 0


if __name__ == '__main__':
    run_tool(main)
