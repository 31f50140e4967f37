"""YTVOSDataset: what trains, what is ignored, which classes and ids samples carry."""
import json
import pathlib

import numpy as np
import pytest
import torch

from mmdet.datasets import YTVOSDataset


def _rewrite(args, change):
    path = pathlib.Path(args['ann_file'])
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_only_frames_with_a_valid_object_train(make_videos, track):
    dataset = YTVOSDataset(**make_videos([4, 3], [
        track(1, 10, [None, (5, 5, 10, 8), None, (6, 5, 10, 8)]),
        track(2, 10, [(0, 0, 9, 9)] * 4, crowd=1),
        track(3, 20, [(1, 1, 5, 5), (1, 1, 0.5, 5), None]),
    ]), with_track=True)
    assert dataset.img_ids == [(0, 1), (0, 3), (1, 0)]
    assert dataset[0]['img_meta']['frame_id'] == 1 and dataset[2]['img_meta']['video_id'] == 20


def test_boxes_are_inclusive_and_scaled(make_videos, track):
    item = YTVOSDataset(**make_videos([1], [track(1, 10, [(5, 6, 10, 8)])]))[0]
    assert item['gt_bboxes'].tolist() == [[10, 12, 28, 26]]  # (5 6 14 13) * 2
    assert item['img'].shape == (80, 120, 3) and item['gt_masks'].shape == (1, 96, 128)
    ys, xs = np.nonzero(item['gt_masks'][0].numpy())
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (10, 29, 12, 27)


def test_crowds_do_not_shift_masks(make_videos, track):
    item = YTVOSDataset(**make_videos([1], [
        track(1, 10, [(0, 0, 6, 6)], crowd=1), track(2, 10, [(20, 10, 10, 10)]),
        track(3, 10, [(0, 20, 3, 3)], crowd=1), track(4, 10, [(40, 10, 5, 5)])]))[0]
    assert item['gt_masks'].flatten(1).sum(1).tolist() == [400, 100]
    assert item['gt_bboxes_ignore'].tolist() == [[0, 0, 10, 10], [0, 40, 4, 44]]
    assert item['gt_bboxes'][:, 0].tolist() == [40, 80]


def test_ids_and_categories_with_gaps(make_videos, track):
    args = make_videos([2], [track(70, 10, [(0, 0, 6, 6)] * 2, category=9),
                             track(5, 10, [(9, 9, 6, 6)] * 2, category=4)], categories=(9, 4, 30))
    dataset = YTVOSDataset(**args, with_track=True)
    assert dataset.CLASSES == ('class4', 'class9', 'class30') and dataset.cat_ids == [4, 9, 30]
    item = dataset[0]
    assert item['gt_labels'].tolist() == [2, 1] and item['gt_pids'].tolist() == [1, 2]
    assert item['img_meta']['video_id'] == 10


def test_pids_point_to_rows_of_the_reference(make_videos, track):
    args = make_videos([2], [
        track(1, 10, [(0, 0, 6, 6), None]),
        track(2, 10, [(9, 9, 6, 6)] * 2, crowd=1),
        track(3, 10, [None, (1, 1, 7, 7)]),
        track(4, 10, [(20, 5, 6, 6), (22, 5, 6, 6)])
    ])
    item = YTVOSDataset(**args, with_track=True)[0]
    assert item['gt_pids'].tolist() == [0, 2]
    assert item['ref_bboxes'].tolist() == [[2, 2, 14, 14], [44, 10, 54, 20]]


def test_single_annotated_frame_is_its_own_reference(make_videos, track):
    args = make_videos(
        [3], [track(1, 10, [None, (5, 5, 6, 6), None]),
              track(2, 10, [None, (20, 5, 6, 6), None])])
    item = YTVOSDataset(**args, with_track=True)[0]
    assert torch.equal(item['img'], item['ref_img']) and item['gt_pids'].tolist() == [1, 2]


def test_keys_follow_the_switches(make_videos, track):
    args = make_videos([2], [track(1, 10, [(5, 5, 6, 6)] * 2)])
    plain = dict(with_mask=False, with_crowd=False, with_label=False)
    assert set(YTVOSDataset(**args, **plain)[0]) == {'img', 'img_meta', 'gt_bboxes'}
    everything = set(YTVOSDataset(**args, with_track=True)[0])
    assert everything == {
        'img', 'img_meta', 'gt_bboxes', 'gt_labels', 'gt_bboxes_ignore', 'gt_masks', 'ref_img',
        'ref_bboxes', 'gt_pids'
    }


