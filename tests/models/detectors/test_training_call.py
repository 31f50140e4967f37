"""What a training step of a detector promises besides the golden numbers."""
import math

import pytest
import torch

KEYS = {'loss_rpn_cls', 'loss_rpn_reg', 'loss_cls', 'acc', 'loss_reg', 'loss_match',
        'match_acc', 'loss_mask'}


def check(losses, keys=KEYS):
    assert set(losses) == keys
    for key, value in losses.items():
        assert value.dim() == 0 and math.isfinite(value.item()), key
        assert value.requires_grad == ('loss' in key), key


def without_objects(batch):
    """The same batch with every object gone from the key frames."""
    batch['gt_bboxes'] = [b[:0] for b in batch['gt_bboxes']]
    batch['gt_labels'] = [b[:0] for b in batch['gt_labels']]
    batch['gt_masks'] = [b[:0] for b in batch['gt_masks']]
    batch['gt_pids'] = [b[:0] for b in batch['gt_pids']]
    return batch


def test_classic_keys_and_every_trained_parameter_gets_a_gradient(cfg, build, batch):
    model = build(cfg).train()
    losses = model(return_loss=True, **batch)
    check(losses)
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


def test_no_objects_at_all(cfg, build, batch):
    losses = build(cfg).train()(**without_objects(batch))
    check(losses)
    assert losses['loss_match'].item() == losses['loss_mask'].item() == 0
    assert losses['loss_reg'].item() == losses['loss_rpn_reg'].item() == 0
    sum(v for k, v in losses.items() if 'loss' in k).backward()


def test_no_reference_objects(cfg, build, batch):
    batch['ref_bboxes'] = [b[:0] for b in batch['ref_bboxes']]
    batch['gt_pids'] = [p * 0 for p in batch['gt_pids']]
    losses = build(cfg).train()(**batch)
    check(losses)
    assert losses['loss_match'].item() == 0 and losses['match_acc'].item() == 100


def test_exactly_one_positive_has_a_match_loss_unless_asked_otherwise(cfg, build):
    head = build(cfg).track_head
    logits, target = [torch.zeros(1, 3, requires_grad=True)], [torch.tensor([2])]
    assert head.loss(logits, target)['loss_match'].item() == pytest.approx(math.log(3))
    head.skip_single_positive = True
    losses = head.loss(logits, target)
    assert losses['loss_match'].item() == 0 and losses['loss_match'].requires_grad


def test_image_smaller_than_every_anchor(cfg, build, batch):
    for meta in batch['img_meta']:
        meta['img_shape'] = (3, 3, 3)  # no anchor lies inside
    check(build(cfg).train()(**batch))


@pytest.mark.parametrize('kind, parts, gone', [
    ('MaskRCNN', ['track_head'], {'loss_match', 'match_acc'}),
    ('FasterRCNN', ['track_head', 'mask_head', 'mask_roi_extractor'],
     {'loss_match', 'match_acc', 'loss_mask'})])
def test_trains_without_the_other_heads(cfg, build, batch, kind, parts, gone):
    cfg.model.type = kind
    for part in parts:
        cfg.model.pop(part)
    for key in ['ref_img', 'ref_bboxes', 'gt_pids'] + ['gt_masks'] * (kind == 'FasterRCNN'):
        batch.pop(key)
    check(build(cfg).train()(**batch), KEYS - gone)


def test_testing_through_forward_says_what_to_call(cfg, build, batch):
    with pytest.raises(ValueError, match='call track'):
        build(cfg)(batch['img'], batch['img_meta'], return_loss=False)


def test_softmax_rpn_trains(cfg, build, batch):
    cfg.model.rpn_head.use_sigmoid_cls = False
    check(build(cfg).train()(**batch))
