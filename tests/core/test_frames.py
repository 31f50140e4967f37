import pytest
import torch

from mmdet.core import FramePreprocessor


def test_normalises_flips_channels_and_pads_with_zero():
    frame = torch.tensor([[[10, 20, 30]]], dtype=torch.uint8)  # one BGR pixel
    out = FramePreprocessor([1, 2, 3], [2, 4, 8], to_rgb=True, size_divisor=2)([frame])
    assert out.shape == (1, 3, 2, 2)
    assert out[0, :, 0, 0].tolist() == [(30 - 1) / 2, (20 - 2) / 4, (10 - 3) / 8]
    assert out[0, :, 1].abs().sum() == 0 and out[0, :, :, 1].abs().sum() == 0


def test_keeps_bgr():
    frame = torch.tensor([[[10, 20, 30]]], dtype=torch.uint8)
    out = FramePreprocessor([0] * 3, [1] * 3, to_rgb=False, size_divisor=1)([frame])
    assert out.flatten().tolist() == [10, 20, 30]


def test_pads_to_the_largest_frame():
    frames = [torch.zeros(5, 40, 3, dtype=torch.uint8), torch.zeros(33, 8, 3, dtype=torch.uint8)]
    assert FramePreprocessor([0] * 3, [1] * 3)(frames).shape == (2, 3, 64, 64)


def test_augmented_frames_are_floats_beyond_the_grey_levels():
    frame = torch.tensor([[[-10., 20.5, 300]]])
    out = FramePreprocessor([0] * 3, [1] * 3, to_rgb=False, size_divisor=1)([frame])
    assert out.flatten().tolist() == [-10, 20.5, 300]


def test_refuses_other_types():
    with pytest.raises(TypeError, match='uint8 or float32 frames .* got torch.int64'):
        FramePreprocessor([0] * 3, [1] * 3)([torch.zeros(4, 4, 3, dtype=torch.long)])
