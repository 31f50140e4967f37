import pytest
import torch

from mmdet.models import ConvFCBBoxHead, FCNMaskHead, RPNHead, SharedFCBBoxHead, TrackHead


def test_track_head_by_hand():
    head = TrackHead(num_fcs=2, in_channels=1, roi_feat_size=1, fc_out_channels=2)
    for fc, weight in zip(head.fcs, ([[1.], [-1.]], [[1., 0], [0, -1.]])):
        fc.weight.data, fc.bias.data = torch.tensor(weight), torch.zeros(2)
    x = head(torch.tensor([3., -2.]).view(2, 1, 1, 1))
    assert x.tolist() == [[3, 0], [0, -2]]  # ReLU between the layers, none behind
    assert head.match(x, x).tolist() == [[0, 9, 0], [0, 0, 4]]
    head.final_relu = True
    assert head(torch.tensor([-2.]).view(1, 1, 1, 1)).tolist() == [[0, 0]]


def test_match_logits_are_float32_under_autocast():
    head = TrackHead(in_channels=2, roi_feat_size=1, fc_out_channels=4)
    x, refs = torch.randn(3, 4), torch.randn(2, 4)
    want = head.match(x, refs)
    for dtype in (torch.bfloat16, torch.float16):
        with torch.autocast('cpu', dtype):
            assert torch.equal(head.match(x, refs), want)


def test_track_loss_averages_over_positives_then_images():
    head = TrackHead(in_channels=1, roi_feat_size=1, fc_out_channels=2)
    logits = [torch.tensor([[0., 0.], [100., 0.]]), torch.tensor([[0., 100.]]), torch.zeros(0, 3)]
    targets = [torch.tensor([1, 0]), torch.tensor([1]), torch.zeros(0, dtype=torch.long)]
    losses = head.loss(logits, targets)
    assert losses['loss_match'].item() == pytest.approx(torch.log(torch.tensor(2.)).item() / 2 / 3)
    assert losses['match_acc'].item() == pytest.approx(200 / 3)
    heavy = head.loss(logits, targets, pos_weight=3)
    assert heavy['loss_match'].item() == pytest.approx(3 * losses['loss_match'].item())


def test_track_head_refuses():
    with pytest.raises(ValueError, match='three numbers'):
        TrackHead(match_coeff=[1, 2])
    with pytest.raises(ValueError, match='dynamic=False'):
        TrackHead(dynamic=False)


@pytest.mark.parametrize('layers', [
    dict(), dict(num_shared_convs=1), dict(num_shared_fcs=1), dict(num_cls_fcs=1),
    dict(num_shared_convs=1, num_cls_convs=1, num_reg_fcs=2), dict(with_avg_pool=True),
    dict(with_avg_pool=True, num_shared_fcs=1), dict(reg_class_agnostic=True)])
def test_convfc_head_shapes(layers):
    head = ConvFCBBoxHead(in_channels=4, conv_out_channels=6, fc_out_channels=5, num_classes=3,
                          **layers)
    head.init_weights()
    cls, reg = head(torch.randn(2, 4, 7, 7))
    assert cls.shape == (2, 3) and reg.shape == (2, 4 if head.reg_class_agnostic else 12)
    assert head(torch.zeros(0, 4, 7, 7))[0].shape == (0, 3)


def test_shared_fc_head_needs_a_layer():
    with pytest.raises(ValueError, match='num_fcs >= 1, got 0'):
        SharedFCBBoxHead(num_fcs=0)


@pytest.mark.parametrize('method', ['deconv', 'nearest', 'bilinear', None])
def test_mask_head_shapes(method):
    head = FCNMaskHead(num_convs=1, in_channels=4, conv_out_channels=6, upsample_method=method,
                       num_classes=3)
    head.init_weights()
    side = 14 if method is None else 28
    assert head(torch.randn(2, 4, 14, 14)).shape == (2, 3, side, side)


def test_mask_head_picks_the_class():
    head = FCNMaskHead(num_convs=1, in_channels=4, conv_out_channels=6, num_classes=3)
    logits = torch.full((2, 3, 2, 2), -9.)
    logits[0, 1], logits[1, 2] = 9, 9
    assert (head.probabilities(logits, torch.tensor([0, 1])) > .5).all()
    with pytest.raises(ValueError, match="got 'carafe'"):
        FCNMaskHead(upsample_method='carafe')


def rpn_inputs(head):
    maps = [torch.randn(1, 4, 8, 12), torch.randn(1, 4, 4, 6)]
    return head(maps), [dict(img_shape=(60, 90, 3), pad_shape=(64, 96, 3))]


CFG = dict(nms_pre=50, nms_post=40, max_num=30, nms_thr=.7, min_bbox_size=0,
           nms_across_levels=False)


@pytest.mark.parametrize('change, most', [
    ({}, 30), (dict(nms_across_levels=True), 30), (dict(nms_post=4), 8), (dict(nms_pre=3), 6),
    (dict(min_bbox_size=1000), 0)])
def test_proposals_obey_their_limits(change, most):
    torch.manual_seed(0)
    head = RPNHead(4, feat_channels=4, anchor_scales=[4], anchor_strides=[8, 16])
    raw, meta = rpn_inputs(head)
    proposals, = head.get_proposals(*raw, meta, {**CFG, **change})
    assert 0 < len(proposals) <= most or most == 0 == len(proposals)
    assert (proposals[:-1, 4] >= proposals[1:, 4]).all()
    assert (proposals[:, :4] >= 0).all() and (proposals[:, 2] <= 89).all()
