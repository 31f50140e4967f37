"""Every classic key becomes the right part of a run."""
import pytest
import torch
from mmengine.config import Config
from torch import nn

from mmdet.engine import classic
from mmdet.engine.schedule import Schedule
from mmdet.utils import errors

CPU = torch.device('cpu')


def cfg(**keys):
    return Config(keys)


def small_net():
    return nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))


def build(**keys):
    return classic.updater(cfg(**keys), small_net(), CPU)


def test_optimizer():
    built = build(optimizer=dict(type='SGD', lr=.02, momentum=.9, weight_decay=1e-4))
    group = built.param_groups[0]
    assert type(built.optimizer) is torch.optim.SGD and len(built.param_groups) == 1
    assert (group['lr'], group['momentum'], group['weight_decay']) == (.02, .9, 1e-4)


def test_paramwise_options():
    built = build(optimizer=dict(
        type='SGD', lr=.1, weight_decay=.01, paramwise_options=dict(
            bias_lr_mult=2., bias_decay_mult=0., norm_decay_mult=.5)))
    got = [(g['lr'], g['weight_decay']) for g in built.optimizer.param_groups]
    assert got == [(.1, .01), (.2, 0.), (.1, .005), (.1, .005)]


def test_gradient_clipping_and_accumulation():
    built = build(optimizer=dict(type='SGD', lr=.1), optimizer_config=dict(
        grad_clip=dict(max_norm=35, norm_type=2), accumulation=4))
    assert built.clip == dict(max_norm=35, norm_type=2) and built.accumulation == 4
    assert build(optimizer=dict(type='SGD', lr=.1),
                 optimizer_config=dict(grad_clip=None)).clip is None


def test_fp16_on_a_cpu_is_bfloat16():
    built = build(optimizer=dict(type='SGD', lr=.1), fp16=dict(loss_scale=512.))
    with built.forward_context(small_net()):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    with pytest.raises(KeyError, match='"float16" needs a GPU'):
        build(optimizer=dict(type='SGD', lr=.1), fp16=dict(dtype='float16'))


def test_fp16_on_a_gpu():
    assert classic.fp16(cfg(fp16=True), torch.device('cuda')) == dict(
        dtype=torch.float16, loss_scale='dynamic')
    got = classic.fp16(cfg(fp16=dict(loss_scale=512)), torch.device('cuda'))
    assert got == dict(dtype=torch.float16, loss_scale=512)
    assert classic.fp16(cfg(fp16=dict(dtype='bfloat16')), torch.device('cuda')) == dict(
        dtype=torch.bfloat16, loss_scale=None)
    assert classic.fp16(cfg(), torch.device('cuda')) == {}


def test_lr_config_defaults():
    assert Schedule({}, 3, 30)(.1, 2, 25) == .1


def test_checkpoint_config():
    assert classic.checkpoint_config(cfg(checkpoint_config=dict(
        interval=2, max_keep_ckpts=3))) == dict(interval=2, max_keep_ckpts=3)
    assert classic.checkpoint_config(cfg()) == dict(interval=-1)
    assert classic.checkpoint_config(cfg(checkpoint_config=dict(
        interval=1, create_symlink=True, save_optimizer=False))) == dict(
            interval=1, save_optimizer=False)


def test_log_config():
    hooks = [dict(type='TextLoggerHook'), dict(type='TensorboardLoggerHook'),
             dict(type='WandbLoggerHook', init_kwargs=dict(project='p'))]
    assert classic.log_config(cfg(work_dir='w', log_config=dict(interval=50, hooks=hooks))) == (
        50, [dict(type='TensorboardVisBackend', save_dir='w/tf_logs'),
             dict(type='WandbVisBackend', init_kwargs=dict(project='p'))])
    assert classic.log_config(cfg()) == (10, [])


def test_evaluation_and_workflow():
    assert classic.evaluation(cfg(evaluation=dict(interval=3))) == 3
    assert classic.evaluation(cfg()) == 1
    classic.workflow(cfg(workflow=[('train', 1)]))
    with pytest.raises(ValueError, match='use --validate'):
        classic.workflow(cfg(workflow=[('train', 1), ('val', 1)]))


def test_auto_scale_lr_is_off_unless_asked():
    assert classic.scaled_lr(cfg(), 8) == (1., None)
    factor, said = classic.scaled_lr(cfg(auto_scale_lr=dict(enable=True)), 8)
    assert factor == .25 and '8 pairs a step against 32' in said


def test_cudnn_benchmark_and_channels_last(monkeypatch):
    model = nn.Module()
    model.backbone = nn.Conv2d(4, 4, 3)
    monkeypatch.setattr(torch.backends.cudnn, 'benchmark', False)
    classic.prepare_model(cfg(cudnn_benchmark=True, channels_last=True), model)
    assert torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False
    classic.prepare_model(cfg(cudnn_benchmark=True, deterministic=True), model)
    assert not torch.backends.cudnn.benchmark
    assert model.backbone.weight.is_contiguous(memory_format=torch.channels_last)


def classic_optimizer(cfg):
    return classic.optimizer(cfg, small_net())


@pytest.mark.parametrize('function, keys, word', [
    (classic_optimizer, dict(optimizer=dict(type='SDG', lr=1)), '"SGD"'),
    (classic_optimizer, dict(optimizer=dict(
        type='SGD', paramwise_options=dict(bias_lr=1))), '"bias_lr_mult"'),
    (classic.optimizer_config, dict(optimizer_config=dict(grad_clp=1)), '"grad_clip"'),
    (classic.log_config, dict(log_config=dict(intervall=1)), '"interval"'),
    (classic.log_config, dict(log_config=dict(hooks=[dict(type='TextLogger')])),
     '"TextLoggerHook"'),
    (classic.checkpoint_config, dict(checkpoint_config=dict(intervl=1)), '"interval"'),
    (classic.evaluation, dict(evaluation=dict(intervl=1)), '"interval"')])
def test_misspelt_parts_name_the_nearest(function, keys, word):
    with pytest.raises((KeyError, TypeError), match=f'did you mean {word}'):
        function(cfg(**keys))


@pytest.mark.parametrize('args, said', [
    (dict(lr='0.001'), r"optimizer.lr must be a number, got the text '0.001'"),
    (dict(lr=-1), 'optimizer: SGD cannot be made of .*Invalid learning rate'),
    (dict(lr=.1, nesterov=True), 'optimizer: SGD cannot be made of .*Nesterov')])
def test_an_optimizer_that_cannot_be_made_is_one_sentence(args, said):
    with pytest.raises(errors.UserError, match=said):
        classic_optimizer(cfg(optimizer=dict(type='SGD', **args)))
