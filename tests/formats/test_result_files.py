"""Result files: json lines and the pickles of 2019, read without running anything."""
import json
import pickle

import numpy as np
import pytest

from mmdet.formats.result_files import dump_results, load_results
from mmdet.formats.results import from_classic
from mmdet.formats.track_result import TrackResult
from mmdet.utils.errors import BadValue, MissingFile

RLE = dict(size=[2, 3], counts='06')


def frame(count):
    rng = np.random.RandomState(count)
    return TrackResult(rng.rand(count, 4).astype(np.float32) * 99,
                       rng.rand(count).astype(np.float32), rng.randint(0, 9, count),
                       np.arange(count) * 7, [dict(RLE, counts=b'06') for _ in range(count)])


@pytest.mark.parametrize('name', ['x.jsonl', 'x.pkl'])
def test_frames_come_back_to_the_bit(tmp_path, name):
    results = [frame(3), frame(0), frame(1)]
    dump_results(results, str(tmp_path / name))
    got = from_classic(load_results(str(tmp_path / name)))
    for a, b in zip(got, results, strict=True):
        for key in ('boxes', 'scores', 'labels', 'obj_ids'):
            assert np.array_equal(getattr(a, key), getattr(b, key))
            assert getattr(a, key).dtype == getattr(b, key).dtype
        assert [mask['size'] for mask in a.masks] == [[2, 3]] * len(b)


@pytest.mark.parametrize('name', ['x.jsonl', 'x.pkl'])
def test_images_come_back_to_the_bit(tmp_path, name):
    boxes = [np.random.RandomState(0).rand(2, 5).astype(np.float32), np.zeros((0, 5), np.float32)]
    for results in ([boxes, boxes], [(boxes, [[RLE, RLE], []])]):
        dump_results(results, str(tmp_path / name))
        got = load_results(str(tmp_path / name))
        for a, b in zip(got, results, strict=True):
            assert type(a) is type(b)
            a, b = (a, b) if isinstance(a, list) else (a[0], b[0])
            assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_proposals_stages_and_tracks_without_masks(tmp_path):
    boxes = np.arange(10, dtype=np.float32).reshape(2, 5)
    for results in ([boxes, boxes[:0]], [dict(stage0=[boxes], ensemble=([boxes], [[RLE, RLE]]))]):
        dump_results(results, str(tmp_path / 'x.jsonl'))
        assert str(load_results(str(tmp_path / 'x.jsonl'))) == str(results)
    dump_results([TrackResult(boxes[:, :4], boxes[:, 4], np.arange(2), np.arange(2), [])],
                 str(tmp_path / 'x.jsonl'))
    got, = load_results(str(tmp_path / 'x.jsonl'))
    assert np.array_equal(got.boxes, boxes[:, :4]) and got.masks == []


def test_json_lines_hold_no_pickle_and_2019_scripts_read_the_other(tmp_path):
    dump_results([frame(1)], str(tmp_path / 'x.jsonl'))
    head, line = map(json.loads, (tmp_path / 'x.jsonl').read_text().splitlines())
    assert head == dict(format='mmdet results', version=1, entries=1)
    assert line['ids'] == [0] and line['masks'] == [RLE]
    dump_results([frame(2)], str(tmp_path / 'x.pkl'))
    (det, seg), = pickle.loads((tmp_path / 'x.pkl').read_bytes())
    assert det[7]['bbox'].shape == (5, ) and seg[7]['size'] == [2, 3]


HEAD = '{"format":"mmdet results","version":1,"entries":1}\n'
LINE = dict(boxes=[[0, 0, 1, 1]], scores=[.5], labels=[0], ids=[0], masks=[RLE])


@pytest.mark.parametrize('text, words', [
    ('{}\n', 'line 1 is no head of results'), ('{"format": 3\n', 'line 1 is no head'),
    (HEAD, 'holds 0 of 1 entries, it is cut short'),
    (HEAD + json.dumps(LINE)[:40], 'line 2 is no entry of results'),
    (HEAD + json.dumps(LINE) + '\n' + json.dumps(LINE), 'holds 2 of 1 entries'),
    (HEAD + json.dumps(dict(LINE, scores=[])), 'expected numbers of shape'),
    (HEAD + json.dumps(dict(LINE, labels=[.5])), 'whole numbers'),
    (HEAD + json.dumps(dict(LINE, ids=[10**400])), 'whole numbers'),
    (HEAD + json.dumps(dict(LINE, masks=[RLE, RLE])), 'not of one length'),
    (HEAD + '{"stages":[]}', 'line 2 is no entry'),
    (HEAD + '[' * 10**5, 'line 2 is no entry'), (HEAD + '7', 'line 2 is no entry')])
def test_damaged_lines_are_named(tmp_path, text, words):
    (tmp_path / 'x.jsonl').write_text(text)
    with pytest.raises(BadValue, match=f'x.jsonl: .*{words}') as caught:
        load_results(str(tmp_path / 'x.jsonl'))
    assert len(str(caught.value)) < 400


def test_files_that_are_no_results(tmp_path):
    with pytest.raises(MissingFile, match='no such results file'):
        load_results('nowhere.pkl')
    (tmp_path / 'x.pkl').write_bytes(pickle.dumps(dict(a=1)))
    with pytest.raises(BadValue, match='expected a list with an entry per frame, got dict'):
        load_results(str(tmp_path / 'x.pkl'))
