"""tools/train.py: flags, errors in one sentence, exit status."""
import importlib.util
import logging
import pathlib
import sys

import pytest

from mmdet.apis.train import TrainOptions, make_config
from mmdet.curation.shapes import ShapesSpec, make_shapes
from mmdet.utils import get_root_logger
from mmdet.utils.cli import run_tool

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = str(ROOT / 'configs' / 'masktrack_rcnn_r18_fpn_shapes.py')


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('tool_train', ROOT / 'tools' / 'train.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def said():
    """Everything the logger says."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    get_root_logger().addHandler(handler)
    yield lines
    get_root_logger().removeHandler(handler)


def args(tool, monkeypatch, *flags):
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', CONFIG, *flags])
    return tool.parse_args()


def call(tool, monkeypatch, *flags):
    """The exit status."""
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', *flags])
    with pytest.raises(SystemExit) as stop:
        run_tool(tool.main, tool.log_error)
    return stop.value.code


def test_help_names_every_flag_of_the_contract(tool, monkeypatch, capsys):
    assert call(tool, monkeypatch, '--help') == 0
    text = capsys.readouterr().out
    assert 'Exit status' in text
    for flag in ('--work_dir', '--resume_from', '--validate', '--gpus', '--seed', '--launcher'):
        assert flag in text


@pytest.mark.parametrize('old, new', [
    ('--work_dir', '--work-dir'), ('--resume_from', '--resume-from'),
    ('--load_from', '--load-from')])
def test_both_spellings(tool, monkeypatch, old, new):
    assert args(tool, monkeypatch, old, 'x') == args(tool, monkeypatch, new, 'x')


def test_flags_reach_the_config(tool, monkeypatch):
    options = vars(args(
        tool, monkeypatch, '--work-dir', 'w', '--amp', '--auto-scale-lr', '--seed', '4',
        '--deterministic', '--load_from', 'none', '--cfg-options', 'optimizer.lr=0.5',
        'data.imgs_per_gpu=3'))
    assert options.pop('local_rank') == 0
    cfg = make_config(TrainOptions(**options))
    assert (cfg.work_dir, cfg.seed, cfg.deterministic, cfg.load_from) == ('w', 4, True, None)
    assert cfg.fp16 == dict(loss_scale='dynamic') and cfg.auto_scale_lr == dict(enable=True)
    assert (cfg.optimizer.lr, cfg.data.imgs_per_gpu) == (.5, 3)


@pytest.fixture(scope='module')
def shapes(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data') / 'shapes'
    make_shapes(str(folder), ShapesSpec(1, 0, 2, (96, 64), 3))
    return [f'data.train.ann_file={folder}/annotations/instances_train.json',
            f'data.train.img_prefix={folder}/train/JPEGImages']


@pytest.mark.parametrize('flags, options, word', [
    ((), ['optimzer.lr=1'], 'did you mean "optimizer"'),
    ((), ['data.train.ann_file=nowhere.json'], 'nowhere.json: no such file'),
    ((), ['model.bbox_head.num_class=9'], 'did you mean "num_classes"'),
    ((), ['model.bbox_head.num_classes=9'], '3 classes need num_classes=4'),
    ((), ['data.train.img_prefix=nowhere'], '2 of 2 frames are missing'),
    (('--load_from', 'nowhere.pth'), [], 'nowhere.pth: no such checkpoint file'),
    (('--resume_from', 'nowhere.pth'), [], 'nowhere.pth: no such checkpoint to resume'),
    ((), ['lr_config.policy=stepp'], 'did you mean "step"'),
    (('--validate', ), ['data.val.ann_file=gone.json'], 'gone.json: no such file'),
    (('--gpus', '0'), [], '--gpus 0'),
    (('--launcher', 'slurm'), [], 'SLURM_PROCID is not set')])
def test_one_sentence_and_status_one(tool, monkeypatch, said, shapes, tmp_path, flags, options,
                                     word):
    status = call(tool, monkeypatch, CONFIG, '--work_dir', str(tmp_path), *flags,
                  '--cfg-options', *shapes, *options)
    assert status == 1 and word in said[-1] and '\n' not in said[-1]


def test_missing_config(tool, monkeypatch, said):
    assert call(tool, monkeypatch, 'configs/nowhere.py') == 1
    assert 'no such config file' in said[-1]


def test_faults_of_the_program_keep_their_traceback(tool, monkeypatch):
    monkeypatch.setattr('mmdet.apis.train.build_dataset', lambda cfg: {}['fault'])
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', CONFIG])
    with pytest.raises(KeyError, match='fault'):
        run_tool(tool.main, tool.log_error)
