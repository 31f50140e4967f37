"""A detector prepared for inference: the same numbers, and the one it came from untouched."""
import copy

import numpy as np
import pytest
import torch
import torch._inductor.config as inductor
from mmcv.cnn import ConvModule
from torch import nn

from mmdet.apis import init_detector, train_detector
from mmdet.checkpoint import read_checkpoint
from mmdet.datasets import build_dataset
from mmdet.engine import classic
from mmdet.engine.environment import set_random_seed
from mmdet.engine.inference import HALF_LAYERS, amp_dtype, prepare_inference
from mmdet.engine.test_loop import track_video
from mmdet.models import build_backbone, build_detector, build_neck
from mmdet.models.fuse import FusedConv2d, can_fuse_relus, fold_norms, fuse_relus
from mmdet.utils.config import load_config

CPU = torch.device('cpu')
BN = dict(type='BN')


def lived_in(model):
    """A model whose norms have seen data."""
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.uniform_(-.5, .5)
            norm.running_var.uniform_(.5, 2)
            if norm.affine:
                nn.init.uniform_(norm.weight, .5, 1.5)
                nn.init.uniform_(norm.bias, -.5, .5)
    return model.eval()


def norms(model):
    return sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())


def odd_one():
    """Registered in an order that is not that of the computation."""

    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
            self.bn1, self.bn2 = nn.BatchNorm2d(3), nn.BatchNorm2d(3)

        def forward(self, x):
            return self.bn2(self.conv2(self.bn1(self.conv1(x))))

    return Odd()


@pytest.mark.parametrize('make, left', [
    (lambda: build_backbone(dict(type='ResNet', depth=18, style='pytorch')), 0),
    (lambda: build_backbone(dict(type='ResNet', depth=50, style='caffe', dilations=(1, 1, 2, 2))),
     0),
    (lambda: ConvModule(3, 4, 3, norm_cfg=BN, bias=True), 0),
    (lambda: ConvModule(3, 4, 3, norm_cfg=dict(type='GN', num_groups=2)), 0),
    (lambda: ConvModule(3, 4, 3, norm_cfg=BN, order=('norm', 'conv', 'act')), 1),
    (lambda: ConvModule(3, 4, 3, norm_cfg=BN, order=('conv', 'act', 'norm')), 1),
    (lambda: nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.BatchNorm2d(3)), 1),
    (lambda: nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, affine=False)), 0),
    (odd_one, 2)])
def test_norms_are_folded_where_a_convolution_is_before_them(make, left):
    model = lived_in(make())
    img = torch.randn(1, 3, 32, 48)
    with torch.no_grad():
        want = model(img)
        before = norms(model)
        assert fold_norms(model) == before - left and norms(model) == left
        got = model(img)
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=5e-6 * max(1, float(b.abs().max())))


@pytest.mark.parametrize('make, count', [
    (lambda: build_backbone(dict(type='ResNet', depth=18)), 17),
    (lambda: build_backbone(dict(type='ResNeXt', depth=50, groups=4, base_width=32)), 49),
    (lambda: build_backbone(dict(type='ResNet', depth=18, normalize=dict(
        type='GN', num_groups=4))), 0),
    (lambda: nn.Sequential(ConvModule(3, 4, 3, norm_cfg=BN)), 1),
    (lambda: nn.Sequential(ConvModule(3, 4, 3, padding=1, padding_mode='circular')), 1),
    (lambda: nn.Sequential(ConvModule(3, 4, 3, act_cfg=dict(type='LeakyReLU'))), 0),
    (lambda: nn.Sequential(ConvModule(3, 4, 3, norm_cfg=dict(type='GN', num_groups=2))), 0)])
@pytest.mark.skipif(not can_fuse_relus(), reason='this PyTorch has no oneDNN')
def test_convolutions_do_sums_and_relus_too(make, count):
    model = lived_in(make())
    img = torch.randn(1, 3, 32, 48)
    with torch.no_grad():
        want = model(img)
        fold_norms(model)
        fuse_relus(model)
        assert sum(isinstance(module, FusedConv2d) for module in model.modules()) == count
        got = model(img)
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=5e-6 * max(1, float(b.abs().max())))


