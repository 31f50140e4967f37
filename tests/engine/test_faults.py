"""Faults in the middle of a run: the last finished update is on the disk, in one sentence."""
import contextlib
import glob
import json
import logging
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from mmdet.apis import train_detector
from mmdet.checkpoint import read_checkpoint
from mmdet.engine import run_checkpoints
from mmdet.engine.faults import OutOfMemory, WorkerDied
from mmdet.engine.hooks import LogHook
from mmdet.engine.run_checkpoints import CheckpointFolder, find_latest, list_checkpoints
from mmdet.utils import get_root_logger
from mmdet.utils.errors import BadValue

sys.path.insert(0, os.path.dirname(__file__))
from fake_training import FakeDataset, FakeDetector, fake_config  # noqa: E402

HERE = pathlib.Path(__file__).parent
LOGGER = logging.getLogger('test')


class Norms(FakeDetector):
    """With running statistics, and a fault after they have changed."""

    def __init__(self, fault_at=None):
        super().__init__()
        self.backbone = nn.Sequential(self.backbone, nn.BatchNorm2d(4))
        self.fault_at, self.calls = fault_at, 0

    def forward(self, **kwargs):
        self.calls += 1
        losses = super().forward(**kwargs)
        if self.calls == self.fault_at:
            raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB')
        return losses


class Broken(FakeDataset):
    """Item 7 cannot be read, or ends the process that reads it, after so many reads."""

    def __init__(self, kill=False, reads=1):
        super().__init__()
        self.kill, self.reads = kill, reads

    def sample(self, index, rng):
        self.reads -= index == 7
        if index == 7 and self.reads < 0:
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise BadValue('7.jpg: expected a picture, could not decode it')
        return super().sample(index, rng)


def run(work_dir, model=None, dataset=None, resume=False, **changes):
    cfg = fake_config(work_dir, **changes)
    if resume:
        cfg.resume_from = find_latest(cfg.work_dir, LOGGER)
    return train_detector(model or Norms(), dataset or FakeDataset(), cfg).state_dict()


def same(a, b):
    return all(torch.equal(value, b[key]) for key, value in a.items())


def saved_steps(work_dir):
    return sorted(read_checkpoint(path)['meta']['iter'] for path in list_checkpoints(str(work_dir)))


@pytest.mark.parametrize('changes', [
    {}, dict(ema=dict(momentum=.1)), dict(optimizer_config=dict(accumulation=2)),
    dict(optimizer_config=dict(accumulation=2), ema=dict(momentum=.1))])
def test_a_fault_within_a_step_loses_nothing(tmp_path, changes):
    whole = run(tmp_path / 'a', **changes)
    with pytest.raises(OutOfMemory, match='lower data.imgs_per_gpu'):
        run(tmp_path / 'b', Norms(fault_at=10), **changes)
    done = 9 if 'optimizer_config' not in changes else 8
    assert saved_steps(tmp_path / 'b') == [6, done]
    assert same(whole, run(tmp_path / 'b', resume=True, **changes))
    assert saved_steps(tmp_path / 'b') == [6, 12, 18]  # what the fault left has gone


