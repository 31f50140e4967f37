"""What --validate scores."""
import copy

import pytest
import torch

from mmdet.apis.train import validation_of


def test_tracks_are_ranked_as_the_config_says(tiny, monkeypatch):
    cfg = copy.deepcopy(tiny.cfg)
    cfg.data.val = copy.deepcopy(cfg.data.test)

    def write(dataset, results, path, track_score):
        raise InterruptedError(track_score)

    monkeypatch.setattr('mmdet.datasets.ytvos.results2json_videoseg', write)
    for name in ('max', 'median'):
        cfg.test_cfg.track = dict(track_score=name)
        validation = validation_of(cfg, tiny.detector)
        with pytest.raises(InterruptedError, match=f'^{name}$'):
            validation.evaluate(tiny.detector, validation.dataset, torch.device('cpu'))
    cfg.test_cfg.track = dict(track_score='meam')
    with pytest.raises(ValueError, match='did you mean "mean"'):
        validation_of(cfg, tiny.detector)
