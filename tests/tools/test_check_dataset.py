"""The command that looks a data set over."""
import json
import pathlib
import subprocess
import sys

import cv2
import numpy as np
import pytest

TOOL = pathlib.Path(__file__).parents[2] / 'tools' / 'check_dataset.py'


def run(*args):
    return subprocess.run([sys.executable, TOOL, *map(str, args)], capture_output=True, text=True)


@pytest.fixture
def data(tmp_path):
    square = [[20, 5, 30, 5, 30, 15, 20, 15]]
    ann = dict(id=1, video_id=1, category_id=1, iscrowd=0, segmentations=[square, None],
               areas=[100, None], bboxes=[[20, 5, 10, 10], None])
    video = dict(id=1, width=40, height=30, length=2, file_names=['a/0.png', 'a/1.png'])
    (tmp_path / 'train' / 'JPEGImages' / 'a').mkdir(parents=True)
    for name in video['file_names']:
        cv2.imwrite(str(tmp_path / 'train' / 'JPEGImages' / name), np.zeros((30, 40, 3), np.uint8))
    content = dict(videos=[video], categories=[dict(id=1, name='cat')], annotations=[ann])
    (tmp_path / 'train.json').write_text(json.dumps(content))
    return tmp_path


def test_clean_data_and_pictures(data):
    done = run(data / 'train.json', '--images', '--out', data / 'out')
    assert done.returncode == 0, done.stdout + done.stderr
    assert '0 errors, 0 warnings' in done.stdout and '40x30 (1)' in done.stdout
    assert cv2.imread(str(data / 'out' / 'train_histograms.png')).shape[0] > 400
    sheet = cv2.imread(str(data / 'out' / 'train_sheet.jpg'))
    assert sheet.max() > 60  # the frames are black, the drawn mask is not


def test_missing_frame_exits_with_one(data):
    (data / 'train' / 'JPEGImages' / 'a' / '1.png').unlink()
    done = run(data / 'train.json', '--out', data / 'out')
    assert done.returncode == 1 and '1 error, 0 warnings' in done.stdout
    assert '1 of 2 frames are missing' in done.stdout


def test_config_with_another_number_of_classes(data):
    config = data / 'config.py'
    config.write_text(
        'model = dict(type="MaskTrackRCNN", bbox_head=dict(num_classes=41))\n'
        f'data = dict(train=dict(type="YTVOSDataset", ann_file="{data}/train.json", '
        f'img_prefix="{data}/train/JPEGImages"))\n')
    done = run(config, '--out', data / 'out')
    assert done.returncode == 1
    assert 'lists 1 categories, num_classes of the config is 41' in done.stdout


def test_youtube_vos_is_named(data):
    (data / 'meta.json').write_text('{"videos": {"0a": {"objects": {}}}}')
    done = run(data / 'meta.json')
    assert done.returncode == 1 and 'YouTube-VOS' in done.stdout
