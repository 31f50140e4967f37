"""Exported networks: what PyTorch finds, from a file that knows nothing of this code."""
import copy
import itertools
import json
import types

import numpy as np
import pytest
import torch
from torch import nn

from mmdet.apis import demo, export
from mmdet.apis.demo import DemoOptions, run_demo
from mmdet.apis.export import ExportOptions, export_detector, frames_of, init_exported
from mmdet.apis.inference import load_detector
from mmdet.engine.export import ExportedTracker, Found, Network, compare, open_network, torch_file
from mmdet.engine.export.exported import scale_tensor
from mmdet.engine.export.verify import detector_finds, difference
from mmdet.engine.test_loop import track_video
from mmdet.models import build_detector
from mmdet.ops import multi_level_roi_align, roi_align

FORMATS = ['onnx', 'torch']
CPU = torch.device('cpu')


def need(kind):
    if kind == 'onnx':
        for package in ('onnx', 'onnxscript', 'onnxruntime'):
            pytest.importorskip(package)


SMALL = """
_base_ = [{base!r}]
strides = [4, 8, 16]
model = dict(
    backbone=dict(num_stages=2, strides=(1, 2), dilations=(1, 1), out_indices=(0, 1)),
    neck=dict(in_channels=[64, 128], num_outs=3), rpn_head=dict(anchor_strides=strides),
    bbox_roi_extractor=dict(featmap_strides=strides),
    mask_roi_extractor=dict(featmap_strides=strides))
"""


@pytest.fixture(scope='module')
def small(tiny, tmp_path_factory):
    """The tiny detector with fewer layers and levels, which is traced in two thirds of the time.

    ``config``, ``checkpoint`` (paths), ``detector``, not prepared.
    """
    folder = tmp_path_factory.mktemp('small')
    (folder / 'small.py').write_text(SMALL.format(base=tiny.config))
    weights = tiny.detector.state_dict()
    weights = {key: value * 0.3 if 'fc_cls' in key else value for key, value in weights.items()}
    detector = load_detector(str(folder / 'small.py'))
    missing, _ = detector.load_state_dict(weights, strict=False)
    assert not missing
    torch.save(dict(state_dict=detector.state_dict(), meta={}), folder / 'small.pth')
    return types.SimpleNamespace(
        config=str(folder / 'small.py'), checkpoint=str(folder / 'small.pth'),
        detector=detector.eval())


@pytest.fixture(scope='module')
def exported(tiny, small, tmp_path_factory):
    """``exported(kind)`` is the small detector from a file of that format, written once."""
    folder, done = tmp_path_factory.mktemp('export'), {}
    height, width = tiny.dataset[0]['img_meta']['ori_shape'][:2]

    def export_once(kind):
        need(kind)
        if kind not in done:
            options = ExportOptions(small.config, small.checkpoint, kind, shape=(width, height),
                                    out=str(folder / f'x{export.FORMATS[kind]}'))
            assert export_detector(options) == []
            done[kind] = ExportedTracker(small.detector.cfg, open_network(options.path))
        return done[kind]

    return export_once


def follow(detector, dataset, frames=3):
    items = (dataset[i] for i in range(frames))
    return [result for _, result in track_video(detector, dataset.preprocessor(), items, CPU)]


@pytest.mark.parametrize('kind', FORMATS)
def test_a_file_finds_and_follows_the_same(tiny, small, exported, kind):
    tracker = exported(kind)
    for got, want in zip(follow(tracker, tiny.dataset), follow(small.detector, tiny.dataset),
                         strict=True):
        assert len(want) and np.array_equal(got.obj_ids, want.obj_ids)
        assert np.array_equal(got.labels, want.labels)
        np.testing.assert_allclose(got.boxes, want.boxes, atol=2e-3)
        np.testing.assert_allclose(got.scores, want.scores, atol=1e-5)
        apart = np.abs(got.decode_masks().astype(int) - want.decode_masks()).sum(axis=(1, 2))
        assert (apart <= 2).all()  # pixels, of probability 0.5


# The tracker over torchvision's weights, and a cascade.
OTHERS = dict(
    coco="""
model = dict(rpn_head=dict(type='TorchvisionRPNHead'), mask_head=dict(paste_margin=1),
             track_head=dict(_delete_=True, type='RoICosineTrackHead', match_coeff=[1, 2, 10]))
""", cascade="""
box = dict(
    type='SharedFCBBoxHead', num_fcs=2, in_channels=64, fc_out_channels=128, roi_feat_size=7,
    num_classes=4, target_means=[0., 0., 0., 0.], target_stds=[0.1, 0.1, 0.2, 0.2],
    reg_class_agnostic=True)
model = dict(type='CascadeRCNN', num_stages=2, bbox_head=dict(_delete_=True, **box))
""")


