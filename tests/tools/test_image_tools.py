"""tools/test.py, coco_eval.py and voc_eval.py as a user runs them."""
import importlib.util
import json
import pathlib
import re

import cv2
import numpy as np
import pytest
import torch

from mmdet.apis.train import TrainOptions
from mmdet.apis.train import run as train
from mmdet.formats.result_files import dump_results, load_results
from mmdet.utils import load_config
from mmdet.utils.cli import run_tool

TOOLS = pathlib.Path(__file__).parents[2] / 'tools'
XML = ('<annotation><size><width>160</width><height>96</height></size>{}</annotation>')
OBJECT = ('<object><name>{}</name><difficult>0</difficult><bndbox><xmin>{}</xmin><ymin>{}</ymin>'
          '<xmax>{}</xmax><ymax>{}</ymax></bndbox></object>')


def load_tool(name):
    spec = importlib.util.spec_from_file_location(f'{name}_tool', TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(name, *args):
    return load_tool(name).main([str(a) for a in args])


def fails(capsys, name, *args):
    with pytest.raises(SystemExit) as stop:
        run_tool(lambda: run(name, *args))
    assert stop.value.code == 1
    return capsys.readouterr().err


@pytest.fixture(scope='module')
def images(tiny, tmp_path_factory):
    """``options`` for a config: three frames of the tiny videos as Pascal VOC; ``root``."""
    root = tmp_path_factory.mktemp('voc') / 'VOC2007'
    content = json.loads((tiny.folder / 'test.json').read_text())
    names = {category['id']: category['name'] for category in content['categories']}
    for part in ('Annotations', 'JPEGImages'):
        (root / part).mkdir(parents=True)
    for t, file_name in enumerate(content['videos'][0]['file_names'][:3]):
        frame = cv2.imread(str(tiny.folder / 'frames' / file_name))
        cv2.imwrite(str(root / f'JPEGImages/{t:06d}.jpg'), frame)
        boxes = [(names[ann['category_id']], ann['bboxes'][t]) for ann in content['annotations']
                 if ann['video_id'] == content['videos'][0]['id'] and ann['bboxes'][t]]
        objects = ''.join(OBJECT.format(name, x + 1, y + 1, x + w, y + h)
                          for name, (x, y, w, h) in boxes)
        (root / f'Annotations/{t:06d}.xml').write_text(XML.format(objects))
    (root / 'test.txt').write_text('000000\n000001\n000002\n')
    options = ['data.test.type=VOCDataset', f'data.test.ann_file={root / "test.txt"}',
               f'data.test.img_prefix={root}', 'data.test.classes=disc,box,triangle',
               'data.test.with_mask=False']
    return root, options


@pytest.fixture(scope='module')
def done(tiny, images, tmp_path_factory):
    """X.pkl of a finished test of the images."""
    out = tmp_path_factory.mktemp('done') / 'x.pkl'
    run('test', tiny.config, tiny.checkpoint, '--out', out, '--eval', 'bbox', 'proposal_fast',
        '--cfg-options', *images[1])
    return out


def test_voc_is_tested_and_scored_from_the_file_alike(tiny, images, done, spoken):
    results = load_results(str(done))
    assert len(results) == 3 and [len(part) for part in results[0]] == [3, 3]
    assert sorted(p.name for p in done.parent.iterdir()) == [
        'x.pkl', 'x.pkl.bbox.json', 'x.pkl.json']
    run('voc_eval', done, tiny.config, '--iou_thr', '0.5,0.75', '--cfg-options', *images[1])
    tables = [said for said in spoken if 'mAP' in said]
    assert len(tables) == 2 and 'IoU 0.5, 11 points' in spoken and '| disc ' in tables[0]
    spoken.clear()
    run('test', tiny.config, '--load_result', '--out', done, '--eval', 'bbox', '--cfg-options',
        *images[1])
    assert tables[0] in spoken


def test_more_gpus_start_more_processes(tiny, images, tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr('mmdet.apis.test.use_gpus', started.append)
    monkeypatch.setattr('mmdet.apis.test.run_copies', lambda *args: started.append(args) or 3)
    assert run('test', tiny.config, tiny.checkpoint, '--out', tmp_path / 'x.pkl', '--gpus', 2,
               '--proc_per_gpu', 2, '--cfg-options', *images[1]) == 3
    gpus, (command, processes) = started
    assert (gpus, processes) == (2, 4) and command[-2:] == ['--launcher', 'pytorch']
    assert not any(tmp_path.iterdir())


def test_show_draws_every_image_without_out(tiny, images, tmp_path):
    run('test', tiny.config, tiny.checkpoint, '--save_path', tmp_path / 'shown', '--cfg-options',
        *images[1])
    drawn = sorted((tmp_path / 'shown').iterdir())
    assert [p.name for p in drawn] == [f'{t:06d}_{t:06d}.jpg' for t in range(3)]
    assert cv2.imread(str(drawn[0])).shape == (384, 640, 3)


@pytest.mark.parametrize('args, message', [
    ([], '--out X.pkl is missing'),
    (['--out', 'x.pkl', '--eval', 'segm'], '--eval segm: the data set has bbox, proposal_fast'),
    (['--show', '--eval', 'bbox'], '--out X.pkl is missing')])
def test_mistakes_are_told_before_any_image(tiny, images, tmp_path, monkeypatch, capsys, args,
                                            message):
    monkeypatch.chdir(tmp_path)
    said = fails(capsys, 'test', tiny.config, tiny.checkpoint, *args, '--cfg-options', *images[1])
    assert re.search(f'^error: .*{message}', said) and not any(tmp_path.iterdir())


@pytest.fixture(scope='module')
def boxes_only(tiny, images, tmp_path_factory):
    """A config that trains the tiny Faster R-CNN on the images and validates on them."""
    cfg = load_config(tiny.config)
    cfg.model.type = 'FasterRCNN'
    for part in ('track_head', 'mask_head', 'mask_roi_extractor'):
        cfg.model.pop(part)
    data = dict(type='VOCDataset', ann_file=str(images[0] / 'test.txt'), img_prefix=str(images[0]),
                classes=('disc', 'box', 'triangle'), img_scale=(96, 64), size_divisor=32,
                img_norm_cfg=cfg.img_norm_cfg, with_mask=False)
    cfg.data = dict(imgs_per_gpu=2, workers_per_gpu=0, train=data, val=data, test=data)
    cfg.merge_from_dict(dict(total_epochs=1, load_from=None, num_threads=1))
    path = tmp_path_factory.mktemp('config') / 'faster_rcnn.py'
    cfg.dump(path)
    return str(path)


def test_voc_trains_and_is_validated(boxes_only, tmp_path):
    train(TrainOptions(boxes_only, str(tmp_path), validate=True, seed=0))
    log, = tmp_path.glob('*.log.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {'bbox_mAP', 'bbox_AP50'} <= lines[-1].keys() and (tmp_path / 'best.pth').exists()


def as_type(config, kind, path, *lacks):
    cfg = load_config(config)
    cfg.model.type = kind
    for part in lacks:
        for settings in (cfg.model, cfg.train_cfg, cfg.test_cfg):
            settings.pop(part, None)
    cfg.dump(path)
    return str(path)


def test_proposals_of_an_rpn_train_and_test_another(tiny, boxes_only, tmp_path, monkeypatch,
                                                    capsys):
    monkeypatch.chdir(tmp_path)
    rpn = as_type(boxes_only, 'RPN', 'rpn.py', 'bbox_head', 'bbox_roi_extractor', 'rcnn')
    state = {key: value for key, value in tiny.detector.state_dict().items()
             if key.startswith(('backbone', 'neck', 'rpn_head'))}
    torch.save(dict(state_dict=state), 'rpn.pth')
    run('test', rpn, 'rpn.pth', '--out', 'found.pkl', '--eval', 'proposal_fast')
    found = load_results('found.pkl')
    assert [boxes.shape[1] for boxes in found] == [5] * 3 and len(found[0]) > 5
    fast = as_type(boxes_only, 'FastRCNN', 'fast.py', 'rpn_head', 'rpn')
    with pytest.raises(ValueError, match='proposals'):
        train(TrainOptions(fast, 'fast'))
    given = {f'data.{part}.{key}': value for part in ('train', 'val', 'test')
             for key, value in (('proposal_file', 'found.pkl'), ('num_max_proposals', 5))}
    train(TrainOptions(fast, 'fast', validate=True, seed=0, cfg_options=given))
    run('test', fast, 'fast/latest.pth', '--out', 'x.pkl', '--eval', 'bbox', '--cfg-options',
        'test_cfg.rcnn.score_thr=0.', *(f'{key}={value}' for key, value in given.items()))
    assert 1 <= sum(map(len, load_results('x.pkl')[0])) <= 15  # 5 proposals, 3 classes


@pytest.mark.parametrize('option, error, message', [
    ('data.val.type=CocoDataset', ValueError, 'not valid json'),
    ('data.val.min_size=9', ValueError, 'min_size leaves small boxes out'),
    ('data.val.classes=disc,box', ValueError, 'class "triangle" is not in the class list'),
    ('checkpoint_config.save_best=segm_AP', KeyError, 'scores bbox; name one of their numbers'),
])
def test_what_validation_lacks_is_told_before_training(boxes_only, tmp_path, option, error,
                                                       message):
    with pytest.raises(error, match=message):
        key, value = option.split('=')
        value = value.split(',') if ',' in value else int(value) if value.isdigit() else value
        train(TrainOptions(boxes_only, str(tmp_path), validate=True, cfg_options={key: value}))
    assert not list(tmp_path.glob('*.pth'))


@pytest.fixture
def truth(tmp_path):
    content = dict(
        images=[dict(id=i, width=100, height=100) for i in (4, 9)],
        categories=[dict(id=1, name='a')],
        annotations=[dict(id=i, image_id=i, category_id=1, bbox=[10, 10, 20, 20], area=400,
                          iscrowd=int(i == 9)) for i in (4, 9)])
    path = tmp_path / 'truth.json'
    path.write_text(json.dumps(content))
    return path


def test_coco_eval_of_proposals(truth, tmp_path, spoken, capsys):
    boxes = [np.array([[50, 50, 59, 59, 0.9], [10, 10, 29, 26, 0.8]]), np.zeros((0, 5))]
    dump_results(boxes, str(tmp_path / 'x.pkl'))
    run('coco_eval', tmp_path / 'x.pkl', '--ann', truth, '--types', 'proposal_fast',
        '--max_dets', 1, 2)
    assert 'AR@1 = 0.0000\nAR@2 = 0.8000' in spoken[-1]  # 17 of 20 rows: to IoU 0.85
    records = [dict(image_id=4, category_id=1, bbox=[10, 10, 20, 17], score=0.8)]
    (tmp_path / 'x.json').write_text(json.dumps(records))
    run('coco_eval', tmp_path / 'x.json', '--ann', truth, '--types', 'bbox', 'proposal',
        'proposal_fast')
    assert 'AR@1000    = 0.8000' in spoken[-2] and 'AR@1000 = 0.8000' in spoken[-1]
    said = fails(capsys, 'coco_eval', tmp_path / 'x.pkl', '--ann', truth, '--types', 'bbox')
    assert 'only proposal_fast reads those' in said


def test_voc_eval_of_proposals_is_refused(tiny, images, tmp_path, capsys):
    dump_results([np.zeros((1, 5))] * 3, str(tmp_path / 'x.pkl'))
    args = [tmp_path / 'x.pkl', tiny.config, '--cfg-options', *images[1]]
    assert 'image 0 holds no boxes by class' in fails(capsys, 'voc_eval', *args)
    dump_results([[np.zeros((0, 5))] * 3] * 2, str(tmp_path / 'x.pkl'))
    assert 'same images, got [2, 3, 3, 3]' in fails(capsys, 'voc_eval', *args)
    assert 'tools/eval_video.py' in fails(capsys, 'voc_eval', *args[:2])
