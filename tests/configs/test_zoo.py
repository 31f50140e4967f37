"""All config files of 2019, as a user has them, and this repository's own under the same names."""
import pathlib
import tarfile

import pytest
import torch

from mmdet.models import build_detector
from mmdet.utils import load_config

ROOT = pathlib.Path(__file__).parents[2]
ARCHIVE = ROOT / 'tests/data/configs/configs_2019.tar.xz'
with tarfile.open(ARCHIVE) as archive:
    NAMES = sorted(archive.getnames())
# the trackers' configs of this repository are the fork's with other paths and weights
ZOO = [name for name in NAMES if 'youtubevos' not in name]


@pytest.fixture(scope='session')
def classic(tmp_path_factory):
    """The folder with the files of 2019."""
    folder = tmp_path_factory.mktemp('configs_2019')
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter='data')
    return folder


@pytest.mark.parametrize('name', NAMES)
def test_checkpoints_of_2019_fit(name, classic, golden):
    cfg, want = load_config(str(classic / name)), golden('model/state_dicts')[name]
    cfg.model.pretrained = None
    with torch.device('meta'):
        model = build_detector(cfg.model, train_cfg=cfg.train_cfg, test_cfg=cfg.test_cfg)
    assert {key: list(value.shape) for key, value in model.state_dict().items()} == want['state']
    assert sum(not p.requires_grad for p in model.parameters()) == want['frozen']


def plain(value):
    """Lists for tuples; without what is None, and what only a mask head reads."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items() if v is not None}
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize('name', ZOO)
def test_our_files_say_what_those_of_2019_said(name, classic):
    ours, theirs = (load_config(str(folder / name)) for folder in (ROOT / 'configs', classic))
    assert ours.model.pretrained.replace('torchvision', 'modelzoo') == theirs.model.pretrained
    ours.model.pretrained = theirs.model.pretrained
    for part in theirs.train_cfg.get('rcnn') or []:
        if name.startswith('cascade_rcnn'):
            part.mask_size = 28  # our file shares its settings with the one that has masks
    theirs.data.test.with_mask = ours.data.test.with_mask  # read in training only
    for key in theirs.keys() - {'work_dir', 'input_size', 'normalize'}:
        assert plain(ours[key]) == plain(theirs[key]), key
