"""Whole runs and tests on the pretend device: the CPU's numbers, and few waits of the host."""
import copy
import glob
import json
import os
import sys

import numpy as np
import pytest
import torch

from mmdet.apis import inference_detector, train_detector
from mmdet.apis.inference import init_detector
from mmdet.checkpoint import load_checkpoint, read_checkpoint
from mmdet.engine import classic
from mmdet.engine.environment import set_random_seed
from mmdet.engine.test_loop import detect_dataset, evaluate_detector, track_dataset
from mmdet.engine.trainer import Trainer, to_device
from mmdet.models import build_detector

sys.path.insert(0, os.path.dirname(__file__))
from fake_training import FakeDataset, FakeDetector, fake_config  # noqa: E402

CPU = torch.device('cpu')


@pytest.fixture
def trains_there(pretend, monkeypatch):
    """``train_detector`` finds the pretend device."""
    monkeypatch.setattr('mmdet.apis.train.this_device', lambda *_: pretend.device)
    return pretend


def run(work_dir, **changes):
    model = train_detector(FakeDetector(), FakeDataset(), fake_config(work_dir, **changes))
    return {key: value.cpu() for key, value in model.state_dict().items()}


def records(work_dir):
    return [json.loads(line) for path in sorted(glob.glob(f'{work_dir}/*.log.json'))
            for line in open(path)]


OPTIONS = {
    'plain': {}, 'clip': dict(optimizer_config=dict(grad_clip=dict(max_norm=.5))),
    'accumulate': dict(optimizer_config=dict(accumulation=4, grad_clip=None)),
    'ema': dict(ema=dict(momentum=.1)), 'channels_last': dict(channels_last=True),
    'adamw': dict(optimizer=dict(type='AdamW', lr=.01)),
    'bf16': dict(fp16=dict(dtype='bfloat16'))}


@pytest.mark.parametrize('name', OPTIONS)
def test_a_run_equals_the_cpus(trains_there, monkeypatch, tmp_path, name):
    there = run(tmp_path / 'there', **OPTIONS[name])
    monkeypatch.setattr('mmdet.apis.train.this_device', lambda *_: CPU)
    here = run(tmp_path / 'here', **OPTIONS[name])
    tolerance = 5e-2 if name == 'bf16' else 1e-5
    for key, value in here.items():
        torch.testing.assert_close(there[key], value, rtol=tolerance, atol=tolerance, msg=key)
    for got, want in zip(records(tmp_path / 'there'), records(tmp_path / 'here'), strict=True):
        for key in want.keys() - {'mode', 'time', 'data_time', 'memory'}:
            assert got[key] == pytest.approx(want[key], rel=tolerance, abs=tolerance), key
    a, b = (read_checkpoint(str(tmp_path / x / 'latest.pth')) for x in ('there', 'here'))
    assert a.keys() == b.keys() and a['gradients'].keys() == b['gradients'].keys()


@pytest.mark.parametrize('changes', [
    dict(fp16=dict(loss_scale='dynamic')), dict(fp16=dict(loss_scale=512.)),
    dict(fp16=dict(loss_scale=512.), optimizer_config=dict(accumulation=2))])
def test_half_precision_with_scaled_losses_trains(trains_there, tmp_path, changes):
    run(tmp_path, **changes)
    losses = [record['loss'] for record in records(tmp_path)]
    assert losses[-1] < losses[0] and np.isfinite(losses).all()
    assert read_checkpoint(str(tmp_path / 'latest.pth'))['optimizer']['loss_scaler']['scale'] > 0


@pytest.mark.parametrize('changes', [
    dict(ema=dict(momentum=.1)), dict(fp16=dict(loss_scale=512.)),
    pytest.param({}, marks=pytest.mark.slow),
    pytest.param(dict(optimizer_config=dict(accumulation=4)), marks=pytest.mark.slow)])
def test_resuming_is_bit_exact(trains_there, tmp_path, changes):
    changes = dict(changes, checkpoint_config=dict(interval=5, by_epoch=False))
    whole = run(tmp_path, **changes)
    again = run(tmp_path / 'b', resume_from=str(tmp_path / 'iter_5.pth'), **changes)
    assert all(torch.equal(value, again[key]) for key, value in whole.items())


