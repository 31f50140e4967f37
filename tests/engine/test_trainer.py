"""A whole run on a fake detector: updates, logs, checkpoints, resuming, signals."""
import glob
import json
import os
import signal
import sys
import threading

import pytest
import torch

from mmdet.apis import NonFiniteLoss, TrainingInterrupted, train_detector
from mmdet.apis.train import choose_seed
from mmdet.checkpoint import read_checkpoint
from mmdet.engine.hooks import StopHook
from mmdet.utils import load_config

sys.path.insert(0, os.path.dirname(__file__))
from fake_training import FakeDataset, FakeDetector, fake_config  # noqa: E402


def run(work_dir, model=None, **changes):
    return train_detector(model or FakeDetector(), FakeDataset(),
                          fake_config(work_dir, **changes))


def records(work_dir):
    paths = sorted(glob.glob(f'{work_dir}/*.log.json'))
    return [json.loads(line) for path in paths for line in open(path)]


def same(a, b):
    return all(torch.equal(v, b[k]) for k, v in a.items())


def test_a_run_leaves_logs_checkpoints_and_curves(tmp_path):
    run(tmp_path)
    names = set(os.listdir(tmp_path))
    assert {'epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth', 'latest.pth', 'curves.png',
            'config.py'} <= names
    assert load_config(str(tmp_path / 'config.py')).lr_config == fake_config('').lr_config
    assert not [n for n in names if n.endswith('.tmp') or os.path.isdir(tmp_path / n)]
    lines = records(tmp_path)
    assert [(r['epoch'], r['iter']) for r in lines] == [
        (e, i) for e in (1, 2, 3) for i in (2, 4, 6)]
    assert {'lr', 'memory', 'time', 'data_time', 'loss_cls', 'loss_reg', 'acc', 'loss',
            'grad_norm'} <= set(lines[0])
    assert lines[-1]['loss'] == pytest.approx(
        lines[-1]['loss_cls'] + lines[-1]['loss_reg'], rel=1e-5)
    text = open(glob.glob(f'{tmp_path}/*.log')[0]).read()
    assert 'eta: 0:00:00' in text and 'PyTorch: ' in text and 'seed 5' in text
    assert '2 items a step' in text and 'mmdet revision' in text and 'warmup_iters' in text


def test_updates_equal_a_loop_written_by_hand(tmp_path):
    from mmdet.core import FramePreprocessor
    from mmdet.datasets import build_dataloader
    from mmdet.engine.environment import iteration_seed
    from mmdet.engine.schedule import Schedule
    cfg = fake_config(tmp_path, total_epochs=2)
    model, dataset = FakeDetector(), FakeDataset()
    pre = FramePreprocessor(**dataset.img_norm_cfg, size_divisor=4)
    sgd = torch.optim.SGD(model.parameters(), .1, .9, weight_decay=1e-4)
    rate = Schedule(cfg.lr_config, 2, 12)
    loader = build_dataloader(dataset, 2, 0, dist=False, seed=5)
    step = 0
    for epoch in range(2):
        loader.sampler.set_epoch(epoch)
        for batch in loader:
            sgd.param_groups[0]['lr'] = rate(.1, epoch, step)
            torch.manual_seed(iteration_seed(5, step, 0))
            out = model(pre(batch['img']), pre(batch['ref_img']), batch['img_meta'],
                        batch['gt_labels'], True)
            sgd.zero_grad()
            (out['loss_cls'] + out['loss_reg'][0]).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 35)
            sgd.step()
            step += 1
    trained = run(tmp_path, total_epochs=2)
    assert same(trained.state_dict(), model.state_dict())


def stop_at(step, signum=signal.SIGTERM):
    """A detector that sends this process a signal in one of its steps."""
    model, seen = FakeDetector(), []

    def hook(*_):
        seen.append(1)
        if len(seen) == step:
            os.kill(os.getpid(), signum)

    model.register_forward_hook(hook)
    return model


