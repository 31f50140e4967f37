"""Logger back ends, averaging, validation and the best weights."""
import glob
import json
import os
import sys

import pytest
import torch

from mmdet.apis import train_detector
from mmdet.checkpoint import read_checkpoint
from mmdet.engine import classic
from mmdet.engine.distribution import init_dist
from mmdet.engine.environment import set_threads, this_device
from mmdet.engine.sharding import check_gpus
from mmdet.engine.validation import Validation

sys.path.insert(0, os.path.dirname(__file__))
from fake_training import FakeDataset, FakeDetector, fake_config  # noqa: E402


def run(work_dir, validate=False, **changes):
    return train_detector(FakeDetector(), FakeDataset(), fake_config(work_dir, **changes),
                          validate=validate)


def test_tensorboard_hook(tmp_path):
    events = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')
    run(tmp_path, log_config=dict(interval=2, hooks=[
        dict(type='TextLoggerHook'), dict(type='TensorboardLoggerHook')]))
    log = events.EventAccumulator(str(tmp_path / 'tf_logs')).Reload()
    lines = [json.loads(x) for x in open(glob.glob(f'{tmp_path}/*.log.json')[0])]
    got = log.Scalars('train/loss')
    assert [e.step for e in got] == [2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert [e.value for e in got] == pytest.approx([r['loss'] for r in lines], rel=1e-5)


def test_wandb_hook(tmp_path, monkeypatch):
    pytest.importorskip('wandb')
    monkeypatch.setenv('WANDB_MODE', 'offline')
    run(tmp_path, total_epochs=1, log_config=dict(interval=2, hooks=[
        dict(type='WandbLoggerHook', init_kwargs=dict(project='p', dir=str(tmp_path)))]))
    assert glob.glob(f'{tmp_path}/**/*.wandb', recursive=True)


def test_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(ImportError, match='needs the package "tensorboard"; pip install'):
        run(tmp_path, log_config=dict(hooks=[dict(type='TensorboardLoggerHook')]))


def test_averaged_weights_follow_the_formula(tmp_path):
    states = []

    class Recorder(FakeDetector):

        def forward(self, *args, **kwargs):
            states.append({k: v.clone() for k, v in self.state_dict().items()})
            return super().forward(*args, **kwargs)

    train_detector(Recorder(), FakeDataset(),
                   fake_config(tmp_path, total_epochs=1, ema=dict(momentum=.25)))
    saved = read_checkpoint(str(tmp_path / 'latest.pth'))
    raw = {k[7:]: v for k, v in saved['ema_state_dict'].items() if k.startswith('module.')}
    average = states[1]
    for state in states[2:] + [raw]:
        average = {k: .75 * v + .25 * state[k] for k, v in average.items()}
    for key, value in average.items():
        torch.testing.assert_close(saved['state_dict'][key], value)


def scores(monkeypatch, *values):
    """Validation gives these AP one after the other, or raises them; Ctrl-C after the last."""
    values = list(values)

    def evaluate(model, dataset, device, logger):
        value = values.pop(0) if values else KeyboardInterrupt()
        if isinstance(value, BaseException):
            raise value
        return {'segm': {'AP': value, 'AP50': .5}}

    monkeypatch.setattr('mmdet.apis.train.validation_of',
                        lambda cfg, model: Validation([1, 2], evaluate, classic.evaluation(cfg)))


def validations(work_dir):
    """(epoch, AP) of every line about a validation in the logs of a run."""
    lines = [json.loads(x) for p in sorted(glob.glob(f'{work_dir}/*.log.json')) for x in open(p)]
    return [(r['epoch'], r.get('segm_AP')) for r in lines if r['mode'] == 'val']


def test_validation_keeps_the_best(tmp_path, monkeypatch):
    scores(monkeypatch, .2, .4, .3)
    run(tmp_path, validate=True)
    meta = read_checkpoint(str(tmp_path / 'best.pth'))['meta']
    assert (meta['epoch'], meta['best'], meta['metrics']) == (
        2, .4, dict(segm_AP=.4, segm_AP50=.5))
    assert validations(tmp_path) == [(1, .2), (2, .4), (3, .3)]
    scores(monkeypatch, .35, .39)
    for name in ('epoch_2.pth', 'epoch_3.pth'):
        (tmp_path / name).unlink()
    run(tmp_path, validate=True, resume_from=str(tmp_path / 'epoch_1.pth'))
    assert read_checkpoint(str(tmp_path / 'best.pth'))['meta']['epoch'] == 2


def test_a_validation_that_was_stopped_is_made_up_for(tmp_path, monkeypatch):
    scores(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, validate=True)
    assert validations(tmp_path) == []
    scores(monkeypatch, .1, .3, .2)
    path = str(tmp_path / 'epoch_1.pth')
    run(tmp_path, validate=True, total_epochs=1, resume_from=path)
    run(tmp_path, validate=True, resume_from=path)
    assert validations(tmp_path) == [(1, .1), (2, .3), (3, .2)]


def test_a_validation_that_fails_ends_nothing_and_is_not_tried_again(tmp_path, monkeypatch, spoken):
    scores(monkeypatch, OSError(28, 'No space left on device', '/tmp/x'), ValueError('odd'), .3)
    run(tmp_path, validate=True)
    assert validations(tmp_path) == [(1, None), (2, None), (3, .3)]
    assert 'validation after epoch 2 failed, training goes on: odd' in spoken
    assert read_checkpoint(str(tmp_path / 'best.pth'))['meta']['best'] == .3
    scores(monkeypatch, .5)
    (tmp_path / 'epoch_3.pth').unlink()
    run(tmp_path, validate=True, resume_from=str(tmp_path / 'epoch_2.pth'))
    assert validations(tmp_path)[3:] == [(3, .5)]


def test_a_best_that_cannot_be_kept_ends_nothing(tmp_path, monkeypatch, spoken):
    scores(monkeypatch, .1, .2, .3)
    run(tmp_path, validate=True, checkpoint_config=dict(interval=1, save_best='segm_AP51'))
    assert len(validations(tmp_path)) == 3
    assert any('save_best is "segm_AP51"; the metrics are segm_AP' in said for said in spoken)


def test_evaluation_interval(tmp_path, monkeypatch):
    scores(monkeypatch, .1, .1)
    run(tmp_path, validate=True, evaluation=dict(interval=2))
    assert [epoch for epoch, _ in validations(tmp_path)] == [2, 3]


def test_the_device_that_was_asked_for(monkeypatch):
    for count in (0, 2):
        monkeypatch.setattr(torch.cuda, 'is_available', lambda: count > 0)
        monkeypatch.setattr(torch.cuda, 'device_count', lambda: count)
        assert this_device('cpu') == this_device(torch.device('cpu')) == torch.device('cpu')
        for name, message in (('gpu', 'unknown; expected cpu'), ('cuda:2', 'cuda:1|use cpu')):
            with pytest.raises(ValueError, match=f'device {name}: .*({message})'):
                this_device(name)
        check_gpus(3, 1, 'cpu')
        with pytest.raises(ValueError, match='is one GPU; leave one of the two out'):
            check_gpus(2, 1, 'cuda:1')
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ValueError, match='device cuda: .*; use cpu'):
        this_device('cuda')


