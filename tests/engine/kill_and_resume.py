"""Kill a real run again and again; it must end with the same bits.

    python tests/engine/kill_and_resume.py --kills 20                 the training
    python tests/engine/kill_and_resume.py --kills 20 --what worker   its data worker
    python tests/engine/kill_and_resume.py --kills 20 --what rank     one of its two processes
    python tests/engine/kill_and_resume.py --kills 20 --what test     a test of videos

Runs tools/train.py (or test_video.py) on a small detector once without interruption and then with
SIGKILL at random moments (while starting, stepping, saving), always going on with --auto-resume
(--resume). Whenever a run gets to its end its weights (result files) are compared, and another
begins. Exit status 0: all were bit-identical.
"""
import argparse
import contextlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from mmdet.checkpoint import read_checkpoint  # noqa: E402
from mmdet.curation.shapes import ShapesSpec, make_shapes  # noqa: E402

CONFIG = str(ROOT / 'configs' / 'masktrack_rcnn_r18_fpn_shapes.py')
FLAGS = dict(train=[], worker=['data.workers_per_gpu=1', 'num_threads=1'], rank=[])


def training(data: pathlib.Path, folder: pathlib.Path, epochs: int, what: str) -> list[str]:
    """A run of a few steps on small frames, a checkpoint after every second."""
    return [
        sys.executable, str(ROOT / 'tools' / 'train.py'), CONFIG, '--work_dir', str(folder),
        '--seed', '7', '--auto-resume', '--gpus', '2' if what == 'rank' else '1', '--cfg-options',
        f'data.train.ann_file={data}/annotations/instances_train.json',
        f'data.train.img_prefix={data}/train/JPEGImages', 'data.train.img_scale=(96,64)',
        'data.imgs_per_gpu=2', f'total_epochs={epochs}', 'checkpoint_config.interval=2',
        'checkpoint_config.by_epoch=False', 'checkpoint_config.max_keep_ckpts=3',
        'log_config.interval=1', *FLAGS[what]]


def testing(data: pathlib.Path, folder: pathlib.Path, weights: pathlib.Path) -> list[str]:
    """A test of all videos."""
    return [
        sys.executable, str(ROOT / 'tools' / 'test_video.py'), CONFIG, str(weights), '--out',
        str(folder / 'x.pkl'), '--resume', '--cfg-options',
        f'data.test.ann_file={data}/annotations/instances_train.json',
        f'data.test.img_prefix={data}/train/JPEGImages', 'data.test.img_scale=(96,64)']


def run(line: list[str], seconds: float = float('inf'), child: bool = False) -> bool:
    """Run to the end, or kill it (or a child of it) after some seconds; whether it ended well."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=said)
        killed = False
        try:
            process.wait(None if seconds == float('inf') else seconds)
        except subprocess.TimeoutExpired:
            killed = kill_child(process.pid) if child else True
            if not child:
                process.kill()
            process.wait()
        if process.returncode and not killed:
            said.seek(0)
            raise RuntimeError(f'failed without being killed:\n{said.read().decode()}')
    return process.returncode == 0


def kill_child(pid: int) -> bool:
    """Kill one process that ``pid`` has started; whether there was one."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        children = [int(number) for task in pathlib.Path(f'/proc/{pid}/task').iterdir()
                    for number in (task / 'children').read_text().split()]
        if children:
            os.kill(random.choice(children), signal.SIGKILL)
            return True
    return False


def same(folder: pathlib.Path, whole: pathlib.Path) -> bool:
    """Whether two runs ended with the same weights, two tests with the same files."""
    if (whole / 'x.pkl').exists():
        return all((folder / name).read_bytes() == (whole / name).read_bytes()
                   for name in ('x.pkl', 'x.pkl.json'))
    got, expected = (read_checkpoint(str(path / 'latest.pth'))['state_dict']
                     for path in (folder, whole))
    return all(torch.equal(value, got[key]) for key, value in expected.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--what', choices=['train', 'worker', 'rank', 'test'], default='train')
    parser.add_argument('--kills', type=int, default=20)
    parser.add_argument('--epochs', type=int, default=3)
    parser.add_argument('--seed', type=int, help='of the moments')
    args = parser.parse_args()
    if args.what == 'worker' and (os.cpu_count() or 1) < 4:
        sys.exit('with fewer than 4 cores a CPU trains without data workers: none could be killed')
    rng = random.Random(args.seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix='kill_and_resume_'))
    data = folder / 'data'
    make_shapes(str(data), ShapesSpec(12 if args.what == 'test' else 3, 0, 4, (96, 64), 3))
    if args.what == 'test':
        run(training(data, folder / 'trained', 1, 'train'))

    def command(name: str) -> list[str]:
        if args.what == 'test':
            return testing(data, folder / name, folder / 'trained' / 'latest.pth')
        return training(data, folder / name, args.epochs, args.what)

    begin = time.time()
    run(command('whole'))
    took = time.time() - begin
    killed = compared = wrong = 0
    while killed < args.kills or not compared:
        limit = rng.uniform(.3, 1.) * took if killed < args.kills else float('inf')
        if not run(command('killed'), limit, args.what in ('worker', 'rank')):
            killed += 1
            continue
        wrong += not same(folder / 'killed', folder / 'whole')
        compared += 1
        print(f'{killed} kills, {compared} runs ended, {wrong} with other bits', flush=True)
        shutil.rmtree(folder / 'killed')
    print(f'{args.what}: {killed} kills, {compared} runs ended, {wrong} with other bits; '
          f'{took:.0f} s a run without interruption')
    shutil.rmtree(folder)
    return int(wrong > 0 or not compared)


if __name__ == '__main__':
    sys.exit(main())