def test_flip_mirrors_pictures_boxes_and_masks(make_videos, track):
    args = make_videos([2], [track(1, 10, [(5, 6, 10, 8), (7, 6, 10, 8)])])
    plain = YTVOSDataset(**args, with_track=True)[0]
    flipped = YTVOSDataset(**args, with_track=True, flip_ratio=1)[0]
    assert flipped['img_meta']['flip'] is True
    for key in ('img', 'ref_img'):
        assert torch.equal(flipped[key], plain[key].flip(1))
    for key in ('gt_bboxes', 'ref_bboxes'):
        assert torch.equal(flipped[key][:, [2, 0]], 120 - plain[key][:, [0, 2]] - 1)
    assert torch.equal(flipped['gt_masks'][:, :80, :120], plain['gt_masks'][:, :80, :120].flip(2))


def test_several_scales(make_videos, track):
    args = make_videos([2], [track(1, 10, [(5, 6, 10, 8)] * 2)])
    args['img_scale'] = [(60, 40), (120, 80), (180, 120)]
    dataset = YTVOSDataset(**args, with_track=True)
    seen = set()
    for epoch in range(20):
        item = dataset[epoch, 0]
        assert item['img'].shape == item['ref_img'].shape
        assert item['gt_bboxes'][0, 0] == 5 * item['img_meta']['scale_factor']
        seen.add(item['img_meta']['img_shape'][:2])
    assert seen == {(40, 60), (80, 120), (120, 180)}


def test_groups_by_aspect_ratio(make_videos, track):
    args = make_videos([2, 1], [track(1, 10, [(1, 1, 5, 5)] * 2), track(2, 20, [(1, 1, 5, 5)])])
    _rewrite(args, lambda content: content['videos'][1].update(width=40, height=40))
    dataset = YTVOSDataset(**args)
    assert dataset.flag.tolist() == [1, 1, 0] and dataset.flag.dtype == np.uint8


def test_test_mode_sees_every_frame(make_videos, track):
    args = make_videos([3, 2], [track(1, 10, [None, (5, 5, 6, 6), None])])
    _rewrite(args, lambda content: content.pop('annotations'))
    dataset = YTVOSDataset(**args, test_mode=True)
    metas = [dataset[i]['img_meta'] for i in range(len(dataset))]
    seen = [(m['video_id'], m['frame_id']) for m in metas]
    assert seen == [(10, 0), (10, 1), (10, 2), (20, 0), (20, 1)]


def test_sample_depends_on_seed_epoch_and_index_only(make_videos, track):
    args = make_videos([6], [track(1, 10, [(5, 6, 10, 8)] * 6)])
    args['img_scale'] = [(60, 40), (180, 120)]
    first, second = (YTVOSDataset(**args, with_track=True, flip_ratio=0.5,
                                  aug_ref_bbox_param=(0.1, 0.1)) for _ in range(2))
    np.random.seed(1)
    for epoch, index in [(0, 0), (0, 1), (3, 1)]:
        second.set_epoch(epoch)
        a, b = first[epoch, index], second[index]
        assert torch.equal(a['ref_bboxes'], b['ref_bboxes']) and torch.equal(a['img'], b['img'])
    first.seed = 5
    assert not any(torch.equal(first[0, i]['ref_bboxes'], second[0, i]['ref_bboxes'])
                   for i in range(6))


def test_no_mask_is_decoded_at_start(make_videos, track, monkeypatch):
    from mmdet.formats.ytvos import YTVOS
    args = make_videos([2], [track(1, 10, [(5, 6, 10, 8)] * 2), track(2, 10, [None, (8, 8, 4, 4)])])
    calls = []
    decode = YTVOS.annToMask
    monkeypatch.setattr(YTVOS, 'annToMask', lambda self, *a: calls.append(a[1]) or decode(self, *a))
    dataset = YTVOSDataset(**args, with_track=True)
    assert calls == []
    dataset[0]
    assert calls == [0]  # the reference needs none


