"""Numbers of videos, classes and objects: what stays as it was, and what is told if not."""
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mmdet.formats.exchange import Category, Given, Mark, Track, Video, build_format, convert
from mmdet.formats.exchange.json_entries import category_entries
from mmdet.formats.exchange.numbering import NEW_CLASSES, NEW_NUMBERS, NEW_VIDEOS, kept_or_new

sys.path.insert(0, str(Path(__file__).parent))
from made_up import InMemory, rle_of  # noqa: E402

ALL = {NEW_CLASSES, NEW_NUMBERS, NEW_VIDEOS}


@pytest.mark.parametrize('ids, lowest, numbers, new', [
    ([0, 4], 0, [0, 4], 0), ([0, 4], 1, [1, 2], 2), ([1, 'a'], 1, [1, 2], 1), ([3.0], 1, [3], 0),
    ([None, None], 1, [1, 2], 0), ([2, 2], 1, [1, 2], 1), ([-1, 5], 0, [1, 2], 2)])
def test_kept_or_new(ids, lowest, numbers, new):
    assert kept_or_new(ids, lowest=lowest) == (numbers, new)
    assert kept_or_new(ids, keep=False) == ([*range(1, len(ids) + 1)], 0)


def test_classes_keep_their_numbers_beside_new_ones():
    lost = Counter()
    listed = [Category('car', 1), Category('dog', 3, 'animal')]
    assert category_entries(listed, ['dog', 'van', 'cat'], lost) == [
        dict(id=1, name='car'), dict(id=3, name='dog', supercategory='animal'),
        dict(id=4, name='cat'), dict(id=5, name='van')]
    assert not +lost
    assert category_entries([Category('a', 'x'), Category('b', 2)], [], lost) == [
        dict(id=1, name='a'), dict(id=2, name='b')]
    assert lost == {NEW_CLASSES: 1}


def written(name, tmp_path, ids, category_ids=(0, 1), **options):
    memory = InMemory([Video(f'v{key}', [f'v{key}/0.jpg'], 4, 4, [
        Track(1, 'car', {0: Mark(rle_of(np.ones((4, 4), np.uint8)))})], id=key) for key in ids])
    memory.categories = [Category(n, key) for n, key in zip(('car', 'dog'), category_ids)]
    outcome = convert(Given(tmp_path), memory, build_format(name, **options),
                      str(tmp_path / 'out.json'))
    content = json.loads((tmp_path / 'out.json').read_text())
    videos = ([one['id'] for one in content['videos']] if name == 'ytvis'
              else [one['video_id'] for one in content['images']])
    return (videos, [one['id'] for one in content['categories']],
            {what: count for what, count in outcome.lost.items() if what in ALL and count})


@pytest.mark.parametrize('name', ['ytvis', 'coco'])
def test_result_files_go_on_naming_the_same_videos_and_classes(name, tmp_path):
    same_object = {NEW_NUMBERS: 1} if name == 'ytvis' else {}  # both videos number theirs 1
    assert written(name, tmp_path, (0, 1)) == ([0, 1], [0, 1], same_object)
    assert written(name, tmp_path, (0, 1), ('a', 'b')) == (
        [0, 1], [1, 2], {**same_object, NEW_CLASSES: 2})
    assert written(name, tmp_path, ('x', 'y')) == (
        [1, 2], [0, 1], {**same_object, NEW_VIDEOS: 2})
    assert written(name, tmp_path, (None, None)) == ([1, 2], [0, 1], same_object)
    if name == 'ytvis':
        assert written(name, tmp_path, (0, 1), renumber=True) == ([1, 2], [1, 2], {})


def test_every_nth_frame_says_how_many_were_written(tmp_path):
    memory = InMemory([Video('v', [f'v/{i}.jpg' for i in range(5)], 4, 4, [
        Track(1, 'car', {i: Mark(rle_of(np.ones((4, 4), np.uint8))) for i in range(5)})])])
    outcome = convert(Given(tmp_path), memory, build_format('coco', every=2),
                      str(tmp_path / 'out.json'))
    assert 'of every 2 frames one is written: 3 images, 3 annotations' in outcome.notes
