"""SIGKILL at random moments, truncated files, a full disk: nothing is lost."""
import errno
import glob
import logging
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest
import torch

from mmdet.apis import train_detector
from mmdet.checkpoint import read_checkpoint
from mmdet.engine.run_checkpoints import find_latest

sys.path.insert(0, os.path.dirname(__file__))
from fake_training import FakeDataset, FakeDetector, fake_config  # noqa: E402

LOGGER = logging.getLogger('test')


def run(work_dir, **changes):
    """A run that checkpoints every second step and goes on where it can."""
    cfg = fake_config(work_dir, total_epochs=4, checkpoint_config=dict(
        interval=2, by_epoch=False, max_keep_ckpts=3), **changes)
    cfg.resume_from = find_latest(cfg.work_dir, LOGGER)
    return train_detector(FakeDetector(), FakeDataset(), cfg).state_dict()


def killed_after(seconds, work_dir):
    """Run in a process of its own (threads do not survive a fork) and kill it ``seconds`` later.

    Returns whether it was still running.
    """
    root = str(pathlib.Path(__file__).parents[2])
    with subprocess.Popen([sys.executable, __file__, work_dir], stdout=subprocess.PIPE,
                          env={**os.environ, 'PYTHONPATH': root}) as child:
        child.stdout.readline()  # all is imported
        time.sleep(seconds)
        child.kill()
    return child.returncode == -signal.SIGKILL


def test_killed_and_resumed_ends_with_the_same_bits(tmp_path):
    whole = run(tmp_path / 'a')
    begin = time.time()
    run(tmp_path / 'again')
    took = time.time() - begin
    rng = random.Random(os.getpid())
    kills = [killed_after(rng.uniform(.2, .8) * took, str(tmp_path / 'b')) for _ in range(2)]
    resumed = run(tmp_path / 'b')
    assert kills[0] and all(torch.equal(v, resumed[k]) for k, v in whole.items())
    assert len(glob.glob(f'{tmp_path}/b/*_*.pth')) <= 3


def test_truncated_checkpoint_is_refused_and_the_one_before_used(tmp_path, caplog):
    whole = run(tmp_path)
    newest, before = (sorted(glob.glob(f'{tmp_path}/*_*.pth'), key=os.path.getmtime)[i]
                      for i in (-1, -2))
    with open(newest, 'rb+') as file:
        file.truncate(os.path.getsize(newest) // 2)
    with caplog.at_level('WARNING', 'test'):
        assert find_latest(str(tmp_path), LOGGER) == before
    assert f'{newest}: the checkpoint is cut short' in caplog.text
    resumed = run(tmp_path)
    assert all(torch.equal(v, resumed[k]) for k, v in whole.items())


def test_nothing_to_resume(tmp_path):
    assert find_latest(str(tmp_path / 'nothing'), LOGGER) is None
    (tmp_path / '.epoch_1.pth.x.tmp').write_bytes(b'part')
    assert find_latest(str(tmp_path), LOGGER) is None


def test_full_disk_keeps_every_checkpoint(tmp_path, monkeypatch):
    whole = run(tmp_path / 'a')
    save, count = torch.save, []

    def full(content, file):
        count.append(1)
        if len(count) == 4:
            file.write(b'half of it')
            raise OSError(errno.ENOSPC, 'No space left on device')
        save(content, file)

    monkeypatch.setattr(torch, 'save', full)
    with pytest.raises(OSError, match='No space left on device.*earlier checkpoints are'):
        run(tmp_path / 'b')
    names = sorted(n for n in os.listdir(tmp_path / 'b') if n.endswith(('.pth', '.tmp')))
    assert names == ['iter_4.pth', 'iter_6.pth', 'iter_8.pth', 'latest.pth']  # 8 at the second try
    resumed = run(tmp_path / 'b')
    assert all(torch.equal(v, resumed[k]) for k, v in whole.items())


@pytest.mark.parametrize('keep', [1, 2])
def test_the_last_few_are_kept(tmp_path, keep):
    cfg = fake_config(tmp_path, total_epochs=4, checkpoint_config=dict(
        interval=1, max_keep_ckpts=keep))
    train_detector(FakeDetector(), FakeDataset(), cfg)
    kept = sorted(n for n in os.listdir(tmp_path) if n.startswith('epoch_'))
    assert kept == [f'epoch_{n}.pth' for n in range(5 - keep, 5)]
    assert read_checkpoint(str(tmp_path / 'latest.pth'))['meta']['epoch'] == 4


if __name__ == '__main__':
    print('ready', flush=True)
    run(sys.argv[1])
