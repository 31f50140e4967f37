"""Splits by video: stratified, seeded, refusing what cannot be split."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdet.curation.split import (find_videos, names_of, one_sided, part, shown_categories,
                                  split_time, split_videos)
from mmdet.formats.ytvos import YTVOS


def index(shown):
    """Video i shows the categories ``shown[i]``."""
    cats = sorted({cat for cats in shown for cat in cats}) or [1]
    anns = [(vid, cat) for vid, cats in enumerate(shown) for cat in cats]
    return YTVOS(dict(
        videos=[dict(id=i, width=4, height=4, length=1) for i in range(len(shown))],
        categories=[dict(id=c, name=str(c)) for c in cats],
        annotations=[dict(id=i + 1, video_id=v, category_id=c, iscrowd=0,
                          segmentations=[None]) for i, (v, c) in enumerate(anns)]))


def test_shares_of_every_category_are_kept():
    rng = np.random.RandomState(0)
    shown = [set(rng.choice(8, rng.randint(1, 4), False).tolist()) for _ in range(400)]
    ytvos = index(shown)
    val = split_videos(ytvos, 0.15, 0)
    assert abs(len(val) - 60) <= 4
    for cat in range(8):
        total = sum(cat in cats for cats in shown)
        assert abs(sum(cat in shown[v] for v in val) / total - 0.15) < 0.03


def test_same_seed_same_split():
    ytvos = index([{i % 5} for i in range(50)])
    assert split_videos(ytvos, 0.2, 3) == split_videos(ytvos, 0.2, 3)
    assert split_videos(ytvos, 0.2, 3) != split_videos(ytvos, 0.2, 4)
    assert sorted(cat % 5 for cat in split_videos(ytvos, 0.2, 3)) == sorted([0, 1, 2, 3, 4] * 2)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sets(st.integers(1, 6), max_size=3), min_size=2, max_size=14),
       st.integers(0, 9))
def test_every_category_on_both_sides_or_refused(shown, seed):
    ytvos = index(shown)
    try:
        val = split_videos(ytvos, 0.3, seed)
    except ValueError as error:
        assert any(text in str(error) for text in ('both sides', 'no annotations', 'in two'))
        return
    cats = shown_categories(ytvos)
    total = {c: sum(c in s for s in shown) for c in ytvos.cats}
    assert one_sided(val, cats, total) == [] and 0 < len(val) < len(shown)
    left, right = part(ytvos.dataset, set(ytvos.vids) - val), part(ytvos.dataset, val)
    assert len(left['videos']) + len(right['videos']) == len(shown)
    assert len(left['annotations']) + len(right['annotations']) == len(ytvos.anns)


@pytest.mark.parametrize('shown, ratio, message', [
    ([{1}], .5, 'needs two'), ([{1}, {1}], 1.5, 'between 0 and 1'),
    ([set(), set()], .5, 'no annotations'), ([{1}, {2}], .5, 'no category is seen in two'),
    ([{1, 2}, {2, 3}, {1, 3}], .5, r'cannot be put on both sides'),
])
def test_what_cannot_be_split(shown, ratio, message):
    with pytest.raises(ValueError, match=message):
        split_videos(index(shown), ratio)


def test_every_listed_name_finds_its_video():
    ytvos = index([{1}] * 6)
    for vid, folder in enumerate(['a', 'same', 'same', 'b\nc', ' d', 'ü']):
        ytvos.vids[vid]['file_names'] = [f'{folder}/0.jpg']
    names = names_of(ytvos, range(6))
    assert names == ['a', '1', '2', '3', '4', 'ü'] and find_videos(ytvos, names) == set(range(6))
    with pytest.raises(ValueError, match="has 2 videos 'same'; name them by their ids"):
        find_videos(ytvos, ['same'])
    with pytest.raises(ValueError, match='the list of videos is empty'):
        find_videos(ytvos, [])


def test_a_split_by_time_cuts_every_video():
    segms = [[dict(size=[1, 1], counts='1')] * 4, [None, None, None, dict(size=[1, 1], counts='1')]]
    data = dict(
        videos=[dict(id=7, width=1, height=1, length=4, file_names=list('abcd'))],
        categories=[dict(id=1, name='a')],
        annotations=[dict(id=i, video_id=7, category_id=1, segmentations=s, areas=[1] * 4)
                     for i, s in enumerate(segms)])
    train, val = split_time(data, .4)
    assert [side['videos'][0]['file_names'] for side in (train, val)] == [['a', 'b'], ['c', 'd']]
    assert [len(side['annotations']) for side in (train, val)] == [1, 2]
    assert val['annotations'][1]['segmentations'] == segms[1][2:]
    assert val['annotations'][1]['areas'] == [1, 1] and val['videos'][0]['length'] == 2
    with pytest.raises(ValueError, match='between 0 and 1'):
        split_time(data, 1)
    with pytest.raises(ValueError, match='has 1 frame; a split by time needs two'):
        split_time(dict(videos=[dict(id=1, file_names=['a'])]), .5)