@pytest.mark.parametrize('cores, workers, local, expected', [
    (2, 2, 1, (2, 0)), (4, 2, 1, (3, 1)), (16, 2, 1, (14, 2)), (16, 8, 2, (6, 2)),
    (1, 2, 1, (1, 0))])
def test_threads_and_workers_share_the_cores(monkeypatch, cores, workers, local, expected):
    before = torch.get_num_threads()
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: range(cores))
    monkeypatch.setenv('LOCAL_WORLD_SIZE', str(local))
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    got = set_threads(workers)
    threads = torch.get_num_threads()
    torch.set_num_threads(before)
    assert (threads, got) == expected


@pytest.mark.parametrize('local, asked, configured, expected', [
    (1, '3', None, 3), (1, '3', 5, 5), (2, '3', None, 4), (1, '4,2', None, 8)])
def test_threads_of_the_environment(monkeypatch, local, asked, configured, expected):
    before = torch.get_num_threads()
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: range(8))
    monkeypatch.setenv('LOCAL_WORLD_SIZE', str(local))
    monkeypatch.setenv('OMP_NUM_THREADS', asked)
    set_threads(0, configured)
    threads = torch.get_num_threads()
    torch.set_num_threads(before)
    assert threads == expected


@pytest.mark.parametrize('wrong', [0, -1, 100000, 2.5, 10**400, True])
def test_threads_no_machine_has(wrong):
    with pytest.raises(ValueError, match='num_threads must be a whole number from 1 to 512, got'):
        set_threads(0, wrong)


@pytest.mark.parametrize('launcher, error, word', [
    ('slrum', ValueError, 'expected one of pytorch, slurm, mpi'),
    ('slurm', RuntimeError, 'SLURM_PROCID is not set'),
    ('mpi', RuntimeError, 'OMPI_COMM_WORLD_RANK is not set')])
def test_launcher_errors(launcher, error, word):
    with pytest.raises(error, match=word):
        init_dist(launcher)


def test_mpi_over_several_machines_needs_an_address(monkeypatch):
    names = 'RANK', 'SIZE', 'LOCAL_RANK', 'LOCAL_SIZE'
    for name, value in zip(names, ('0', '4', '0', '2'), strict=True):
        monkeypatch.setenv(f'OMPI_COMM_WORLD_{name}', value)
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_PORT', 'OMP_NUM_THREADS',
                 'MKL_NUM_THREADS'):
        monkeypatch.setenv(name, '1')  # what init_dist sets is taken back
    monkeypatch.delenv('MASTER_ADDR', raising=False)
    with pytest.raises(RuntimeError, match='mpirun -x MASTER_ADDR=HOST'):
        init_dist('mpi')


@pytest.mark.parametrize('launcher, names', [
    ('slurm', ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID')),
    ('mpi', ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'))])
def test_launchers_join_a_group_of_one(monkeypatch, launcher, names):
    for name, value in zip(names, '010'):
        monkeypatch.setenv(name, value)
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'):
        monkeypatch.setenv(name, '')  # restored after the test
    monkeypatch.setenv('MASTER_ADDR', '127.0.0.1')
    monkeypatch.setenv('MASTER_PORT', '0')
    init_dist(launcher, backend='nccl')
    group = torch.distributed.get_backend(), torch.distributed.get_world_size()
    torch.distributed.destroy_process_group()
    assert group == ('gloo' if not torch.cuda.is_available() else 'nccl', 1)
