import math

import pytest
import torch

from mmdet.core.loss import accuracy, mask_cross_entropy, smooth_l1, weighted_cross_entropy


def test_smooth_l1_by_hand():
    loss = smooth_l1(torch.tensor([0.05, 2.]), torch.zeros(2), beta=0.1)
    assert loss.tolist() == pytest.approx([0.05**2 / 0.2, 2 - 0.05])


def test_cross_entropy_counts_positive_weights():
    logits, labels = torch.zeros(3, 4), torch.tensor([0, 1, 2])
    assert weighted_cross_entropy(logits, labels).item() == pytest.approx(math.log(4))
    weights = torch.tensor([1., 0, 3])
    assert weighted_cross_entropy(logits, labels, weights).item() == pytest.approx(2 * math.log(4))
    assert weighted_cross_entropy(logits, labels, weights, 8).item() == pytest.approx(
        math.log(4) / 2)


def test_empty_losses_are_zero_and_attached():
    logits = torch.zeros(0, 4, requires_grad=True)
    labels = torch.zeros(0, dtype=torch.long)
    for loss in (weighted_cross_entropy(logits, labels),
                 weighted_cross_entropy(logits, labels, torch.zeros(0)),
                 mask_cross_entropy(logits[..., None, None], torch.zeros(0, 1, 1), labels)):
        assert loss.dim() == 0 and loss.item() == 0 and loss.requires_grad
    assert accuracy(logits, labels).item() == 0


def test_mask_loss_uses_the_label_channel():
    logits = torch.zeros(1, 3, 2, 2)
    logits[0, 1] = 100
    labels, ones = torch.tensor([1]), torch.ones(1, 2, 2)
    assert mask_cross_entropy(logits, ones, labels).item() == pytest.approx(0, abs=1e-6)
    assert mask_cross_entropy(logits, ones, labels * 0).item() == pytest.approx(math.log(2))


def test_accuracy_is_percent():
    logits = torch.eye(4)
    assert accuracy(logits, torch.tensor([0, 1, 0, 0])).item() == 50
