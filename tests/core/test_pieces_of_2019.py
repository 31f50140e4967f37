"""Pieces of a detector compute what the 2019 code computed: image_units_a.json.gz."""
import numpy as np
import pytest
import torch

from mmdet.core import multiclass_nms
from mmdet.core.anchor import AnchorGenerator
from mmdet.core.bbox import (AssignResult, MaxIoUAssigner, SamplingResult, bbox2delta,
                             bbox_overlaps, bbox_targets, build_sampler, delta2bbox)
from mmdet.core.post_processing import (merge_aug_bboxes, merge_aug_masks, merge_aug_proposals,
                                        merge_aug_scores)


@pytest.fixture
def units(golden):
    return golden('model/image_units_a')


def close(got, want, tol=1e-4):
    np.testing.assert_allclose(got, np.array(want, np.float32).reshape(tuple(got.shape)), atol=tol,
                               rtol=tol)


def test_anchors(units):
    for case in units['anchors']:
        if case['name'].startswith('ssd'):
            continue  # their head reorders them
        for level in case['levels']:
            generator = AnchorGenerator(level['base_size'], level['scales'], level['ratios'],
                                        level['scale_major'], level['ctr'])
            grid = generator.grid_anchors(level['featmap'], level['stride'])
            valid = generator.valid_flags(level['featmap'], level['valid_size'])
            assert generator.base_anchors.tolist() == level['base_anchors']
            assert grid.tolist() == level['anchors'] and valid.int().tolist() == level['valid']


def test_assigner(units):
    for case in units['assigner']:
        result = MaxIoUAssigner(**case['kwargs']).assign(
            torch.tensor(case['boxes']), torch.tensor(case['gt_boxes']), None,
            torch.tensor(case['gt_labels']))
        assert result.gt_inds.tolist() == case['gt_inds']
        assert result.labels.tolist() == case['labels']
        close(result.max_overlaps, case['max_overlaps'], 1e-6)


def test_overlaps(units):
    case = units['overlaps']
    a, b = torch.tensor(case['a']), torch.tensor(case['b'])
    for mode in ('iou', 'iof'):
        close(bbox_overlaps(a, b, mode), case[mode], 1e-6)
    num = len(case['iou_aligned'])
    close(bbox_overlaps(a[:num], b[:num], is_aligned=True), case['iou_aligned'], 1e-6)


def draw(case, seed):
    """Indices that a sampler draws, positives or negatives, all of which it may take."""
    torch.manual_seed(seed)
    kind, num = case['sampler'], case['num_expected']
    sampler = build_sampler(dict(type=kind, num=num, pos_fraction=1, **case.get('kwargs', {})))
    gt_inds = torch.tensor(case['gt_inds'])
    assigned = AssignResult(gt_inds, torch.tensor(case['max_overlaps']))
    if 'Neg' in kind:
        return assigned, sampler.sample_neg(assigned, (gt_inds == 0).nonzero()[:, 0], num)
    return assigned, sampler.sample_pos(assigned, (gt_inds > 0).nonzero()[:, 0], num)


def test_sampled_counts(units):
    for case in units['samplers']:
        for seed in range(10):
            assigned, inds = draw(case, seed)
            assert len(inds.unique()) == len(inds)
            if 'Neg' in case['sampler']:
                hard = assigned.max_overlaps[inds] >= case['kwargs'].get('hard_thr', 0.1)
                counts = [len(inds), int(hard.sum()), int((~hard).sum())]
                assert counts in case['counts_total_hard_easy']
                continue
            check_shares(case, assigned.gt_inds[inds])


def check_shares(case, drawn):
    """Every object has its share, and all that were asked for (2019 sometimes drew fewer)."""
    available, num = case['positives_per_gt'], case['num_expected']
    each = drawn.bincount(minlength=len(available) + 1)[1:].tolist()
    share = [min(have, round(num / len(available)) + 1) for have in available]
    assert sum(each) == min(num, sum(available)) >= max(case['totals_seen_2019'])
    if sum(share) <= num:
        assert all(a >= b for a, b in zip(each, share))
    else:
        assert all(a <= b for a, b in zip(each, share)) and share == case['per_gt_max_2019']


def test_coder(units):
    case = units['coder']
    boxes, gt = torch.tensor(case['boxes']), torch.tensor(case['gt'])
    deltas = bbox2delta(boxes, gt, **case['kwargs'])
    close(deltas, case['deltas'])
    close(delta2bbox(boxes, deltas, **case['kwargs']), case['back'])
    close(delta2bbox(boxes, torch.tensor(case['big_deltas']), case['big_means'],
                     case['big_stds'], case['max_shape']), case['big_decoded'])


def test_box_targets(units):
    for case in units['bbox_target']:
        pos, neg, gt = (torch.tensor(case[key])
                        for key in ('pos_bboxes', 'neg_bboxes', 'pos_gt_bboxes'))
        inds = torch.arange(len(pos))
        sample = SamplingResult(inds, inds, pos, neg, inds, gt, torch.tensor(case['pos_gt_labels']),
                                inds < 0)
        targets = bbox_targets([sample], [0.] * 4, case['target_stds'], case['pos_weight'])
        assert targets.labels.tolist() == case['labels']
        close(targets.label_weights, case['label_weights'])
        width = case['reg_classes']
        full = torch.zeros(len(targets.labels), width, 4)
        column = targets.labels[targets.pos_inds] if width > 1 else 0
        full[targets.pos_inds, column] = targets.pos_deltas
        close(full.flatten(1), case['bbox_targets'])


def test_multiclass_nms(units):
    for case in units['multiclass_nms']:
        if case['boxes'] != 'as before':
            boxes, scores = torch.tensor(case['boxes']), torch.tensor(case['scores'])
        dets, labels = multiclass_nms(boxes, scores, case['score_thr'], case['nms'],
                                      case['max_num'])
        want, want_labels = np.array(case['det_bboxes']).reshape(-1, 5), case['det_labels']
        order = np.lexsort((-dets[:, 4], labels))
        want_order = np.lexsort((-want[:, 4], want_labels))
        assert labels[order].tolist() == np.array(want_labels, int)[want_order].tolist()
        close(dets[order], want[want_order])


def test_merging_of_views(units):
    case, metas = units['merge_aug'], units['merge_aug']['img_metas']
    close(merge_aug_proposals([torch.tensor(x) for x in case['proposals']['aug']], metas,
                              case['proposals']['cfg']), case['proposals']['merged'], 1e-5)
    boxes, scores = ([torch.tensor(x) for x in case['bboxes'][key]]
                     for key in ('aug_bboxes', 'aug_scores'))
    merged = merge_aug_bboxes(boxes, scores, [[meta] for meta in metas], None)
    close(merged[0], case['bboxes']['merged_bboxes'], 1e-5)
    close(merged[1], case['bboxes']['merged_scores'], 1e-5)
    close(merge_aug_bboxes(boxes, None, metas), case['bboxes']['merged_without_scores'], 1e-5)
    close(merge_aug_scores(scores), case['scores']['merged_tensor'], 1e-5)
    close(merge_aug_scores([x.numpy() for x in scores]), case['scores']['merged_numpy'], 1e-5)
    masks = [np.array(x) for x in case['masks']['aug']]
    weights = case['masks']['weights']
    close(merge_aug_masks(masks, metas), case['masks']['merged'], 1e-5)
    close(merge_aug_masks(masks, metas, None, weights), case['masks']['merged_weighted'], 1e-5)
    tensors = merge_aug_masks([torch.tensor(x) for x in masks], metas, weights=weights)
    close(tensors, case['masks']['merged_weighted'], 1e-5)
