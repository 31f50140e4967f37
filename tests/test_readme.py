"""The README from top to bottom and the example of the configs' page, as printed, on small data."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import cv2
import pytest

from mmdet.models import build_detector
from mmdet.utils import load_config

ROOT = pathlib.Path(__file__).parents[1]
SETUP = ('bash tools/quickstart.sh', 'bash tests/run.sh')  # run by hand and by CI
DOWNLOADS = 'python tools/demo.py my_video.mp4'  # tests/apis/test_coco_demo.py
MADE = {  # a command of the README: what it leaves
    'tools/demo.py': ['demo_out/my_video/my_video.json', 'demo_out/my_video/my_video.mp4'],
    'tools/train.py': ['work_dirs/masktrack_rcnn_r50_fpn_1x_youtubevos/latest.pth'],
    'tools/test_video.py': ['out.pkl', 'out.pkl.json'],
    'tools/eval_video.py': [],
    'tools/analysis/analyze_errors.py': ['errors.html']}


def blocks(path, language=''):
    """Code blocks of a page."""
    found = re.findall(r'^```(\w*)\n(.*?)^```$', path.read_text(), re.M | re.S)
    return [text for kind, text in found if kind == language]


def commands(text):
    """The lines of a block that are commands."""
    lines = [line.removeprefix('$ ') for line in text.splitlines()]
    return [line for line in lines if re.match(r'(python|bash) ', line)]


@pytest.fixture(scope='module')
def place(tiny, tmp_path_factory):
    """A folder as the README's reader has it; the config of 2019 is small there."""
    folder = tmp_path_factory.mktemp('readme')
    (folder / 'tools').symlink_to(ROOT / 'tools')
    (folder / 'configs').mkdir()
    data = dict(type='YTVOSDataset', ann_file=str(tiny.folder / 'test.json'),
                img_prefix=str(tiny.folder / 'frames'), img_scale=(160, 96))
    (folder / 'configs' / 'masktrack_rcnn_r50_fpn_1x_youtubevos.py').write_text(
        f'_base_ = {tiny.config!r}\n'
        f'data = dict(imgs_per_gpu=4, workers_per_gpu=0, train={data}, val={data}, test={data})\n'
        f'load_from = {tiny.checkpoint!r}\ntotal_epochs = 1\n')
    (folder / 'data/shapes/annotations').mkdir(parents=True)
    shutil.copy(tiny.folder / 'test.json', folder / 'data/shapes/annotations/instances_val.json')
    (folder / 'work_dirs/quickstart').mkdir(parents=True)
    (folder / 'work_dirs/quickstart/results.pkl.json').symlink_to(folder / 'out.pkl.json')
    frames = sorted((tiny.folder / 'frames').glob('*/*.png'))[:4]
    pictures = [cv2.imread(str(frame)) for frame in frames]
    video = cv2.VideoWriter(str(folder / 'my_video.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 5,
                            pictures[0].shape[1::-1])
    for picture in pictures:
        video.write(picture)
    video.release()
    return folder


def filled(text, tiny, quote=''):
    return (text.replace('CONFIG', quote + tiny.config + quote)
            .replace('CHECKPOINT', quote + tiny.checkpoint + quote))


def run(command, folder, **env):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True,
                          env={**os.environ, **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_command_runs_in_the_order_printed(tiny, place):
    printed = [line for text in blocks(ROOT / 'README.md') for line in commands(text)]
    assert printed[:2] == list(SETUP)
    printed.remove(DOWNLOADS)
    seen = []
    for line in printed[2:]:
        program, *arguments = line.split()[1:]
        output = run([sys.executable, program, *(filled(a, tiny) for a in arguments)], place)
        seen.append(program)
        assert all((place / name).stat().st_size for name in MADE[program]), output
        if program == 'tools/eval_video.py':
            assert '| AP ' in output and '| AR100 |' in output
    assert seen == list(MADE)


def test_the_snippet_runs(tiny, place):
    snippet, = blocks(ROOT / 'README.md', 'python')
    code = filled(snippet, tiny, quote="'") + 'print(picture.shape, result)'
    output = run([sys.executable, '-c', code], place, PYTHONPATH=str(ROOT))
    assert re.search(r'\(\d+, \d+, 3\) TrackResult\(', output)


def test_the_files_it_names_are_there():
    for path in [ROOT / 'README.md', *(ROOT / '.github' / 'docs').glob('*.md')]:
        for link in re.findall(r'\]\(([^)#]+)\)', path.read_text()):
            if '://' not in link:
                assert (path.parent / link).exists(), f'{path.name}: {link}'


def test_the_part_of_ones_own_on_the_page_about_configs(tmp_path, monkeypatch):
    _, part, config, *_ = blocks(ROOT / '.github/docs/configs.md', 'python')
    (tmp_path / 'my_heads.py').write_text(part)
    base = str(ROOT / 'configs' / 'masktrack_rcnn_r50_fpn_1x_youtubevos.py')
    (tmp_path / 'my_config.py').write_text(
        config.replace('./masktrack_rcnn_r50_fpn_1x_youtubevos.py', base))
    monkeypatch.setattr(sys, 'path', sys.path.copy())
    cfg = load_config(str(tmp_path / 'my_config.py'))
    detector = build_detector({**cfg.model, 'pretrained': None}, cfg.train_cfg, cfg.test_cfg)
    assert type(detector.track_head).__name__ == 'CosineTrackHead'
    assert detector.track_head.temperature == .1
