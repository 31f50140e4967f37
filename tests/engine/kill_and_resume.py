"""Kill a real training run again and again; it must end with the same bits.

    python tests/engine/kill_and_resume.py --kills 20

Trains the small detector through tools/train.py once without interruption and
then with SIGKILL at random moments (while starting, stepping, saving), always
going on with --auto-resume. Whenever a run gets to its end its weights are
compared, and another begins. Exit status 0: all were bit-identical.
"""
import argparse
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from mmdet.checkpoint import read_checkpoint  # noqa: E402
from mmdet.curation.shapes import ShapesSpec, make_shapes  # noqa: E402


def command(data: pathlib.Path, work_dir: pathlib.Path, epochs: int) -> list[str]:
    """A run of a few steps on small frames, a checkpoint after every second."""
    return [
        sys.executable, str(ROOT / 'tools' / 'train.py'),
        str(ROOT / 'configs' / 'masktrack_rcnn_r18_fpn_shapes.py'), '--work_dir', str(work_dir),
        '--seed', '7', '--auto-resume', '--cfg-options',
        f'data.train.ann_file={data}/annotations/instances_train.json',
        f'data.train.img_prefix={data}/train/JPEGImages', 'data.train.img_scale=(96,64)',
        'data.imgs_per_gpu=2', f'total_epochs={epochs}', 'checkpoint_config.interval=2',
        'checkpoint_config.by_epoch=False', 'checkpoint_config.max_keep_ckpts=3',
        'log_config.interval=1']


def run(line: list[str], seconds: float = float('inf')) -> bool:
    """Run to the end, or kill after some seconds; whether it ended by itself."""
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, error = process.communicate(timeout=None if seconds == float('inf') else seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return False
    if process.returncode:
        raise RuntimeError(f'training failed:\n{error.decode()}')
    return True


def weights(work_dir: pathlib.Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(str(work_dir / 'latest.pth'))['state_dict']


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kills', type=int, default=20)
    parser.add_argument('--epochs', type=int, default=3)
    parser.add_argument('--seed', type=int, help='of the moments')
    args = parser.parse_args()
    rng = random.Random(args.seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix='kill_and_resume_'))
    make_shapes(str(folder / 'data'), ShapesSpec(3, 0, 4, (96, 64), 3))
    begin = time.time()
    run(command(folder / 'data', folder / 'whole', args.epochs))
    took, expected = time.time() - begin, weights(folder / 'whole')
    killed = compared = wrong = 0
    while killed < args.kills or not compared:
        limit = rng.uniform(.3, 1.) * took if killed < args.kills else float('inf')
        if not run(command(folder / 'data', folder / 'killed', args.epochs), limit):
            killed += 1
            continue
        got = weights(folder / 'killed')
        wrong += not all(torch.equal(value, got[key]) for key, value in expected.items())
        compared += 1
        print(f'{killed} kills, {compared} runs ended, {wrong} with other weights', flush=True)
        shutil.rmtree(folder / 'killed')
    print(f'{killed} kills, {compared} runs ended, {wrong} with other weights; '
          f'{took:.0f} s a run without interruption')
    shutil.rmtree(folder)
    return int(wrong > 0 or not compared)


if __name__ == '__main__':
    sys.exit(main())
