import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from mmdet.core import MatchCoeff, TrackMemory, assign_ids, match_scores


def test_scores_by_hand():
    log_p = torch.log(torch.tensor([[.25, .75]]))
    got = match_scores(log_p, torch.tensor([.5]), torch.tensor([[0., .6]]),
                       torch.tensor([[1., 0.]]), MatchCoeff(1., 2., 10.))
    want = [math.log(.25) + math.log(.5) + 10, math.log(.75) + math.log(.5) + 1.2]
    assert torch.allclose(got, torch.tensor([want]))
    assert match_scores(log_p, None, None, None, None) is log_p


def test_new_objects_get_the_next_ids():
    assert assign_ids(torch.zeros(3, 1)).tolist() == [0, 1, 2]
    assert assign_ids(torch.tensor([[1., 0, 0], [0, 0, 5], [9, 0, 0]])).tolist() == [2, 1, 3]
    assert assign_ids(torch.zeros(0, 4)).tolist() == []


def test_the_higher_claim_wins_and_the_loser_vanishes():
    assert assign_ids(torch.tensor([[0., 3], [0, 5]])).tolist() == [-1, 0]
    assert assign_ids(torch.tensor([[0., 5], [0, 3]])).tolist() == [0, -1]
    assert assign_ids(torch.tensor([[0., 5], [0, 5]])).tolist() == [0, -1]


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 9999))
def test_ids_are_unique_and_new_ones_in_order(n, m, seed):
    g = torch.Generator().manual_seed(seed)
    ids = [i for i in assign_ids(torch.rand(n, m + 1, generator=g)).tolist() if i >= 0]
    assert len(set(ids)) == len(ids)
    new = [i for i in ids if i >= m]
    assert new == list(range(m, m + len(new)))


def memory_after(*frames, **kwargs):
    memory = TrackMemory.empty(torch.zeros(0, 2))
    for ids, value in frames:
        n = len(ids)
        memory = memory.update(torch.tensor(ids, dtype=torch.long), torch.full((n, 5),
                                                                               float(value)),
                               torch.full((n,), value), torch.full((n, 2), float(value)), **kwargs)
    return memory


def test_memory_replaces_and_appends():
    memory = memory_after(([0, 1], 1), ([1, -1, 2], 5))
    assert memory.boxes[:, 0].tolist() == [1, 5, 5]
    assert memory.embeddings[:, 0].tolist() == [1, 5, 5]
    assert memory.labels.tolist() == [1, 1, 5]  # the first label stays
    assert memory.last_seen.tolist() == [0, 1, 1] and memory.frame == 2
    assert memory_after(([0, 1], 1), ([1], 5), label_memory='latest').labels.tolist() == [1, 5]


def test_memory_is_a_value():
    before = memory_after(([0], 1))
    before.update(torch.tensor([0]), torch.ones(1, 5) * 9, torch.tensor([9]), torch.ones(1, 2) * 9)
    assert before.boxes[0, 0] == 1 and before.frame == 1


def test_an_empty_frame_changes_nothing_but_the_clock():
    memory = memory_after(([0], 1), ([], 7), ([], 7))
    assert memory.boxes[:, 0].tolist() == [1] and memory.frame == 3
    assert memory.alive(None).tolist() == [True]
    assert memory.alive(1).tolist() == [False] and memory.alive(3).tolist() == [True]
