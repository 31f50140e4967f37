"""``demo.py VIDEO`` and no more, with random weights where the published ones would be fetched."""
import importlib.util
import json
import pathlib
import sys

import cv2
import numpy as np
import pytest
import torch
import torchvision

from mmdet.apis import init_detector, track_video
from mmdet.checkpoint import download
from mmdet.datasets import CocoDataset
from mmdet.utils import load_config

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    """A file as torchvision publishes it."""
    torch.manual_seed(0)
    model = torchvision.models.detection.maskrcnn_resnet50_fpn(
        weights=None, weights_backbone=None)
    with torch.no_grad():  # as large as those of a trained network
        for block in model.backbone.fpn.inner_blocks:
            block[0].weight.mul_(.005)
    path = tmp_path_factory.mktemp('weights') / 'maskrcnn.pth'
    torch.save(model.state_dict(), path)
    return path


@pytest.fixture
def video(tmp_path):
    path = tmp_path / 'clip.mp4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 5, (96, 64))
    for t in range(3):
        frame = np.full((64, 96, 3), 90, np.uint8)
        cv2.circle(frame, (30 + 6 * t, 30), 14, (40, 200, 250), -1)
        writer.write(frame)
    writer.release()
    return path


@pytest.fixture
def parse(monkeypatch):
    """``parse_args`` of ``tools/demo.py``, given words; ``main`` is its attribute."""
    spec = importlib.util.spec_from_file_location('demo_tool', ROOT / 'tools' / 'demo.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def run(*words):
        monkeypatch.setattr(sys, 'argv', ['demo.py', *map(str, words)])
        return tool.parse_args()

    run.main = tool.main
    return run


def test_one_command_gives_masks_with_ids(weights, video, parse, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(download, '_download', lambda *args: asked.append(args) or str(weights))
    monkeypatch.setattr(sys, 'argv', [
        'demo.py', str(video), '--out', str(tmp_path / 'out'), '--device', 'cpu', '--masks',
        '--cfg-options', 'data.test.img_scale=(192,128)', 'test_cfg.track.start_thr=0',
        'test_cfg.rcnn.score_thr=0', 'test_cfg.rcnn.max_per_img=5'])
    parse.main()
    (url, name, sha256), = asked
    assert url.endswith(f'-{sha256}.pth') and name == 'torchvision://maskrcnn_resnet50_fpn_coco'
    content = json.loads((tmp_path / 'out/clip/clip.json').read_text())
    assert content['classes'] == list(CocoDataset.CLASSES) and content['video']['frames'] == 3
    assert content['tracks'] and (tmp_path / 'out/clip/clip.mp4').stat().st_size > 0


def test_in_python_it_is_called_coco(weights, video):
    detector = init_detector('coco', str(weights), 'cpu', cfg_options={
        'data.test.img_scale': (192, 128), 'test_cfg.rcnn.score_thr': 0.,
        'test_cfg.rcnn.max_per_img': 5, 'test_cfg.track.start_thr': 0.})
    results = [result for _, result in track_video(detector, video)]
    assert len(results) == 3 and all(len(r.obj_ids) == len(r.masks) for r in results)
    assert set(results[0].obj_ids) & set(results[1].obj_ids) & set(results[2].obj_ids)


def test_present_forms_of_the_command_stay(parse):
    def names(*words):
        args = parse(*words)
        return args.config, args.checkpoint, args.video

    assert names('a.mp4') == ('coco', None, ['a.mp4'])
    assert names('a.mp4', '0', 'b', '--masks') == ('coco', None, ['a.mp4', '0', 'b'])
    assert names('c.py', 'w.pth', 'a.mp4', 'b') == ('c.py', 'w.pth', ['a.mp4', 'b'])
    assert names('c.py', 'a.mp4', '--onnx', 'x.onnx') == ('c.py', None, ['a.mp4'])


@pytest.mark.parametrize('words, said', [
    (['c.py'], 'name a video after the checkpoint'),
    (['c.py', 'w.pth'], 'name a video after the checkpoint'),
    (['c.py', '--onnx', 'x'], 'name a video after the config')])
def test_a_name_is_missing(parse, capsys, words, said):
    with pytest.raises(SystemExit):
        parse(*words)
    assert said in capsys.readouterr().err


def test_a_checkpoint_without_its_config(parse):
    with pytest.raises(ValueError, match='w.pth: this is a checkpoint; the config comes first'):
        parse('w.pth', 'a.mp4')


def test_a_number_of_the_config_is_torchvisions():
    cfg = load_config(str(ROOT / 'configs' / 'mask_rcnn_r50_fpn_coco_track.py'))
    theirs = torchvision.models.detection.maskrcnn_resnet50_fpn(
        weights=None, weights_backbone=None)
    rpn, transform = theirs.rpn.eval(), theirs.transform
    assert cfg.test_cfg.rpn.nms_pre == rpn.pre_nms_top_n()
    assert cfg.test_cfg.rpn.nms_thr == rpn.nms_thresh
    assert cfg.test_cfg.rcnn.nms.iou_thr == theirs.roi_heads.nms_thresh
    assert cfg.test_cfg.rcnn.max_per_img == theirs.roi_heads.detections_per_img
    assert cfg.data.test.img_scale == (transform.max_size, *transform.min_size)
    np.testing.assert_allclose(cfg.img_norm_cfg.mean, np.array(transform.image_mean) * 255)
    np.testing.assert_allclose(cfg.img_norm_cfg.std, np.array(transform.image_std) * 255)