@pytest.mark.parametrize('name', ['coco', pytest.param('cascade', marks=pytest.mark.slow)])
def test_other_trackers(tiny, small, tmp_path, name):
    need('onnx')
    (tmp_path / 'x.py').write_text(f'_base_ = [{small.config!r}]\n{OTHERS[name]}')
    detector = load_detector(str(tmp_path / 'x.py'))
    detector.load_state_dict(small.detector.state_dict(), strict=False)
    torch.save(dict(state_dict=detector.state_dict(), meta={}), tmp_path / 'x.pth')
    height, width = tiny.dataset[0]['img_meta']['ori_shape'][:2]
    options = ExportOptions(str(tmp_path / 'x.py'), str(tmp_path / 'x.pth'), 'onnx',
                            shape=(width, height), out=str(tmp_path / 'x.onnx'))
    export_detector(options)
    one, = compare(detector.eval(), ExportedTracker(detector.cfg, open_network(options.path)),
                   itertools.islice(frames_of(detector, ''), 1))
    assert one.fits and one.got == one.expected > 0


@pytest.mark.parametrize('kind', FORMATS)
def test_everything_in_a_frame_is_the_same(tiny, small, exported, kind):
    found = compare(small.detector, exported(kind),
                    itertools.islice(frames_of(small.detector, ''), 2))
    for one in found:
        assert one.fits and one.got == one.expected == 10
        assert one.largest['embeddings'] < 1e-4 and one.largest['masks'] < 1e-4


def test_a_file_that_finds_something_else_is_told(small, exported, monkeypatch, tmp_path, spoken):
    other = exported('torch')
    monkeypatch.setattr(export, 'write_network', lambda *args: 0)
    monkeypatch.setattr(export, 'open_network', lambda path: other.network)
    monkeypatch.setattr(other.network, 'module', lambda *args: dict(
        zip(Found._fields, [torch.zeros(0)] * 6 + [torch.tensor(True)])))
    with pytest.raises(ValueError, match='something else than PyTorch in 1 of 1 frames'):
        export_detector(ExportOptions(small.config, small.checkpoint, verify='', frames=1,
                                      out=str(tmp_path / 'x.onnx')))
    assert 'frame 0: PyTorch has 10 detections, the file 0' in spoken


@pytest.mark.parametrize('kind', FORMATS)
def test_nan_and_nothing_found(tiny, exported, kind):
    tracker = exported(kind)
    item = tiny.dataset[0]
    img = torch.full((1, 3, *item['img_meta']['pad_shape'][:2]), float('nan'))
    found = tracker.network(img, torch.ones(4))
    assert len(found.boxes) == len(found.masks) == len(found.embeddings) == 0
    with pytest.raises(ValueError, match='NaN or infinity'):
        tracker.track(img, item['img_meta'])
    with pytest.raises(ValueError, match='those of 64x48 become .* --shape 64x48'):
        tracker.track(img, dict(item['img_meta'], ori_shape=(48, 64, 3), img_shape=(24, 32, 3)))


@pytest.mark.parametrize('settings, count', [
    (dict(), 10),
    ({'rcnn.max_per_img': -1, 'rcnn.score_thr': 0.1}, None),  # none is cut: in the order of classes
    ({'rpn.nms_across_levels': True, 'rpn.nms_post': 20, 'rpn.max_num': 30}, 10),
    ({'rpn.min_bbox_size': 20, 'rpn.nms_pre': 0, 'rcnn.score_thr': 0.995}, 0)])
def test_settings_mean_what_they_mean_to_the_detector(small, settings, count):
    cfg = copy.deepcopy(small.detector.cfg)
    cfg.merge_from_dict({f'test_cfg.{key}': value for key, value in settings.items()})
    detector = build_detector({**cfg.model, 'pretrained': None}, test_cfg=cfg.test_cfg).eval()
    detector.load_state_dict(small.detector.state_dict())
    img, meta = next(frames_of(small.detector, ''))
    with torch.no_grad():
        got = Found(**Network(detector, meta['img_shape'])(img, scale_tensor(meta)))
    one = difference(detector_finds(detector, img, meta), got)
    assert one.fits and (one.got == count or count is None and len(got.labels.unique()) > 1)


def test_the_archive_needs_none_of_our_operators(exported):
    names = {str(node.target) for node in exported('torch').network.module.graph.nodes}
    assert 'torchvision.nms.default' in names
    assert not [name for name in names if 'mmdet' in name]


def test_the_demo_runs_a_file(tiny, small, exported, tmp_path):
    video, contents = str(tiny.folder / 'frames/t1'), []
    for file in (None, exported('onnx').network.path):
        options = DemoOptions(small.config, None if file else small.checkpoint, video,
                              str(tmp_path / str(bool(file))), onnx=file, device='cpu')
        contents.append(run_demo(options)[0])
    want, got = contents
    assert want['tracks'] and len(got['tracks']) == len(want['tracks'])
    for a, b in zip(got['tracks'], want['tracks']):
        assert (a['id'], a['category_id']) == (b['id'], b['category_id'])
        assert a['score'] == pytest.approx(b['score'], abs=1e-4)
    assert json.loads((tmp_path / 'True/t1/t1.json').read_text())['tracks'] == got['tracks']
    with pytest.raises(ValueError, match='leave out --device'):
        demo.DemoOptions(tiny.config, None, video, onnx='x.onnx', amp=True).check()