def test_norms_of_a_neck_are_folded():
    neck = lived_in(build_neck(dict(
        type='FPN', in_channels=[3, 4], out_channels=4, num_outs=3, normalize=BN,
        activation='relu')))
    maps = [torch.randn(1, 3, 16, 16), torch.randn(1, 4, 8, 8)]
    want = neck(maps)
    assert fold_norms(neck) == 4
    torch.testing.assert_close(neck(maps), want)


def follow(detector, dataset, frames=4):
    items = (dataset[i] for i in range(frames))
    return [result for _, result in track_video(detector, dataset.preprocessor(), items, CPU)]


def test_the_detector_stays_as_it_was(tiny):
    model = copy.deepcopy(tiny.detector).train()
    state = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    ready = prepare_inference(model, amp='bfloat16')
    assert norms(ready) == 0 and not any(p.requires_grad for p in ready.parameters())
    assert not any(module.training for module in ready.modules())
    assert modes == [module.training for module in model.modules()]
    assert any(p.requires_grad for p in model.parameters())
    assert all(p.is_contiguous() and p.dtype == torch.float32 for p in model.parameters())
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_what_is_found_is_the_same(tiny):
    for got, want in zip(follow(prepare_inference(tiny.detector), tiny.dataset),
                         follow(tiny.detector, tiny.dataset), strict=True):
        assert np.array_equal(got.obj_ids, want.obj_ids)
        assert np.array_equal(got.labels, want.labels)
        np.testing.assert_allclose(got.boxes, want.boxes, atol=2e-3)
        np.testing.assert_allclose(got.scores, want.scores, atol=1e-5)


def test_half_precision_is_near(tiny):
    ready = prepare_inference(tiny.detector, amp='bfloat16')
    half = [m for m in ready.modules() if isinstance(m, HALF_LAYERS)]
    assert len(half) > 30 and all(m.weight.dtype == torch.bfloat16 for m in half)
    assert ready.bbox_head.target_stds.dtype == torch.float32
    img = tiny.dataset.preprocessor()([tiny.dataset[0]['img']])
    with torch.no_grad():
        for a, b in zip(ready.extract_feat(img), tiny.detector.extract_feat(img), strict=True):
            assert a.dtype == torch.bfloat16
            assert (a - b).abs().max() < 0.03 * b.abs().max()
    assert all(len(result) for result in follow(ready, tiny.dataset))
    with torch.no_grad():  # embeddings are blended, and saved, in float32
        memory = ready.track(img, tiny.dataset[0]['img_meta'], None)[1]
    assert memory.embeddings.dtype == torch.float32


def test_half_precision_keeps_other_norms_in_float32(cfg_with_group_norm, tiny):
    detector = build_detector(cfg_with_group_norm.model, test_cfg=cfg_with_group_norm.test_cfg)
    ready = prepare_inference(detector, amp='bfloat16')
    norm, = {m.weight.dtype for m in ready.modules() if isinstance(m, nn.GroupNorm)}
    assert norm == torch.float32
    follow(ready, tiny.dataset, 2)


@pytest.fixture
def cfg_with_group_norm(tiny):
    cfg = copy.deepcopy(tiny.cfg)
    cfg.model.neck.normalize = dict(type='GN', num_groups=8)
    cfg.model.pretrained = None
    return cfg


def test_compiled_it_is_the_same(tiny, monkeypatch):
    """Traced whole, without breaks; what Inductor makes of it takes too long here."""
    inputs, compile = [], torch.compile

    def backend(graph, tensors):
        inputs.append(len(tensors))
        return graph.forward

    monkeypatch.setattr(torch, 'compile', lambda function: compile(
        function, backend=backend, fullgraph=True))
    img = tiny.dataset.preprocessor()([tiny.dataset[0]['img']])
    ready = prepare_inference(tiny.detector, compile=True)
    with torch.no_grad():
        got, want = ready.extract_feat(img), tiny.detector.extract_feat(img)
        pairs = [*zip(got, want, strict=True),
                 *zip(sum(ready.rpn_head(got), []), sum(tiny.detector.rpn_head(want), []),
                      strict=True)]
    for a, b in pairs:
        assert (a - b).abs().max() < 1e-4 * b.abs().max()
    assert inputs == [1, len(want)]  # the weights are constants of the graph
    assert not inductor.freezing  # the process keeps its own
    again = prepare_inference(ready)
    assert again.rpn_head.forward.__self__ is again.rpn_head
    assert again.extract_feat.__self__ is again and follow(again, tiny.dataset, 1)