def test_default_classes_keep_their_spelling(make_videos, track):
    args = make_videos([1], [track(1, 10, [(1, 1, 5, 5)])], categories=range(1, 41))

    def rename(content):
        for category, name in zip(content['categories'], YTVOSDataset.CLASSES):
            category['name'] = name.replace('_', ' ')

    _rewrite(args, rename)
    assert YTVOSDataset(**args, classes=list(YTVOSDataset.CLASSES)).CLASSES == YTVOSDataset.CLASSES


@pytest.mark.parametrize('classes',
                         [['class2', 'class1'], ['class1'], ['class1', 'class2', 'class3']])
def test_other_classes_than_the_file(make_videos, track, classes):
    args = make_videos([1], [track(1, 10, [(1, 1, 5, 5)])])
    with pytest.raises(ValueError, match='annotations.json.*classes differ.*place'):
        YTVOSDataset(**args, classes=classes)


def test_frame_missing_or_of_other_size(make_videos, track):
    args = make_videos([2], [track(1, 10, [(1, 1, 5, 5)] * 2)])
    pathlib.Path(args['img_prefix'], 'v0/00001.png').unlink()
    with pytest.raises(FileNotFoundError, match='00001.png: frame missing.*img_prefix'):
        YTVOSDataset(**args)[1]
    _rewrite(args, lambda content: content['videos'][0].update(width=61))
    with pytest.raises(ValueError, match='expected 61x40 pixels.*got 60x40'):
        YTVOSDataset(**args)[0]
    pathlib.Path(args['img_prefix'], 'v0/00000.png').write_bytes(b'no picture')
    with pytest.raises(ValueError, match='could not decode'):
        YTVOSDataset(**args)[0]


@pytest.mark.parametrize('change, message', [
    (lambda c: c['annotations'][0]['segmentations'].pop(), 'one entry per frame'),
    (lambda c: c['annotations'][0].pop('areas'), 'annotation 1 has no "areas"'),
    (lambda c: c['annotations'][0]['segmentations'].__setitem__(1, None),
     'annotation 1, frame 1.*no segmentation'),
    (lambda c: c.update(annotations=[]), 'nothing to train on.*split_videos'),
    (lambda c: c.update(videos={'003234408d': {'objects': {}}}), 'YouTube-VOS'),
    (lambda c: c['videos'][0].pop('file_names'), 'file_names'),
])
def test_files_that_contradict_themselves(make_videos, track, change, message):
    args = make_videos([2], [track(1, 10, [(1, 1, 5, 5)] * 2)])
    _rewrite(args, change)
    with pytest.raises(ValueError, match=message):
        YTVOSDataset(**args)


def test_missing_annotation_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='train_sub.json'):
        YTVOSDataset(str(tmp_path / 'train_sub.json'), '', (640, 360), dict(mean=[0, 0, 0]))


def test_views_of_a_frame_to_test(make_videos, track):
    args = make_videos([1], [track(1, 10, [(1, 1, 5, 5)])])
    plain = YTVOSDataset(**args, test_mode=True)[0]
    both = YTVOSDataset(**{**args, 'img_scale': [(120, 80), (60, 40)]}, test_mode=True,
                        flip_ratio=1)[0]
    assert [meta['flip'] for meta in both['img_meta']] == [False, True] * 2
    assert [meta['img_shape'][1] for meta in both['img_meta']] == [120, 120, 60, 60]
    assert torch.equal(both['img'][0], plain['img'])
    assert torch.equal(both['img'][1], plain['img'].flip(1))
    assert all(meta['ori_shape'] == plain['img_meta']['ori_shape'] for meta in both['img_meta'])


@pytest.mark.parametrize('wrong', [
    dict(flip_ratio=1.5),
    dict(img_scale=640),
    dict(img_scale=[(640,)]),
    dict(aug_ref_bbox_param=(0.1,)),
    dict(extra_aug=dict(random_crop=dict()))
])
def test_wrong_arguments(make_videos, track, wrong):
    args = make_videos([1], [track(1, 10, [(1, 1, 5, 5)])])
    with pytest.raises(ValueError, match='YTVOSDataset'):
        YTVOSDataset(**{**args, **wrong})


def test_misspelt_norm_key(make_videos, track):
    args = make_videos([1], [track(1, 10, [(1, 1, 5, 5)])])
    with pytest.raises(TypeError, match='did you mean "mean"'):
        YTVOSDataset(**{**args, 'img_norm_cfg': dict(means=[0, 0, 0])})
