import pytest
import torch

from mmdet.models import SingleRoIExtractor
from mmdet.ops import roi_align

CFG = dict(roi_layer=dict(type='RoIAlign', out_size=7, sample_num=2), out_channels=4,
           featmap_strides=[4, 8, 16, 32])


def square(side):
    return [0., 0, 0, side - 1, side - 1]


def test_levels_by_size():
    rois = torch.tensor([square(s) for s in (1, 111, 112, 223, 224, 448, 5000)])
    levels = SingleRoIExtractor(**CFG).map_roi_levels(rois)
    assert levels.tolist() == [0, 0, 1, 1, 2, 3, 3]


@pytest.mark.parametrize('layer', ['RoIAlign', 'RoIPool'])
def test_equals_pooling_every_roi_from_its_level(layer):
    roi_layer = dict(type=layer, out_size=7)
    extractor = SingleRoIExtractor(roi_layer, 4, [4, 8])
    feats = [torch.randn(2, 4, 64, 64), torch.randn(2, 4, 32, 32)]
    rois = torch.tensor([[1., 3, 5, 200, 210], [0., 3, 5, 20, 21], [0., 0, 0, 150, 200]])
    got = extractor(feats, rois)
    for out, roi, level in zip(got, rois, extractor.map_roi_levels(rois)):
        want = extractor.roi_layers[level](feats[level], roi[None])
        assert torch.allclose(out, want[0], atol=1e-6)


def test_one_level_and_no_rois():
    feats = [torch.randn(1, 4, 16, 16)] * 4
    assert SingleRoIExtractor(**CFG)(feats, torch.zeros(0, 5)).shape == (0, 4, 7, 7)
    one = SingleRoIExtractor(dict(type='RoIAlign', out_size=3, sample_num=2), 4, [4])
    roi = torch.tensor([[0., 1, 2, 30, 40]])
    assert torch.equal(one(feats, roi), roi_align(feats[0], roi, 3, 0.25, 2))


def test_unknown_layer():
    with pytest.raises(KeyError, match='RoIWarp'):
        SingleRoIExtractor(dict(type='RoIWarp', out_size=7), 4, [4])
