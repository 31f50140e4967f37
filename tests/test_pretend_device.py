"""The pretend device refuses what a GPU refuses and counts what makes the host wait."""
import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F


def test_values_and_gradients_are_those_of_the_host(pretend):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
                        nn.Linear(4 * 36, 5))
    there = copy.deepcopy(net).to(pretend.device)
    x, target = torch.randn(2, 3, 8, 8), torch.tensor([1, 4])
    for model, put in ((net, lambda t: t), (there, pretend.put)):
        F.cross_entropy(model(put(x)), put(target)).backward()
    for (name, want), got in zip(net.named_parameters(), there.parameters()):
        assert got.device == got.grad.device == pretend.device
        torch.testing.assert_close(pretend.get(got.grad), want.grad, msg=name)
    torch.testing.assert_close(pretend.get(there[1].running_var), net[1].running_var)


@pytest.mark.parametrize('mix', [
    lambda x: x + torch.ones(3), lambda x: torch.cat([x, torch.ones(3)]),
    lambda x: x @ torch.ones(3), lambda x: torch.where(x > 1, x, torch.ones(3)),
    lambda x: F.linear(x, torch.ones(2, 3))])
def test_tensors_of_two_devices_do_not_mix(pretend, mix):
    x = torch.arange(3., device=pretend.device)
    with pytest.raises(RuntimeError, match='same device'):
        mix(x)
    assert pretend.get(x + torch.tensor(2.)).tolist() == [2, 3, 4]  # one number may


@pytest.mark.parametrize('read', [
    np.asarray, lambda x: x.numpy(), lambda x: x.detach().numpy(), lambda x: np.array([1.]) * x,
    lambda x: x.data_ptr()])
def test_the_host_cannot_read_its_memory(pretend, read):
    with pytest.raises((TypeError, RuntimeError), match='numpy|host'):
        read(torch.zeros(3, device=pretend.device))


WAITS = {
    'item': lambda x: x[0].item(), 'bool': lambda x: bool(x[0] > 1), 'tolist': lambda x: x.tolist(),
    'cpu': lambda x: x.cpu(), 'copy_': lambda x: torch.zeros(4).copy_(x),
    'nonzero': lambda x: x.nonzero(), 'mask': lambda x: x[x > 1],
    'masked_select': lambda x: x.masked_select(x > 1), 'unique': lambda x: x.unique(),
    'bincount': lambda x: x.long().bincount(), 'equal': lambda x: torch.equal(x, x),
    'where': lambda x: torch.where(x > 1), 'repeat': lambda x: x.repeat_interleave(x.long()),
    'one_hot': lambda x: F.one_hot(x.long()), 'tensor': lambda x: x.new_tensor([1, 2]),
    'as_tensor': lambda x: torch.as_tensor([1, 2], device=x.device),
    'to': lambda x: torch.ones(3).to(x.device), 'list index': lambda x: x[[0, 2]],
    'fill_by_mask': lambda x: x.index_put_((x > 1,), torch.ones(2, device=x.device))}
RUNS_ON = {
    'arithmetic': lambda x: (x * 2 + 1).sum(),
    'number': lambda x: torch.full((2,), 3., device=x.device),
    'masked_fill': lambda x: x.masked_fill(x > 1, 0),
    'mask = number': lambda x: x.__setitem__(x > 1, 0),
    'where number': lambda x: torch.where(x > 1, x, 0),
    'index': lambda x: x[x.long()],
    'sort': lambda x: x.sort(),
    'topk': lambda x: x.topk(2),
    'slice': lambda x: x[1:3],
    'pinned': lambda x: torch.ones(3).pin_memory().to(x.device, non_blocking=True),
    'one_hot': lambda x: F.one_hot(x.long(), 5),
    'shape': lambda x: (len(x), x.numel(), x.is_cpu),
    'iteration': lambda x: [row for row in x],
    'normal': lambda x: torch.randn_like(x)
}


@pytest.mark.parametrize('name', WAITS)
def test_waits_are_counted_with_their_line(pretend, name):
    x = torch.arange(4., device=pretend.device)
    with pretend.counting() as waits:
        WAITS[name](x)
    assert len(waits) == 1 and waits[0].kind in ('to host', 'to device', 'size')
    assert 'test_pretend_device.py' in waits[0].where


@pytest.mark.parametrize('name', RUNS_ON)
def test_nothing_else_is_counted(pretend, name):
    x = torch.arange(4., device=pretend.device)
    with pretend.counting() as waits:
        RUNS_ON[name](x)
    assert waits == []


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast(pretend, dtype):
    net, x = nn.Linear(4, 3), torch.randn(2, 4)
    there = copy.deepcopy(net).to(pretend.device)
    with torch.autocast('cpu', dtype):
        want = net(x)
    with torch.autocast(pretend.device.type, dtype):
        got = there(pretend.put(x))
        assert F.smooth_l1_loss(got, got).dtype == torch.float32
    assert got.dtype == dtype and torch.equal(pretend.get(got), want)
    got.float().sum().backward()
    assert there.weight.grad.dtype == torch.float32


def test_loss_scaling(pretend):
    net = nn.Linear(4, 3).to(pretend.device)
    sgd, scaler = torch.optim.SGD(net.parameters(), .1), torch.amp.GradScaler(pretend.device.type)
    before = pretend.get(net.weight).clone()
    for poison in (float('inf'), 1.):
        scaler.scale(net(torch.ones(1, 4, device=pretend.device)).sum() * poison).backward()
        scaler.step(sgd)
        scaler.update()
        sgd.zero_grad()
        assert torch.equal(pretend.get(net.weight), before) == (poison != 1)
    assert scaler.get_scale() == 2.**15
