import cv2
import numpy as np
import torch

from mmdet.core import mask_targets


def test_target_crops_the_truncated_box():
    mask = torch.zeros(1, 8, 8, dtype=torch.uint8)
    mask[0, 2:6, 4:8] = 1
    boxes, inds = torch.tensor([[2.9, 2.2, 7.9, 5.9]]), torch.tensor([0])
    target = mask_targets([boxes], [inds], [mask], 6)
    want = cv2.resize(mask[0, 2:6, 2:8].numpy(), (6, 6), interpolation=cv2.INTER_LINEAR)
    assert target.shape == (1, 6, 6) and np.array_equal(target[0], want)
    assert set(target.unique().tolist()) <= {0., 1.}


def test_targets_follow_the_assigned_object_over_images():
    masks = [torch.stack([torch.zeros(4, 4), torch.ones(4, 4)]).byte(), torch.zeros(0, 4, 4).byte()]
    boxes = [torch.tensor([[0., 0, 3, 3]] * 2), torch.zeros(0, 4)]
    inds = [torch.tensor([1, 0]), torch.zeros(0, dtype=torch.long)]
    assert mask_targets(boxes, inds, masks, 2).mean((1, 2)).tolist() == [1, 0]
    assert mask_targets(boxes[1:], inds[1:], masks[1:], 2).shape == (0, 2, 2)


def test_degenerate_box_gives_one_pixel():
    mask = torch.ones(1, 8, 8, dtype=torch.uint8)
    target = mask_targets([torch.tensor([[5., 5, 3, 3]])], [torch.tensor([0])], [mask], 3)
    assert target.min() == 1