@pytest.mark.parametrize('signum', [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize('step', [1, 6, 9])
def test_signal_saves_and_resuming_is_bit_exact(tmp_path, step, signum):
    whole = run(tmp_path / 'a').state_dict()
    before = signal.getsignal(signum)
    with pytest.raises(TrainingInterrupted, match='go on with --auto-resume') as caught:
        run(tmp_path / 'b', stop_at(step, signum))
    assert caught.value.signum == signum and signal.getsignal(signum) is before
    latest = str(tmp_path / 'b' / 'latest.pth')
    assert read_checkpoint(latest)['meta']['iter'] == step
    resumed = run(tmp_path / 'b', FakeDetector(), resume_from=latest)
    assert same(resumed.state_dict(), whole)


@pytest.mark.parametrize('changes', [
    dict(ema=dict(momentum=.1)), dict(fp16=dict(loss_scale=512.)),
    dict(optimizer_config=dict(accumulation=2)),
    dict(optimizer=dict(type='AdamW', lr=.01)), dict(channels_last=True)])
def test_resuming_is_bit_exact_with_every_option(tmp_path, changes):
    run(tmp_path / 'a', **changes)
    with pytest.raises(TrainingInterrupted):
        run(tmp_path / 'b', stop_at(9), **changes)
    run(tmp_path / 'b', resume_from=str(tmp_path / 'b' / 'latest.pth'), **changes)
    a, b = (read_checkpoint(str(tmp_path / x / 'latest.pth')) for x in 'ab')
    assert same(a['state_dict'], b['state_dict'])
    assert same(a.get('ema_state_dict', {}), b.get('ema_state_dict', {}))


def test_resuming_from_an_epoch(tmp_path):
    whole = run(tmp_path).state_dict()
    again = run(tmp_path / 'b', resume_from=str(tmp_path / 'epoch_1.pth')).state_dict()
    assert same(again, whole) and not (tmp_path / 'b' / 'epoch_1.pth').exists()


@pytest.mark.parametrize('every, begin', [(None, 'epoch_1.pth'), (5, 'iter_5.pth')])
def test_resuming_between_updates_is_bit_exact(tmp_path, every, begin):
    save = dict(interval=every, by_epoch=False) if every else dict(interval=1)
    changes = dict(optimizer_config=dict(accumulation=4), checkpoint_config=save)
    whole = run(tmp_path, **changes).state_dict()
    assert read_checkpoint(str(tmp_path / begin))['gradients']
    again = run(tmp_path / 'b', resume_from=str(tmp_path / begin), **changes).state_dict()
    assert same(again, whole)


def test_a_repeated_sigterm_does_not_hurt(tmp_path):
    model = stop_at(3)
    model.register_forward_hook(lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(TrainingInterrupted):
        run(tmp_path, model)
    assert read_checkpoint(str(tmp_path / 'latest.pth'))['meta']['iter'] == 1


def test_a_second_ctrl_c_ends_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(StopHook, 'PATIENCE', -1)
    model = FakeDetector()
    model.register_forward_hook(
        lambda *_: [os.kill(os.getpid(), signal.SIGINT) for _ in range(2)])
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, model)
    assert not (tmp_path / 'latest.pth').exists()


def test_the_seed_is_that_of_the_config_or_of_the_run_resumed(tmp_path):
    assert choose_seed(fake_config(tmp_path, seed=9)) == 9
    run(tmp_path, total_epochs=1)
    path = str(tmp_path / 'epoch_1.pth')
    assert choose_seed(fake_config(tmp_path, seed=None, resume_from=path)) == 5
    seeds = {choose_seed(fake_config(tmp_path, seed=None)) for _ in range(3)}
    assert len(seeds) == 3 and min(seeds) >= 0
    with pytest.raises(ValueError, match='from 0 up, got -1'):
        choose_seed(fake_config(tmp_path, seed=-1))
    with pytest.raises(FileNotFoundError, match='no such checkpoint to resume'):
        choose_seed(fake_config(tmp_path, resume_from=f'{path}.no'))


def test_resuming_another_model_is_one_sentence(tmp_path):
    run(tmp_path, total_epochs=1)
    other = FakeDetector()
    other.more = torch.nn.Linear(2, 2)
    with pytest.raises(ValueError, match='epoch_1.pth: is of another model.*more.weight'):
        run(tmp_path, other, resume_from=str(tmp_path / 'epoch_1.pth'))


@pytest.mark.parametrize('changes, message', [
    (dict(total_epochs=0), 'total_epochs must be a whole number from 1 up, got 0'),
    (dict(evaluation=dict(interval=0)), 'evaluation.interval must be'),
    (dict(optimizer_config=dict(accumulation=0)), 'optimizer_config.accumulation must be'),
    (dict(optimizer_config=dict(grad_clip=dict(max_nrom=3))), 'no key "max_nrom".*max_norm'),
    (dict(optimizer=dict(type='SGD', lr=.1, momentom=.9)), 'no key "momentom".*momentum'),
    (dict(ema=dict(momentom=.1)), 'no key "momentom".*momentum')])
def test_values_nobody_can_mean(tmp_path, changes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        run(tmp_path, **changes)


def test_a_foreign_log_in_the_folder_does_no_harm(tmp_path):
    (tmp_path / '20190101_000000.log.json').write_text('{"env_info": "torch 0.4"}\n')
    run(tmp_path, total_epochs=1)
    (tmp_path / '20190102_000000.log.json').write_text('no json\n{}\n')
    run(tmp_path, total_epochs=1, overwrite=True)


def test_non_finite_loss_names_the_frames_and_saves_the_batch(tmp_path):
    with pytest.raises(NonFiniteLoss, match=r"loss_reg is nan.*'4.jpg'") as caught:
        run(tmp_path, FakeDetector(poison='4.jpg'))
    path = glob.glob(f'{tmp_path}/nonfinite_iter_*_rank_0.pth')[0]
    assert path in str(caught.value)
    saved = read_checkpoint(path)
    assert '4.jpg' in [meta['filename'] for meta in saved['batch']['img_meta']]
    out = FakeDetector().load_state_dict(saved['state_dict'])
    assert not out.missing_keys and saved['batch']['img'][0].dtype == torch.uint8


def test_load_from_and_its_differences(tmp_path):
    run(tmp_path, total_epochs=1)
    state = read_checkpoint(str(tmp_path / 'epoch_1.pth'))['state_dict']
    source = tmp_path / 'partial.pth'
    torch.save({k: v for k, v in state.items() if k != 'head.bias'}, source)
    with pytest.raises(ValueError, match='head.bias is missing.*--allow-partial'):
        run(tmp_path / 'b', load_from=str(source))
    changes = dict(load_from=str(source), allow_partial=True, total_epochs=1,
                   optimizer=dict(type='SGD', lr=0.))
    trained = run(tmp_path / 'b', **changes).state_dict()
    assert torch.equal(trained['backbone.weight'], state['backbone.weight'])
    with pytest.raises(ValueError, match='no state of a run to resume'):
        run(tmp_path / 'c', resume_from=str(source))


def test_without_optimizer_a_checkpoint_holds_weights_alone(tmp_path):
    run(tmp_path, total_epochs=1, checkpoint_config=dict(interval=1, save_optimizer=False))
    assert set(read_checkpoint(str(tmp_path / 'epoch_1.pth'))) == {'meta', 'state_dict'}


def test_training_in_a_thread_needs_no_signals(tmp_path):
    done = []
    thread = threading.Thread(target=lambda: done.append(run(tmp_path, total_epochs=1)))
    thread.start()
    thread.join()
    assert len(done) == 1