def test_what_cannot_be_opened(small, exported, tmp_path):
    need('onnx')
    with pytest.raises(FileNotFoundError, match='tools/export.py writes one'):
        init_exported(small.config, tmp_path / 'none.onnx')
    (tmp_path / 'x.onnx').write_bytes(b'no')
    with pytest.raises(ValueError, match='onnxruntime cannot read this'):
        init_exported(small.config, tmp_path / 'x.onnx')
    with pytest.raises(ValueError, match='has 4 classes, the config 7'):
        init_exported(small.config, exported('onnx').network.path, {
            'model.bbox_head.num_classes': 7, 'model.mask_head.num_classes': 7})


def test_what_is_not_exported(tiny):
    cfg = copy.deepcopy(tiny.cfg)
    cfg.test_cfg.rcnn.nms = dict(type='soft_nms', iou_thr=0.5)
    with pytest.raises(ValueError, match='"soft_nms" has no standard operator'):
        Network(build_detector(cfg.model, test_cfg=cfg.test_cfg), (10, 10))
    cfg = copy.deepcopy(tiny.cfg)
    del cfg.model['track_head']
    cfg.model.type = 'MaskRCNN'
    with pytest.raises(TypeError, match='MaskRCNN does not track'):
        Network(build_detector(cfg.model, test_cfg=cfg.test_cfg), (10, 10))
    cfg.data.test.flip_ratio = 1
    with pytest.raises(ValueError, match='several scales or mirror images'):
        export.view_of(cfg, (64, 48))
    with pytest.raises(ValueError, match=r'ends with \.pt2'):
        ExportOptions(tiny.config, tiny.checkpoint, 'torch', out='x.onnx').check()


def test_a_difference_is_seen():
    want = Found(*(torch.rand(3, 4) for _ in range(6)), torch.tensor(True))
    want = want._replace(labels=torch.arange(3))
    assert difference(want, want).fits
    assert not difference(want, want._replace(boxes=want.boxes + 0.03)).fits
    assert not difference(want, want._replace(labels=torch.tensor([0, 1, 1]))).fits
    assert not difference(want, want._replace(labels=torch.arange(2))).fits


class Operators(nn.Module):
    """Ours alone: several levels and one, points by size, a limit, ties."""

    def forward(self, a, b, rois, levels, boxes, scores):
        return (multi_level_roi_align([a, b], rois, levels, 3, [0.5, 0.25], 2),
                roi_align(b, rois, (2, 3), 0.25, 0),
                torch.ops.mmdet.nms_mask(boxes, scores, 0.5, 0.2, 4),
                torch.ops.mmdet.nms_mask(boxes, scores, 0.5, 0.2, 30))


@pytest.fixture(scope='module')
def operator_case():
    generator = torch.Generator().manual_seed(3)

    def rand(*shape):
        return torch.rand(*shape, generator=generator)

    corner = rand(3, 30, 2) * 40
    boxes = torch.cat([corner, corner + rand(3, 30, 2) * 30], dim=2)
    rois = torch.cat([torch.zeros(9, 1), boxes[0, :9] - 10], dim=1)
    rois[0, 3:] = rois[0, 1:3] - 3  # inverted
    scores = (rand(3, 30) * 10).round() / 10  # equal ones
    scores[2] = 0.1  # none
    scores[0, 3] = float('nan')
    inputs = (rand(1, 2, 32, 40), rand(1, 2, 16, 20), rois, torch.tensor([0, 1, 1] * 3), boxes,
              scores)
    return inputs, Operators()(*inputs)


def test_suppression_has_what_tracers_ask_for(operator_case):
    boxes, scores = operator_case[0][4:]
    torch.library.opcheck(torch.ops.mmdet.nms_mask.default, (boxes, scores, 0.5, 0.2, 4))
    limited, free = operator_case[1][2:]
    assert limited.sum(1).tolist() == [4, 4, 0] and free.sum() > 10 and not free[0, 3]


def test_operators_of_torchvision_give_the_same(operator_case):
    inputs, want = operator_case
    lowered = torch_file.lower(torch.export.export(Operators(), inputs, strict=False))
    check(lowered.module()(*inputs), want)


def test_operators_of_onnx_give_the_same(operator_case):
    need('onnx')
    import onnxruntime

    from mmdet.engine.export.onnx_file import model_bytes
    inputs, want = operator_case
    names, outputs = list('abcdef'), list('pqrs')
    content = model_bytes(torch.export.export(Operators(), inputs, strict=False), {}, names,
                          outputs)
    session = onnxruntime.InferenceSession(content, providers=['CPUExecutionProvider'])
    check(map(torch.as_tensor, session.run(
        outputs, {name: x.numpy() for name, x in zip(names, inputs)})), want)


def check(got, want):
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