def test_a_step_of_a_run_waits_five_times(trains_there, tmp_path, tiny, monkeypatch):
    """Frames come pinned from the loader; data, losses, gradients, update."""
    cfg = copy.deepcopy(tiny.cfg)
    cfg.merge_from_dict({
        'data.train.ann_file': str(tiny.folder / 'test.json'), 'num_threads': 1,
        'data.train.img_prefix': str(tiny.folder / 'frames'), 'data.train.img_scale': (160, 96),
        'data.imgs_per_gpu': 3, 'total_epochs': 1, 'work_dir': str(tmp_path), 'load_from': None,
        'log_config.interval': 1})
    counts, step = [], Trainer.train_step

    def counted(trainer, batch):
        with trains_there.counting() as waits:
            step(trainer, batch)
        counts.append(waits)

    from mmdet.datasets import build_dataset
    monkeypatch.setattr(Trainer, 'train_step', counted)
    model = build_detector(cfg.model, cfg.train_cfg, cfg.test_cfg)
    train_detector(model, build_dataset(cfg.data.train), cfg)
    first, *others = counts
    assert len(first) == 7  # mean and deviation of the frames go there once
    assert others and all(len(waits) == 5 for waits in others), others


def test_batches_go_to_the_device_without_a_wait(pretend):
    batch = dict(img=[torch.ones(3).pin_memory()] * 4, img_meta=[dict(a=1)] * 4)
    with pretend.counting() as waits:
        there = to_device(batch, pretend.device)
    assert waits == [] and there['img'][3].device == pretend.device
    assert there['img_meta'] == batch['img_meta']


@pytest.fixture
def there(pretend, tiny):
    return copy.deepcopy(tiny.detector).to(pretend.device)


def test_a_data_set_is_tracked_and_scored_as_on_the_cpu(pretend, tiny, there):
    want = track_dataset(tiny.detector, tiny.dataset, CPU)
    with pretend.counting() as waits:
        got = track_dataset(there, tiny.dataset, pretend.device, workers=0)
    # five in the detector and the frame itself; mean and deviation once
    assert len(waits) <= 6 * len(want) + 2
    for a, b in zip(got, want, strict=True):
        assert a.masks == b.masks and np.array_equal(a.obj_ids, b.obj_ids)
        np.testing.assert_allclose(a.boxes, b.boxes, atol=1e-4)
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-5)
    scores = evaluate_detector(there, tiny.dataset, pretend.device)
    assert scores == evaluate_detector(tiny.detector, tiny.dataset, CPU)


def test_images_are_detected_as_on_the_cpu(pretend, tiny, there):
    want = detect_dataset(tiny.detector, tiny.dataset, CPU)
    got = detect_dataset(there, tiny.dataset, pretend.device, workers=0)
    for (boxes, masks), (want_boxes, want_masks) in zip(got, want, strict=True):
        assert masks == want_masks
        for a, b in zip(boxes, want_boxes, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4)


def test_inference_on_frames_of_ones_own(pretend, tiny):
    detector = init_detector(tiny.config, tiny.checkpoint, pretend.device)
    assert next(detector.parameters()).device == pretend.device
    want = inference_detector(init_detector(tiny.config, tiny.checkpoint, 'cpu'),
                              tiny.folder / 'frames/t1')
    got = inference_detector(detector, tiny.folder / 'frames/t1')
    for a, b in zip(got, want, strict=True):
        assert a.masks == b.masks and np.array_equal(a.obj_ids, b.obj_ids)


def test_weights_load_onto_the_device(pretend, tiny, there):
    for p in there.parameters():
        p.data.zero_()
    report = load_checkpoint(there, tiny.checkpoint, strict=True)
    assert not report.missing
    for (name, want), got in zip(tiny.detector.state_dict().items(), there.state_dict().values()):
        assert got.device == pretend.device and torch.equal(pretend.get(got), want), name


def test_the_frame_size_may_change_its_shape(pretend, tiny, there):
    """Without the aspect ratio a scale has four numbers; they travel as numbers."""
    from mmdet.datasets import build_dataset
    stretched = build_dataset(dict(tiny.cfg.data.test, resize_keep_ratio=False))
    want = track_dataset(tiny.detector, stretched, CPU)
    got = track_dataset(there, stretched, pretend.device, workers=0)
    assert [r.masks for r in got] == [r.masks for r in want] and any(map(len, want))


def test_seeds_are_the_same_everywhere(pretend):
    set_random_seed(3)
    want = torch.rand(4)
    set_random_seed(3)
    assert torch.equal(pretend.get(torch.rand(4, device=pretend.device)), want)
    assert FakeDataset().preprocessor()([torch.zeros(
        8, 8, 3, dtype=torch.uint8, device=pretend.device)]).device == pretend.device
    assert classic.fp16(fake_config('w', fp16=dict(loss_scale=2)),
                        pretend.device)['loss_scale'] == 2
