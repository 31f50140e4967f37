"""Order, sharding and resume of the loader."""
import cv2
import numpy as np
import pytest
import torch

from mmdet.datasets import YTVOSDataset, build_dataloader
from mmdet.datasets.loader import DistributedGroupSampler, GroupSampler, collate
from mmdet.datasets.loader.build_loader import init_worker


class _Flags:
    """A data set as far as a sampler looks."""

    def __init__(self, *sizes):
        flags = np.repeat(np.arange(len(sizes), dtype=np.uint8), sizes)
        self.flag = np.random.default_rng(0).permutation(flags)


def _indices(sampler):
    return [index for _, index in sampler]


def test_batches_are_full_and_of_one_group():
    data = _Flags(13, 22)
    sampler = GroupSampler(data, 4)
    order = _indices(sampler)
    assert len(order) == len(sampler) == 16 + 24
    assert set(order) == set(range(35))
    groups = data.flag[np.reshape(order, (-1, 4))]
    assert (groups == groups[:, :1]).all()
    assert np.bincount(order).max() == 2  # the gaps are filled with different items


def test_order_is_a_function_of_seed_and_epoch():
    data = _Flags(13, 22)
    first, second, other = (GroupSampler(data, 4, seed=seed) for seed in (1, 1, 2))
    start = list(first)
    assert list(second) == start and list(other) != start and start[0][0] == 0
    first.set_epoch(1)
    again = list(first)
    assert again[0][0] == 1 and _indices(first) != [i for _, i in start]
    first.set_epoch(0)
    assert list(first) == start


def test_ranks_share_the_steps_of_one_process():
    data = _Flags(5, 30)
    whole = np.reshape(_indices(GroupSampler(data, 6, seed=3)), (-1, 6))
    ranks = [DistributedGroupSampler(data, 2, 3, rank, seed=3) for rank in range(3)]
    parts = [np.reshape(_indices(sampler), (-1, 2)) for sampler in ranks]
    assert (np.hstack(parts) == whole).all()
    assert [len(sampler) for sampler in ranks] == [12, 12, 12]


def test_resume_in_the_middle_of_an_epoch():
    sampler = DistributedGroupSampler(_Flags(9, 9), 2, 2, 1, seed=0)
    sampler.set_epoch(4)
    whole = list(sampler)
    sampler.set_epoch(4, start_iter=3)
    assert list(sampler) == whole[6:] and len(sampler) == len(whole)
    sampler.set_epoch(5)
    assert len(list(sampler)) == len(whole)
    with pytest.raises(ValueError, match='expected 0 to 6'):
        sampler.set_epoch(4, start_iter=7)


def test_group_smaller_than_a_step():
    order = _indices(GroupSampler(_Flags(1), 4))
    assert order == [0, 0, 0, 0]


def test_init_worker_keeps_to_one_thread():
    threads = torch.get_num_threads()
    init_worker(0)
    assert torch.get_num_threads() == 1
    torch.set_num_threads(threads)


@pytest.fixture
def dataset(make_videos, track):
    box = (5, 6, 10, 8)
    args = make_videos([5, 4], [track(1, 10, [box] * 5), track(2, 20, [box] * 4)])
    args['img_scale'] = [(60, 40), (180, 120)]
    return YTVOSDataset(**args, with_track=True, flip_ratio=0.5, aug_ref_bbox_param=(0.1, 0.1))


def _run(dataset, workers, epochs=(0, 1)):
    """Everything random in the batches of some epochs of one loader."""
    loader = build_dataloader(dataset, 2, workers, seed=7)
    assert loader.num_workers == workers
    seen = []
    for epoch in epochs:
        loader.sampler.set_epoch(epoch)
        for batch in loader:
            seen.append([(m['video_id'], m['frame_id'], m['flip'], m['img_shape'], b.tolist())
                         for m, b in zip(batch['img_meta'], batch['ref_bboxes'])])
    return seen


def test_number_of_workers_changes_nothing(dataset):
    alone = _run(dataset, 0)
    assert alone == _run(dataset, 1) == _run(dataset, 2)
    assert alone[:5] != alone[5:]  # persistent workers know the epoch
    assert alone[5:] == _run(dataset, 2, epochs=[1])


def test_unshuffled_loader_keeps_the_order(dataset):
    loader = build_dataloader(dataset, 2, 0, dist=False, shuffle=False)
    seen = [(m['video_id'], m['frame_id']) for batch in loader for m in batch['img_meta']]
    assert seen == [(10, t) for t in range(5)] + [(20, t) for t in range(4)]


def test_dist_false_multiplies_the_batch(dataset):
    loader = build_dataloader(dataset, 2, 0, num_gpus=3, dist=False)
    assert [len(batch['img']) for batch in loader] == [6, 6]


def test_collate_stacks_nothing():
    batch = collate([dict(img=torch.zeros(2, 3), n=1), dict(img=torch.zeros(4, 5), n=2)])
    assert [tuple(img.shape) for img in batch['img']] == [(2, 3), (4, 5)] and batch['n'] == [1, 2]


def test_opencv_is_kept_to_one_thread_before_workers_start(dataset, monkeypatch):
    """In a forked worker it would wait, now and then, for threads that only its parent has."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    build_dataloader(dataset, 2, 1)
    assert cv2.getNumThreads() == 1
    cv2.setNumThreads(before)
    monkeypatch.delattr(cv2, 'setNumThreads')
    init_worker(0)
