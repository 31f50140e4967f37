"""The command that cuts a validation set off."""
import json
import pathlib
import subprocess
import sys

import pytest

TOOL = pathlib.Path(__file__).parents[2] / 'tools/convert_datasets/split_videos.py'


def run(*args):
    return subprocess.run([sys.executable, TOOL, *map(str, args)], capture_output=True, text=True)


@pytest.fixture
def ann_file(tmp_path):
    """Ten videos, each with an object of one of two categories."""
    videos = [dict(id=i, width=8, height=6, length=1, file_names=[f'v{i}/0.jpg'])
              for i in range(10)]
    anns = [dict(id=i + 1, video_id=i, category_id=1 + i % 2, iscrowd=0, segmentations=[None])
            for i in range(10)]
    cats = [dict(id=1, name='cat'), dict(id=2, name='dog')]
    path = tmp_path / 'train.json'
    path.write_text(json.dumps(dict(videos=videos, annotations=anns, categories=cats)))
    return path


def test_both_sides_and_their_lists(ann_file, tmp_path):
    done = run(ann_file, '--val_ratio', 0.4, '--out', tmp_path / 'out')
    assert done.returncode == 0, done.stderr
    assert '| dog      | 3     | 2   |' in done.stdout
    names = []
    for side, count in (('train', 6), ('val', 4)):
        part = json.loads((tmp_path / 'out' / f'train_{side}.json').read_text())
        listed = (tmp_path / 'out' / f'train_{side}.txt').read_text().split()
        assert listed == [f'v{video["id"]}' for video in part['videos']] and len(listed) == count
        assert {a['video_id'] for a in part['annotations']} == {v['id'] for v in part['videos']}
        names += listed
    assert sorted(names) == [f'v{i}' for i in range(10)]


def test_a_share_that_is_none(ann_file):
    done = run(ann_file, '--val-ratio', 2)
    assert done.returncode == 1 and done.stderr.startswith('error: the share of validation videos')
    assert len(done.stderr.splitlines()) == 1