def test_which_half_precision(monkeypatch, spoken):
    gpu = torch.device('cuda', 0)
    assert amp_dtype(False, CPU) is None and amp_dtype(True, gpu) == torch.float16
    assert amp_dtype('bfloat16', gpu) == amp_dtype('bfloat16', CPU) == torch.bfloat16
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: dict(amx_bf16=True))
    assert amp_dtype(True, CPU) == torch.bfloat16 and not spoken
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: dict(amx_bf16=False))
    assert amp_dtype(True, CPU) is None and 'no instructions for bfloat16' in spoken[0]
    with pytest.raises(ValueError, match='"float16" needs a GPU'):
        amp_dtype('float16', CPU)
    with pytest.raises(KeyError, match='got \'bflot16\'.*bfloat16'):
        amp_dtype('bflot16', CPU)


def test_the_config_chooses_and_the_caller_overrides(tiny):
    cfg = load_config(tiny.config, {'inference.amp': 'bfloat16'})
    assert init_detector(cfg, device='cpu').bbox_head.fc_cls.weight.dtype == torch.bfloat16
    assert init_detector(cfg, device='cpu', amp=False).bbox_head.fc_cls.weight.dtype == \
        torch.float32
    with pytest.raises(TypeError, match='inference has no key "ampp".*amp'):
        classic.inference(load_config(tiny.config, {'inference.ampp': True}))


def test_prepared_on_another_device(pretend, tiny):
    img = tiny.dataset.preprocessor()([tiny.dataset[0]['img']])
    for amp, tolerance, moved in ((False, 1e-4, True), (False, 1e-4, False),
                                  ('bfloat16', 0.05, False)):
        device = pretend.device
        ready = (prepare_inference(tiny.detector, amp).to(device) if moved else
                 prepare_inference(copy.deepcopy(tiny.detector).to(device), amp))
        with torch.no_grad():
            got = pretend.get(ready.extract_feat(pretend.put(img)))
            want = tiny.detector.extract_feat(img)
        for a, b in zip(got, want, strict=True):
            assert (a - b).abs().max() < tolerance * b.abs().max()


def trained(tiny, folder, validate):
    """The last checkpoint of two epochs in which statistics of norms are learned too."""
    cfg = copy.deepcopy(tiny.cfg)
    data = {f'data.{part}.{key}': value for part in ('train', 'val') for key, value in (
        ('ann_file', str(tiny.folder / 'test.json')), ('img_scale', (96, 64)),
        ('img_prefix', str(tiny.folder / 'frames')))}
    cfg.merge_from_dict({
        **data, 'num_threads': 1, 'data.imgs_per_gpu': 4, 'total_epochs': 2, 'seed': 3,
        'work_dir': str(folder), 'load_from': None, 'lr_config.warmup': None,
        'model.backbone.norm_eval': False, 'model.backbone.frozen_stages': -1,
        'model.backbone.normalize': dict(type='BN', frozen=False)})
    set_random_seed(3)
    model = build_detector(cfg.model, cfg.train_cfg, cfg.test_cfg)
    train_detector(model, build_dataset(cfg.data.train), cfg, validate=validate)
    return read_checkpoint(str(folder / 'epoch_2.pth'))


def test_validation_does_not_change_a_run_by_a_bit(tiny, tmp_path):
    a, b = (trained(tiny, tmp_path / str(validate), validate) for validate in (False, True))
    assert (tmp_path / 'True/best.pth').exists() and not (tmp_path / 'False/best.pth').exists()
    assert a['state_dict'].keys() == b['state_dict'].keys()
    for key, value in a['state_dict'].items():
        assert torch.equal(value, b['state_dict'][key]), key
    for one, other in zip(a['optimizer']['state'].values(), b['optimizer']['state'].values(),
                          strict=True):
        assert torch.equal(one['momentum_buffer'], other['momentum_buffer'])
