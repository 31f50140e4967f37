"""build_dataset, and data sets made of data sets."""
import pytest
import torch

from mmdet.datasets import (ConcatDataset, RepeatDataset, build_dataloader, build_dataset,
                            get_dataset)


@pytest.fixture
def cfg(make_videos, track):
    return dict(type='YTVOSDataset', with_track=True, flip_ratio=0.5, aug_ref_bbox_param=(0.1, 0.1),
                **make_videos([3], [track(1, 10, [(5, 6, 10, 8)] * 3)]))


@pytest.fixture
def other(make_videos, track):
    return make_videos([2], [track(1, 10, [(2, 2, 10, 8)] * 2)], name='other')


def test_names(cfg):
    assert get_dataset is build_dataset
    assert len(build_dataset(cfg)) == 3
    del cfg['flip_ratio']
    assert build_dataset(cfg, test_mode=True).test_mode


def test_misspelt_type_and_argument(cfg):
    with pytest.raises(KeyError, match='did you mean "YTVOSDataset"'):
        build_dataset(cfg | dict(type='YTVISDataset'))
    with pytest.raises(TypeError, match='did you mean "with_track"'):
        build_dataset(cfg | dict(with_tracks=True))
    with pytest.raises(TypeError, match='expected the config'):
        build_dataset('train.json')


def test_list_of_annotation_files(cfg, other):
    both = build_dataset(cfg | dict(ann_file=[cfg['ann_file'], other['ann_file']],
                                    img_prefix=[cfg['img_prefix'], other['img_prefix']]))
    assert len(both) == 5 and both.flag.tolist() == [1] * 5 and both.CLASSES == ('class1', 'class2')
    assert both[3]['img_meta']['frame_id'] == 0 and both[4]['img_meta']['frame_id'] == 1
    assert (both[3]['gt_bboxes'][0, 1] == 4) and both.size_divisor == 32
    with pytest.raises(ValueError, match='img_prefix lists 1 entries for 2'):
        build_dataset(cfg | dict(ann_file=[cfg['ann_file']] * 2, img_prefix=[cfg['img_prefix']]))
    with pytest.raises(IndexError):
        both[5]


def test_list_of_configs_must_agree(cfg, other):
    assert isinstance(build_dataset([cfg, cfg | other]), ConcatDataset)
    with pytest.raises(ValueError,
                       match='agree on size_divisor: the first has 32, number 2 has 16'):
        build_dataset([cfg, cfg | dict(size_divisor=16)])


def test_repeats_draw_new_numbers(cfg):
    dataset = build_dataset(dict(type='RepeatDataset', times=3, dataset=cfg))
    assert isinstance(dataset, RepeatDataset) and len(dataset) == 9 and len(dataset.flag) == 9
    frames = [dataset[i]['img_meta']['frame_id'] for i in range(9)]
    assert frames == [0, 1, 2] * 3
    assert not torch.equal(dataset[0]['ref_bboxes'], dataset[3]['ref_bboxes'])
    assert torch.equal(dataset[4, 1]['ref_bboxes'], dataset[4, 1]['ref_bboxes'])
    with pytest.raises(ValueError, match='times must be at least 1'):
        RepeatDataset(dataset, 0)


def test_repeats_load(cfg):
    dataset = build_dataset(dict(type='RepeatDataset', times=2, dataset=[cfg, cfg]))
    loader = build_dataloader(dataset, 4, 0, seed=1)
    frames = [meta['frame_id'] for batch in loader for meta in batch['img_meta']]
    assert sorted(frames) == [0] * 4 + [1] * 4 + [2] * 4
