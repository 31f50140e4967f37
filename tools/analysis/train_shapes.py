"""Does every detector learn? Train the small ones of configs/shapes and print their AP.

    python tools/analysis/train_shapes.py
    python tools/analysis/train_shapes.py --only retinanet_r18_fpn ssd300_r18_fpn

Makes the moving shapes if they are not there (data/shapes), then trains and tests one detector
after the other, each in a process of its own: two epochs over every third frame of 160 videos,
tested on every third frame of 15 videos that were not trained on. The RPN comes first, Fast R-CNN
trains on its proposals. Prints one line per detector: AP of boxes and masks (the average recall
of 100 proposals for the RPN), as COCO counts them, and the minutes of training.
"""
import argparse
import logging
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402
from mmdet.utils.errors import BadValue  # noqa: E402

CONFIGS = {path.stem: path for path in sorted((ROOT / 'configs/shapes').glob('*.py'))}
PROPOSER, NEEDS_PROPOSALS = 'rpn_r18_fpn', 'fast_rcnn_r18_fpn'
DATA = ROOT / 'data/shapes'


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('--only', nargs='+', default=sorted(CONFIGS), choices=sorted(CONFIGS), metavar='NAME',
        help='out of ' + ', '.join(CONFIGS))
    add('--epochs', type=int, default=2, metavar='N', help='of training')
    add('--seed', type=int, default=0, help='of training')
    add('--work-dir', default='work_dirs/shapes', metavar='FOLDER', help='for logs and weights')
    add('--amp', action='store_true', help='train in mixed precision')
    return parser.parse_args()


def call(tool: str, *args: object) -> str:
    """What a tool prints.

    Raises:
        ValueError: it failed; its last words are in the message.
    """
    run = subprocess.run([sys.executable, ROOT / 'tools' / tool, *map(str, args)], cwd=ROOT,
                         capture_output=True, text=True)
    if run.returncode:
        raise BadValue(f'{tool} {" ".join(map(str, args))} failed: '
                       + (run.stderr or run.stdout).strip()[-600:])
    return run.stdout


def make_data() -> None:
    """The videos, and their frames as COCO images."""
    call('convert_datasets/make_shapes.py', '--out', DATA)
    for split in ('train', 'val'):
        ann = DATA / 'annotations'
        call('convert_datasets/ytvis2coco.py', ann / f'instances_{split}.json', '--every', 3,
             '--out', ann / f'coco_{split}.json')


def train(name: str, args: argparse.Namespace) -> tuple[pathlib.Path, float]:
    """The weights, and the minutes they took."""
    work, begin = ROOT / args.work_dir / name, time.perf_counter()
    call('train.py', CONFIGS[name], '--work_dir', work, '--seed', args.seed, '--overwrite',
         *['--amp'] * args.amp, '--cfg-options', f'total_epochs={args.epochs}')
    return work / 'latest.pth', (time.perf_counter() - begin) / 60


def write_proposals(weights: pathlib.Path) -> None:
    """The proposals of an RPN for both splits."""
    (DATA / 'proposals').mkdir(exist_ok=True)
    for split in ('train', 'val'):
        call('test.py', CONFIGS[PROPOSER], weights, '--out', DATA / f'proposals/{split}.pkl',
             '--cfg-options', f'data.test.ann_file={DATA}/annotations/coco_{split}.json',
             f'data.test.img_prefix={DATA}/{split}/JPEGImages')


def score(name: str, weights: pathlib.Path) -> dict[str, float]:
    """AP, or AR, of the test images by kind of result."""
    kinds = (['proposal'] if name == PROPOSER else
             ['bbox', 'segm'] if 'mask' in name else ['bbox'])
    out = weights.parent / 'results.pkl'
    call('test.py', CONFIGS[name], weights, '--out', out)
    return {kind: _score_file(f'{out}.bbox.json' if 'mask' in name and kind == 'bbox' else
                              f'{out}.json', kind) for kind in kinds}


def _score_file(path: str, kind: str) -> float:
    from mmdet.evaluation import coco_eval
    quiet = logging.getLogger('shapes')  # one line per detector is enough
    quiet.setLevel(logging.ERROR)
    numbers = coco_eval(path, kind, str(DATA / 'annotations/coco_val.json'), logger=quiet)[kind]
    return numbers['AR@100' if kind == 'proposal' else 'AP']


def main() -> None:
    """Train, test and print."""
    args = parse_args()
    names = sorted(args.only, key=lambda name: name != PROPOSER)
    if NEEDS_PROPOSALS in names and PROPOSER not in names and not (DATA / 'proposals').exists():
        names.insert(0, PROPOSER)
    make_data()
    rows = []
    for name in names:
        weights, minutes = train(name, args)
        scores = score(name, weights)
        if name == PROPOSER:
            write_proposals(weights)
        rows.append(f'{name:28} {minutes:5.1f} min  ' + '  '.join(
            f'{kind} {100 * value:.1f}' for kind, value in scores.items()))
        print(rows[-1], flush=True)


if __name__ == '__main__':
    run_tool(main)