@pytest.mark.parametrize('fault_at', [8, 9])
@pytest.mark.parametrize('every', [-1, 1])
def test_a_fault_while_gradients_wait_over_an_epochs_end(tmp_path, fault_at, every):
    changes = dict(optimizer_config=dict(accumulation=4), checkpoint_config=dict(interval=every))
    whole = run(tmp_path / 'a', **changes)
    with pytest.raises(OutOfMemory):
        run(tmp_path / 'b', Norms(fault_at=fault_at), **changes)
    updates = 4 if fault_at == 8 else 8  # an epoch has 6 steps
    assert saved_steps(tmp_path / 'b') == ([updates] if every < 0 else [6, updates][:updates // 4])
    assert same(whole, run(tmp_path / 'b', resume=True, **changes))


def test_a_frame_that_cannot_be_read(tmp_path, spoken):
    whole = run(tmp_path / 'a')
    with pytest.raises(BadValue, match='7.jpg: expected a picture'):
        run(tmp_path / 'b', dataset=Broken())
    assert any('after a fault in step' in said and 'with --auto-resume' in said for said in spoken)
    assert len(saved_steps(tmp_path / 'b')) == 2
    assert same(whole, run(tmp_path / 'b', resume=True))


def test_a_killed_data_worker_is_one_sentence(tmp_path):
    data = dict(imgs_per_gpu=2, workers_per_gpu=1, train=dict(), val=dict())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('mmdet.apis.train.set_threads', lambda *_: 1)
        with pytest.raises(WorkerDied, match='lower data.workers_per_gpu'):
            run(tmp_path, dataset=Broken(kill=True), data=data)
    assert saved_steps(tmp_path)[0] == 6


def test_nothing_is_written_for_a_run_that_never_began(tmp_path):
    with pytest.raises(OutOfMemory):
        run(tmp_path, Norms(fault_at=1))
    assert list_checkpoints(str(tmp_path)) == []


COPY = '''
import os, sys, signal
sys.path[:0] = {path!r}
from fake_training import FakeDataset, FakeDetector, fake_config
from mmdet.apis import TrainingInterrupted, train_detector
from mmdet.engine import last_update
from mmdet.engine.distribution import init_dist
from mmdet.utils.cli import run_tool
last_update.PATIENCE = .5
init_dist('pytorch')

class Model(FakeDetector):
    calls = 0
    def forward(self, **kwargs):
        Model.calls += 1
        if Model.calls == {at} and os.environ['RANK'] == '{victim}':
            os.kill(os.getpid(), signal.SIGKILL)
        {wait}
        return super().forward(**kwargs)

def main():
    open({folder!r} + '/pid' + os.environ['RANK'], 'w').write(str(os.getpid()))
    try:
        train_detector(Model(), FakeDataset(), fake_config({folder!r} + '/run'), distributed=True)
    except TrainingInterrupted:
        return 143
run_tool(main)
'''


def copies(folder, **values):
    """``run_copies`` of a small run in a process of its own."""
    values = dict(path=[str(HERE), str(HERE.parents[1])], folder=str(folder), at=0, victim=9,
                  wait='pass', grace=20) | values
    (folder / 'one_rank.py').write_text(COPY.format(**values))
    code = (f'import sys; from mmdet.engine import launch; launch.GRACE = {values["grace"]}; '
            f'sys.exit(launch.run_copies([sys.executable, {str(folder / "one_rank.py")!r}], 2))')
    return subprocess.Popen([sys.executable, '-c', code], cwd=HERE.parents[1], text=True,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@pytest.mark.parametrize('victim', [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_killed_rank_loses_nothing(tmp_path, victim):
    parent = copies(tmp_path, at=6, victim=victim)
    said = parent.communicate(timeout=120)[1]
    assert parent.returncode == 137, said
    assert 'another process of the run ended' in said and 'Traceback' not in said
    assert saved_steps(tmp_path / 'run') == [4, 5]  # an epoch has 4 steps


def test_a_fault_of_one_rank_is_saved_where_the_first_waits_for_ever(tmp_path):
    wait = """if Model.calls == 6:  # as with NCCL, no word of the other comes
            import time; os.environ['RANK'] == '0' and time.sleep(600)
            raise RuntimeError('out of luck')"""
    parent = copies(tmp_path, wait=wait, grace=3)
    assert 'out of luck' in parent.communicate(timeout=120)[1] and parent.returncode
    assert saved_steps(tmp_path / 'run') == [4, 5]


def test_ranks_end_with_their_launcher(tmp_path):
    parent = copies(tmp_path, wait='__import__("time").sleep(.3)')
    latest = tmp_path / 'run' / 'epoch_1.pth'
    deadline = time.time() + 120
    while not latest.exists() and time.time() < deadline:
        time.sleep(.1)
    pids = [int((tmp_path / f'pid{rank}').read_text()) for rank in (0, 1)]
    parent.kill()
    parent.communicate()
    while any(map(is_running, pids)) and time.time() < deadline:
        time.sleep(.1)
    assert not any(map(is_running, pids))
    assert max(saved_steps(tmp_path / 'run')) < 12 and list((tmp_path / 'run').glob('iter_*.pth'))


def is_running(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f'/proc/{pid}/stat').read_text().split(')')[1].split()[0] != 'Z'
    return False


# Which file is the newest.

def test_order_is_that_of_steps_not_of_clocks(tmp_path):
    changes = dict(checkpoint_config=dict(interval=2, by_epoch=False, max_keep_ckpts=2))
    run(tmp_path, **changes)
    newest = str(tmp_path / 'iter_18.pth')
    os.utime(newest, (0, 0))  # the clock was set back, or a copy made without -p
    assert find_latest(str(tmp_path), LOGGER) in (newest, str(tmp_path / 'epoch_3.pth'))
    run(tmp_path, resume=True, total_epochs=4, **changes)
    assert saved_steps(tmp_path) == [24, 24]


def test_auto_resume_takes_the_newest_that_resumes(tmp_path, caplog):
    run(tmp_path)
    whole = read_checkpoint(str(tmp_path / 'epoch_3.pth'))
    (tmp_path / 'epoch_9.pth').mkdir()
    for name, change in dict(epoch_6=dict(optimizer={}), epoch_7=dict(state_dict={}),
                             epoch_8=dict(meta=dict(iter=99, epoch=1.5))).items():
        torch.save({**whole, 'meta': dict(whole['meta'], iter=50), **change},
                   tmp_path / f'{name}.pth')
    with caplog.at_level('WARNING', 'test'):
        assert find_latest(str(tmp_path), LOGGER) == str(tmp_path / 'epoch_3.pth')
    assert caplog.text.count('trying the one before') == 4
    for path in tmp_path.glob('epoch_[123].pth'):
        path.unlink()
    with pytest.raises(BadValue, match='none of its 4 checkpoints can be resumed'):
        find_latest(str(tmp_path), LOGGER)


def test_checkpoints_by_time(tmp_path, monkeypatch):
    now = [0.]
    monkeypatch.setattr(run_checkpoints.time, 'monotonic', lambda: now[0])
    folder = CheckpointFolder(str(tmp_path))
    now[0] = 3500
    assert not folder.overdue()  # younger than an hour
    now[0] = 3601
    assert folder.overdue()
    folder.write('iter_3.pth', dict(meta=dict(iter=3)))
    now[0] += 800
    assert not folder.overdue()
    now[0] += 101
    assert folder.overdue() and not CheckpointFolder(str(tmp_path), minutes=0).overdue()
    folder.write('epoch_1.pth', dict(meta=dict(iter=6)))
    assert os.listdir(tmp_path).count('iter_3.pth') == 0
    often = CheckpointFolder(str(tmp_path), minutes=1)
    now[0] += 61
    assert often.overdue()


def test_a_run_saves_by_time(tmp_path, monkeypatch):
    monkeypatch.setattr('mmdet.engine.trainer.CheckpointFolder.overdue', lambda _: True)
    written, write = [], CheckpointFolder.write
    monkeypatch.setattr(CheckpointFolder, 'write', lambda self, name, state: (
        written.append(name), write(self, name, state))[1])
    run(tmp_path)
    assert written == ['epoch_1.pth', 'iter_10.pth', 'epoch_2.pth', 'epoch_3.pth']


# Going on with an edited config.

def test_the_config_sets_the_rate_of_a_resumed_run(tmp_path):
    run(tmp_path, total_epochs=1)
    before = read_checkpoint(str(tmp_path / 'epoch_1.pth'))['state_dict']
    still = run(tmp_path, resume=True, total_epochs=2, optimizer=dict(
        type='SGD', lr=0., momentum=0.9, weight_decay=0.0001))
    assert torch.equal(still['head.weight'], before['head.weight'])
    lines = [json.loads(line) for path in glob.glob(f'{tmp_path}/*.json') for line in open(path)]
    assert {line['lr'] for line in lines if line['epoch'] == 2} == {0}


@pytest.mark.parametrize('changes, message', [
    (dict(optimizer=dict(type='AdamW', lr=.1)), 'trained with SGD, the config says AdamW'),
    (dict(data=dict(imgs_per_gpu=3, workers_per_gpu=0, train=dict())),
     'within an epoch of 6 steps, now epochs have 4'),
    (dict(optimizer_config=dict(accumulation=2)), 'within an update.*accumulation')])
def test_what_a_resumed_run_refuses(tmp_path, changes, message):
    first = dict(optimizer_config=dict(accumulation=4), checkpoint_config=dict(
        interval=2, by_epoch=False), total_epochs=1)
    run(tmp_path, **first)
    path = tmp_path / 'iter_2.pth'
    with pytest.raises(BadValue, match=message):
        run(tmp_path / 'b', resume_from=str(path), **{**first, **changes})


def test_another_batch_size_at_the_end_of_an_epoch(tmp_path, spoken):
    run(tmp_path, total_epochs=1)
    run(tmp_path, resume=True, total_epochs=2, seed=6,
        data=dict(imgs_per_gpu=3, workers_per_gpu=0, train=dict()))
    assert read_checkpoint(str(tmp_path / 'latest.pth'))['meta']['iter'] == 8
    text = '\n'.join(spoken)
    assert 'epochs had 6 steps, now they have 4' in text
    assert 'began with seed 5, it goes on with 6' in text


def test_epochs_of_fewer_steps_are_still_further(tmp_path):
    larger = dict(data=dict(imgs_per_gpu=3, workers_per_gpu=0, train=dict()))
    run(tmp_path, total_epochs=4, checkpoint_config=dict(interval=1, max_keep_ckpts=2))
    run(tmp_path, resume=True, total_epochs=5, checkpoint_config=dict(
        interval=1, max_keep_ckpts=2), **larger)
    assert saved_steps(tmp_path) == [20, 24]  # epoch 5 after 5 x 4 steps, epoch 4 after 4 x 6
    assert find_latest(str(tmp_path), logging.getLogger()).endswith('epoch_5.pth')
    run(tmp_path, resume_from=str(tmp_path / 'epoch_5.pth'), total_epochs=6, **larger)
    with pytest.raises(FileExistsError, match='the last is epoch_6.pth'):
        run(tmp_path, resume_from=str(tmp_path / 'epoch_5.pth'), total_epochs=6, **larger)


# The folder and its logs.

def test_a_second_run_does_not_destroy_the_first(tmp_path):
    run(tmp_path, total_epochs=2)
    with pytest.raises(FileExistsError, match='epoch_2.pth.*--auto-resume.*--overwrite'):
        run(tmp_path, total_epochs=1)
    with pytest.raises(FileExistsError, match='epoch_2.pth'):
        run(tmp_path, resume_from=str(tmp_path / 'epoch_1.pth'))
    run(tmp_path, total_epochs=1, overwrite=True)
    assert saved_steps(tmp_path) == [6]


def test_one_run_at_a_time(tmp_path):
    code = ('import sys, time; from mmdet.engine.work_folder import claimed\n'
            f'with claimed({str(tmp_path)!r}):\n    print("in", flush=True); time.sleep(60)')
    other = subprocess.Popen([sys.executable, '-c', code], cwd=HERE.parents[1],
                             stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == 'in\n'
    with pytest.raises(FileExistsError, match=f'another run trains there .process {other.pid} on'):
        run(tmp_path, total_epochs=1)
    other.kill()
    other.communicate()
    run(tmp_path, total_epochs=1)


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path, monkeypatch, spoken, capfd):
    monkeypatch.setattr('mmdet.apis.train.LogHook', lambda interval, path, backends: LogHook(
        interval, '/dev/full', backends))
    run(tmp_path, total_epochs=2)
    assert '\n'.join(spoken).count('/dev/full: lines are missing from here on') == 1
    logger = get_root_logger(log_file='/dev/full')
    for _ in range(3):
        logger.info('a line')
    get_root_logger(log_file=str(tmp_path / 'x.log'))
    assert capfd.readouterr().err.count('/dev/full: lines are missing') == 1
