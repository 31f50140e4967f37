import pytest
import torch
import torchvision

from mmdet.models import ResNet


@pytest.mark.parametrize('depth', [18, 50])
def test_equals_torchvision(depth):
    """Same weights, same last map as torchvision's ResNet."""
    theirs = getattr(torchvision.models, f'resnet{depth}')(weights=None).eval()
    ours = ResNet(depth, out_indices=(3, )).eval()
    missing, unexpected = ours.load_state_dict(theirs.state_dict(), strict=False)
    assert not missing and set(unexpected) == {'fc.weight', 'fc.bias'}
    x, taken = torch.randn(1, 3, 64, 64), []
    theirs.layer4.register_forward_hook(lambda m, i, o: taken.append(o))
    with torch.no_grad():
        theirs(x)
        assert torch.allclose(ours(x)[0], taken[0], atol=1e-5)


@pytest.mark.parametrize('depth', [18, 34, 50, 101, 152])
def test_every_depth_and_its_strides(depth):
    with torch.no_grad():
        outs = ResNet(depth).eval()(torch.randn(1, 3, 64, 64))
    assert [o.shape[-1] for o in outs] == [16, 8, 4, 2]
    assert outs[-1].shape[1] == (512 if depth < 50 else 2048)


def test_caffe_style_strides_in_the_first_convolution():
    net = ResNet(50, style='caffe')
    assert net.layer2[0].conv1.stride == (2, 2) and net.layer2[0].conv2.stride == (1, 1)


def test_frozen_stages_and_statistics():
    net = ResNet(18, frozen_stages=1).train()
    grads = {name: p.requires_grad for name, p in net.named_parameters()}
    assert not grads['conv1.weight'] and not grads['layer1.0.bn1.weight']
    assert grads['layer2.0.conv1.weight']
    assert not net.layer3[0].bn1.training and net.layer3[0].training
    before = net.layer3[0].bn1.running_mean.clone()
    net(torch.randn(2, 3, 32, 32))
    assert torch.equal(before, net.layer3[0].bn1.running_mean)


def test_trained_statistics_move():
    net = ResNet(18, frozen_stages=-1, norm_eval=False).train()
    before = net.layer3[0].bn1.running_mean.clone()
    net(torch.randn(2, 3, 32, 32))
    assert not torch.equal(before, net.layer3[0].bn1.running_mean)


def test_checkpointing_changes_memory_not_numbers():
    torch.manual_seed(0)
    plain, saving = ResNet(18, zero_init_residual=False), ResNet(18, with_cp=True)
    saving.load_state_dict(plain.state_dict())
    x = torch.randn(1, 3, 32, 32)
    for net in (plain, saving):
        net.train()(x)[-1].sum().backward()
    for a, b in zip(plain.parameters(), saving.parameters()):
        assert torch.allclose(a.grad, b.grad, atol=1e-6)


def test_bad_arguments():
    with pytest.raises(KeyError, match=r'\[18, 34, 50, 101, 152\], got 51'):
        ResNet(51)
    with pytest.raises(ValueError, match='num_stages=3'):
        ResNet(18, num_stages=3)


def test_fewer_stages_take_what_they_have_of_a_file(tmp_path):
    whole = ResNet(18)
    torch.save(whole.state_dict(), tmp_path / 'r18.pth')
    part = ResNet(18, num_stages=3, strides=(1, 2, 2), dilations=(1, 1, 1), out_indices=(2,))
    part.init_weights(str(tmp_path / 'r18.pth'))
    assert torch.equal(part.layer3[0].conv1.weight, whole.layer3[0].conv1.weight)
    torch.save(part.state_dict(), tmp_path / 'part.pth')
    with pytest.raises(ValueError, match='layer4.0.bn1.bias is missing'):
        whole.init_weights(str(tmp_path / 'part.pth'))
