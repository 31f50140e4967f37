import pytest
import torch

from mmdet.models import FPN


def maps():
    return [torch.randn(1, c, 32 // 2**i, 48 // 2**i) for i, c in enumerate((4, 8, 16))]


def test_levels_and_extra_pooling():
    outs = FPN([4, 8, 16], 6, 5)(maps())
    assert [tuple(o.shape[1:]) for o in outs] == [
        (6, 32, 48), (6, 16, 24), (6, 8, 12), (6, 4, 6), (6, 2, 3)]
    assert torch.equal(outs[3], outs[2][:, :, ::2, ::2])


def test_top_down_sum_by_hand():
    neck, x = FPN([4, 8, 16], 6, 3), maps()
    top = neck.lateral_convs[2](x[2])
    middle = neck.lateral_convs[1](x[1]) + top.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.allclose(neck(x)[1], neck.fpn_convs[1](middle), atol=1e-5)


def test_extra_convs_start_from_the_backbone():
    neck = FPN([4, 8, 16], 6, 5, start_level=1, add_extra_convs=True)
    outs = neck(maps())
    assert len(outs) == 5 and neck.fpn_convs[2].conv.in_channels == 16
    assert [o.shape[-1] for o in outs] == [24, 12, 6, 3, 2]


def test_refuses_fewer_outputs_or_other_inputs():
    with pytest.raises(ValueError, match='num_outs=2 is less than the 3'):
        FPN([4, 8, 16], 6, 2)
    with pytest.raises(ValueError, match='built for 3 maps, got 2'):
        FPN([4, 8, 16], 6, 3)(maps()[:2])
