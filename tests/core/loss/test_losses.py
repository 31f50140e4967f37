import math

import pytest
import torch

from mmdet.core import loss as losses
from mmdet.core.loss import (accuracy, mask_cross_entropy, sigmoid_focal_loss, smooth_l1_loss,
                             weighted_cross_entropy, weighted_sigmoid_focal_loss)


def test_smooth_l1_by_hand():
    loss = smooth_l1_loss(torch.tensor([0.05, 2.]), torch.zeros(2), 0.1, 'none')
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


def test_losses_and_gradients_of_2019(golden):
    for case in golden('model/image_units_a')['losses']:
        args = [torch.tensor(value, dtype=getattr(torch, kind))
                for value, kind in zip(case['args'], case['dtypes'])]
        loss = getattr(losses, case['fn'])(args[0].requires_grad_(), *args[1:], **case['kwargs'])
        got = torch.stack(loss) if isinstance(loss, list) else loss
        want = torch.tensor(case['value']).reshape(got.shape)
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-6)
        if 'grad' in case:
            got.sum().backward()
            torch.testing.assert_close(args[0].grad, torch.tensor(case['grad']),
                                       rtol=1e-5, atol=1e-6)


def test_focal_loss_forgets_what_is_easy_and_takes_extreme_logits():
    logits = torch.tensor([[-200., 200., 3.]], requires_grad=True)
    loss = sigmoid_focal_loss(logits, torch.tensor([[0, 1, 0]]), reduction='none')
    assert loss[0, 0] == loss[0, 1] == 0
    want = .75 * (1 / (1 + math.exp(-3)))**2 * math.log(1 + math.exp(3))
    assert loss[0, 2].item() == pytest.approx(want, rel=1e-5)
    loss.sum().backward()
    assert logits.grad.isfinite().all()
    nothing = weighted_sigmoid_focal_loss(logits[:0], torch.zeros(0, 3), torch.zeros(0, 3))
    assert nothing.item() == 0 and nothing.requires_grad


def test_accuracy_is_percent():
    logits = torch.eye(4)
    assert accuracy(logits, torch.tensor([0, 1, 0, 0])).item() == 50
