"""Run-length codes: read without pixels, refused before pycocotools could trip over them."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as mask_utils

from mmdet.formats import rle as rle_module
from mmdet.formats.rle import BadMask, check_runs, decode_counts, rle_areas
from mmdet.formats.segmentations import check_tracks, to_rles

MASKS = st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**31 - 1),
                  st.sampled_from([0, .02, .5, .98, 1]))


def mask_of(height, width, seed, share):
    """Blocky random mask: runs of many lengths."""
    rng = np.random.RandomState(seed)
    mask = rng.rand(-(-height // 3), -(-width // 3)) < share
    return np.asfortranarray(np.kron(mask, np.ones((3, 3)))[:height, :width], np.uint8)


def encode(mask):
    rle = mask_utils.encode(mask)
    return dict(size=rle['size'], counts=rle['counts'].decode())


def runs_of(mask):
    """Slow oracle: run lengths, background first."""
    runs, value = [0], 0
    for pixel in mask.ravel(order='F'):
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    return runs


@settings(max_examples=150, deadline=None)
@given(st.lists(MASKS, min_size=1, max_size=5))
def test_runs_are_those_of_the_pixels(shapes):
    masks = [mask_of(*shape) for shape in shapes]
    runs = decode_counts([encode(mask)['counts'].encode() for mask in masks])
    for i, mask in enumerate(masks):
        rows = runs.rows[runs.first[i]:runs.first[i + 1]].ravel().tolist()
        expected = runs_of(mask)
        assert [runs.lead[i], *rows][:len(expected)] == expected
        assert rows[len(expected) - 1:] in ([], [0])  # a row is completed with 0


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.lists(st.integers(0, 10**6), max_size=20))
def test_areas_of_a_batch(height, width, seeds):
    masks = [mask_of(height, width, seed, .4) for seed in seeds]
    rles = [encode(mask) for mask in masks]
    np.testing.assert_array_equal(rle_areas(rles, (height, width)), [m.sum() for m in masks])
    lists = [dict(size=[height, width], counts=runs_of(mask)) for mask in masks]
    mixed = [pair[seed % 2] for pair, seed in zip(zip(rles, lists), seeds)]
    got, areas = to_rles(mixed, (height, width))
    np.testing.assert_array_equal(areas, [m.sum() for m in masks])
    for rle, mask in zip(got, masks):
        np.testing.assert_array_equal(mask_utils.decode(rle), mask)


@settings(max_examples=200, deadline=None)
@given(MASKS, st.integers(0, 10**6), st.text(min_size=1, max_size=2))
def test_a_changed_string_is_refused_or_still_a_mask(shape, place, text):
    mask = mask_of(*shape)
    rle = encode(mask)
    place %= len(rle['counts']) + 1
    rle['counts'] = rle['counts'][:place] + text + rle['counts'][place + 1:]
    try:
        area = rle_areas([rle], mask.shape)[0]
    except BadMask as error:
        assert error.index == 0 and len(str(error)) > 10
        return
    assert mask_utils.decode(rle).sum() == area == mask_utils.area(rle)


def slowly(rle, size):
    """Area, or the error's text, without the compiled loop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rle_module, 'loops', None)
        return areas_or_error(rle, size)


def areas_or_error(rle, size):
    try:
        return rle_areas([rle], size)[0]
    except BadMask as error:
        return str(error)


@pytest.mark.skipif(rle_module.loops is None, reason='the loops were not compiled')
@settings(max_examples=300, deadline=None)
@given(MASKS, st.integers(0, 10**6), st.text('0123456789:;<=>?@OPQRno~', max_size=8))
def test_the_compiled_loop_says_the_same(shape, place, text):
    rle = encode(mask_of(*shape))
    place %= len(rle['counts']) + 1
    rle['counts'] = rle['counts'][:place] + text + rle['counts'][place + len(text) // 2:]
    assert areas_or_error(rle, rle['size']) == slowly(rle, rle['size'])


@pytest.mark.parametrize('runs, message', [
    ([5, 3], 'sum to 8 pixels, not to 3 x 4 = 12'), ([5, 0, 7], 'zero'), ([0, 0, 12], 'zero'),
    ([14, -2], 'zero, negative'), ([-1, 13], 'sum to'),
    ([2**30, 3], 'too large'), ([2**34, 3], 'too large'), ([2**40, 3], 'too large'),
])
def test_runs_that_lie(runs, message):
    values = [runs[0], *runs[1:3], *(a - b for a, b in zip(runs[3:], runs[1:]))]
    text = b''.join(spell(value) for value in values)
    with pytest.raises(BadMask, match=message):
        rle_areas([dict(size=[3, 4], counts=text)], (3, 4))


def spell(value):
    """A number in the characters of COCO's format."""
    text = bytearray()
    while True:
        low, value = value & 31, value >> 5
        more = value != (-1 if low & 16 else 0)
        text.append(48 + low + 32 * more)
        if not more:
            return bytes(text)


def test_trailing_zero_and_full_masks_are_fine():
    runs = decode_counts([spell(5) + spell(7) + spell(0), spell(0) + spell(12), spell(12)])
    assert check_runs(runs, (3, 4)).tolist() == [7, 12, 0]
    rles = [dict(size=[3, 4], counts=spell(5) + spell(7) + spell(0))]
    assert rle_areas(rles, (3, 4)).tolist() == [7]
    assert rle_areas([], (3, 4)).tolist() == []


def test_the_bad_mask_is_named():
    good = encode(mask_of(9, 9, 1, .5))
    tracks = [([good, None], (9, 9)), ([good], (9, 9)), ([good, dict(good, counts='')], (9, 9))]
    with pytest.raises(BadMask, match='empty') as caught:
        check_tracks(tracks)
    assert caught.value.index == (2, 1)
    areas = check_tracks(tracks[:2])
    assert areas == [[areas[1][0], None], areas[1]]
