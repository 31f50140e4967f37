"""Masks decoded inside their boxes: the pixels of pycocotools."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as mask_utils

from mmdet.formats.rle import BadMask
from mmdet.formats.rle_crops import mask_crops

SIZES = st.tuples(st.integers(1, 12), st.integers(1, 12))


def encode(mask):
    return mask_utils.encode(np.asfortranarray(mask))


@given(SIZES.flatmap(lambda size: st.lists(
    arrays(np.uint8, size, elements=st.sampled_from([0, 0, 0, 1])), min_size=1, max_size=3)))
def test_pixels_and_place(masks):
    found = mask_crops([encode(mask) for mask in masks], masks[0].shape)
    for (x, y, pixels), mask in zip(found, masks, strict=True):
        again = np.zeros_like(mask)
        again[y:y + pixels.shape[0], x:x + pixels.shape[1]] = pixels
        assert (again == mask).all() and pixels.flags.c_contiguous
        width, height = mask_utils.toBbox(encode(mask))[2:]
        assert pixels.shape == (height, width)


def test_text_and_none_and_damage():
    rle = encode(np.eye(5, dtype=np.uint8)[:, :4])
    text = dict(rle, counts=rle['counts'].decode())
    assert (mask_crops([text], (5, 4))[0].pixels == np.eye(4)).all()
    assert mask_crops([], (5, 4)) == []
    for wrong in (dict(rle, counts=rle['counts'] + b'5'), dict(rle, counts=b''), 'text'):
        with pytest.raises(BadMask):
            mask_crops([rle, wrong], (5, 4))
    with pytest.raises(BadMask, match=r'mask 0 of .*size is \[5, 4\], the video is \[4, 5\]'):
        mask_crops([rle], (4, 5))
