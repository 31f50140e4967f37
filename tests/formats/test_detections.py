"""Files of saved detections."""
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdet.formats.detections import (MAGIC, DetectionFile, DetectionWriter, FrameDetections,
                                      join_files)

HEADER = dict(classes=['cat', 'dog'], videos=3)


def frame(rng, count, with_masks=True):
    masks = [dict(size=[20, 30], counts=rng.bytes(int(rng.integers(1, 9)))) for _ in range(count)]
    return FrameDetections(
        rng.random((count, 4), np.float32), rng.random(count, np.float32),
        rng.integers(0, 2, count), rng.random((count, 3), np.float32),
        rng.standard_normal((count, 7)).astype(np.float32), masks if with_masks else [],
        rng.random((count, 3, 5)) < .5 if with_masks else None)


def write(path, videos, header=HEADER):
    writer = DetectionWriter(path, header)
    for video, frames in videos.items():
        writer.add(video, (20, 30), frames)
    writer.close()
    return DetectionFile(path)


def assert_same(got, want):
    assert len(got) == len(want)
    for a, b in zip(got, want):
        for name in ('boxes', 'scores', 'labels', 'probs', 'embeddings'):
            x, y = getattr(a, name), getattr(b, name)
            assert np.array_equal(x, y) and x.dtype == y.dtype, name
        assert a.masks == b.masks
        assert (a.bits is None) == (b.bits is None) and np.array_equal(a.bits, b.bits)


@pytest.fixture
def videos():
    rng = np.random.default_rng(0)
    return {7: [frame(rng, n) for n in (2, 0, 3)], 'b': [frame(rng, 0)] * 2,
            3: [frame(rng, 1, with_masks=False)]}


def test_what_was_written_is_read(tmp_path, videos):
    file = write(tmp_path / 'x.det', videos)
    assert list(file.blocks) == [7, 'b', 3] and file.complete and not file.cut
    assert file.header == HEADER
    for video, frames in videos.items():
        saved = file.read(video)
        assert saved.size == (20, 30)
        assert [len(found) for found in saved.frames] == [len(found) for found in frames]
        if video != 'b':
            assert_same(saved.frames, frames)


def test_with_ids(videos):
    found = videos[7][2].with_ids(np.array([4, -1, 0]))
    assert found.obj_ids.tolist() == [4, 0] and found.masks == videos[7][2].masks[::2]
    assert np.array_equal(found.boxes, videos[7][2].boxes[[0, 2]])
    assert videos[3][0].with_ids(np.array([1])).masks == []


def test_every_whole_video_of_a_cut_file_is_read(tmp_path, videos):
    whole = write(tmp_path / 'x.det', videos)
    data = (tmp_path / 'x.det').read_bytes()
    ends = {block.start + block.length: video for video, block in whole.blocks.items()}
    start = len(data) - sum(12 + block.length for block in whole.blocks.values())
    near = {end + n for end in (start, *ends) for n in (-1, 0, 1, 8, 12, 30)}
    for length in filter(range(start, len(data) + 1).__contains__, near):
        (tmp_path / 'y.det').write_bytes(data[:length])
        file = DetectionFile(tmp_path / 'y.det')
        assert list(file.blocks) == [video for end, video in ends.items() if end <= length]
        assert file.complete == (length == len(data))
        assert file.cut == (length not in ends and length != start)


def test_parts_are_joined_in_the_order_asked_for(tmp_path, videos):
    items = list(videos.items())
    write(tmp_path / 'a', dict(items[1:]))
    write(tmp_path / 'b', dict(items[:1]))
    join_files([tmp_path / 'a', tmp_path / 'b'], tmp_path / 'x', list(videos))
    write(tmp_path / 'whole', videos)
    assert (tmp_path / 'x').read_bytes() == (tmp_path / 'whole').read_bytes()


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_damaged_file_is_told_or_harmless(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / 'damaged.det'
    rng = np.random.default_rng(1)
    want = {1: [frame(rng, 2)], 2: [frame(rng, 1)]}
    write(path, want)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        file = DetectionFile(path)
        found = {video: file.read(video).frames for video in file.blocks}
    except ValueError as error:
        assert str(path) in str(error)
    else:  # a length or the header was hit: what is read is what was written
        for video, frames in found.items():
            assert_same(frames, want[video])


def test_a_file_of_the_first_version(tmp_path, videos):
    old = {key: [replace(found, bits=None) for found in frames] for key, frames in videos.items()}
    write(tmp_path / 'x.det', old)
    first, _, rest = (tmp_path / 'x.det').read_bytes().partition(MAGIC)
    (tmp_path / 'x.det').write_bytes(b'mmdet detections 1\n' + rest)
    file = DetectionFile(tmp_path / 'x.det')
    assert file.version == 1 and DetectionFile(write(tmp_path / 'y.det', videos).path).version == 2
    assert_same(file.read(7).frames, old[7])


@pytest.mark.parametrize('content, message', [
    (b'', 'does not start with "mmdet detections 2"'),
    (b'PK\x03\x04 a zip', 'does not start with'),
    (MAGIC + b'[]\n', 'is damaged'), (MAGIC + b'{"classes": []}\n', 'is damaged'),
    (MAGIC + b'{"videos"', 'is damaged')])
def test_something_else(tmp_path, content, message):
    (tmp_path / 'x.det').write_bytes(content)
    with pytest.raises(ValueError, match=message):
        DetectionFile(tmp_path / 'x.det')


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='no such file; write one with .*--save-detections'):
        DetectionFile(tmp_path / 'x.det')
