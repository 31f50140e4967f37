"""Frames to tracks to json: the golden files, ids of the json, odd inputs."""
import copy
import dataclasses
import json
import types

import numpy as np
import pytest

from mmdet.formats import TrackResult
from mmdet.formats.results import TrackWriter, results2json, results2json_videoseg

RLE = {'size': [2, 3], 'counts': b'024'}


def frame(**scores_and_labels):
    """``frame(a=(0.5, 1))``: object "a", score 0.5, label 1."""
    det = {ord(i): {'bbox': np.array([0, 0, 1, 1, s], np.float32), 'label': l}
           for i, (s, l) in scores_and_labels.items()}
    return TrackResult.from_classic(det, {i: dict(RLE) for i in det})


def dataset(lengths, ids=(7, 3), cat_ids=(2, 5, 9)):
    return types.SimpleNamespace(
        cat_ids=list(cat_ids),
        vid_infos=[{'id': i, 'file_names': ['f'] * n} for i, n in zip(ids, lengths)],
        img_ids=[(v, t) for v, n in enumerate(lengths) for t in range(n)])


@pytest.mark.parametrize('name', ['infer_tiny_a', 'infer_tiny_b', 'infer_paper_a'])
def test_golden(golden, name):
    case = golden(f'model/{name}')
    writer = TrackWriter(1, len(case['frames']), range(1, 41))
    for shot in case['frames']:
        objects = {o['id']: o for o in shot['objects']}
        det = {i: {'bbox': o['bbox'], 'label': o['label']} for i, o in objects.items()}
        writer.add(shot['frame_id'], TrackResult.from_classic(
            det, {i: o['rle'] for i, o in objects.items()}))
    records = writer.records()
    for got, want in zip(records, case['results_json'], strict=True):
        assert got['score'] == pytest.approx(want['score'], abs=1e-4)
        assert {**got, 'score': 0} == {**want, 'score': 0}


def test_ids_come_from_the_annotation_file(tmp_path):
    results = [frame(), frame(a=(0.5, 2)), frame(a=(1.0, 0), b=(0.25, 1))]
    before = copy.deepcopy(results)
    out = tmp_path / 'x.json'
    records = results2json_videoseg(dataset([2, 1]), results, out)
    assert json.loads(out.read_text()) == records
    mask = {'size': [2, 3], 'counts': '024'}
    assert records == [
        {'video_id': 7, 'score': 0.5, 'category_id': 9, 'segmentations': [None, mask]},
        {'video_id': 3, 'score': 1.0, 'category_id': 2, 'segmentations': [mask]},
        {'video_id': 3, 'score': 0.25, 'category_id': 5, 'segmentations': [mask]}]
    assert [r.masks for r in results] == [r.masks for r in before]
    classic = [r.to_classic() for r in results]  # as an X.pkl of 2019 holds them
    assert results2json_videoseg(dataset([2, 1]), classic, out) == records


def test_majority_label_lowest_on_ties():
    writer = TrackWriter(1, 4, [10, 20, 30])
    for t, label in enumerate([2, 1, 2, 1]):
        writer.add(t, frame(a=(0.5, label)))
    assert writer.records()[0]['category_id'] == 20


@pytest.mark.parametrize('name,score', [('mean', 0.5), ('max', 0.75), ('median', 0.5),
                                        ('coverage', 0.375)])
def test_track_score(name, score):
    writer = TrackWriter(1, 4, [10], name)
    for t, s in enumerate([0.25, 0.75, 0.5]):
        writer.add(t, frame(a=(s, 0)))
    assert writer.records()[0]['score'] == score


def test_unknown_track_score_names_the_valid():
    with pytest.raises(ValueError, match='did you mean "median"'):
        TrackWriter(1, 4, [10], 'medain')


def test_empty_video_has_no_record(tmp_path):
    assert results2json_videoseg(dataset([2]), [frame(), frame()], tmp_path / 'x.json') == []
    assert (tmp_path / 'x.json').read_text() == '[]'


@pytest.mark.parametrize('shot,message', [
    ((5, frame()), 'frame 5: the video has 2 frames'),
    ((0, frame(a=(0.5, 3))), 'label 3, but there are only 3 categories'),
    ((0, frame(a=(float('nan'), 0))), 'score nan'),
    ((0, dataclasses.replace(frame(a=(.5, 0), b=(.5, 0)), masks=[RLE])), '2 objects, but 1 masks')])
def test_bad_frames_are_refused(shot, message):
    with pytest.raises(ValueError, match=message):
        TrackWriter(7, 2, [1, 2, 3]).add(*shot)


def boxes_of(shot):
    return dataclasses.replace(shot, masks=[])


def test_a_tracker_without_masks_writes_boxes(tmp_path):
    shots = [boxes_of(frame(a=(0.5, 1))), boxes_of(frame())]
    record, = results2json_videoseg(dataset([2]), shots, tmp_path / 'x.json')
    assert record['bboxes'] == [[0, 0, 2, 2], None] and 'segmentations' not in record
    again = TrackResult.from_classic(*shots[0].to_classic())
    assert again.boxes.tolist() == shots[0].boxes.tolist() and len(again.masks) == 0
    with pytest.raises(ValueError, match='frame 1: 1 objects, but 0 masks'):
        results2json_videoseg(dataset([2]), [frame(a=(.5, 1)), shots[0]], tmp_path / 'x.json')


def test_wrong_number_of_frames_leaves_the_old_file(tmp_path):
    out = tmp_path / 'x.json'
    out.write_text('old')
    with pytest.raises(ValueError, match='1 frames, but the data set has 2'):
        results2json_videoseg(dataset([2]), [frame()], out)
    assert out.read_text() == 'old' and len(list(tmp_path.iterdir())) == 1


def test_coco_boxes_and_masks(tmp_path):
    images = types.SimpleNamespace(img_ids=[4, 9], cat_ids=[1, 18])
    box, none = np.array([[1, 2, 3, 5, 0.5]], np.float32), np.zeros((0, 5), np.float32)
    results = [([none, box], [[], [RLE]]), ([none, none], [[], []])]
    files = results2json(images, results, tmp_path / 'x.json')
    boxes, masks = (json.load(open(files[k])) for k in ('bbox', 'segm'))
    assert boxes == [{'image_id': 4, 'category_id': 18, 'bbox': [1, 2, 3, 4], 'score': 0.5}]
    assert masks == [{'image_id': 4, 'category_id': 18, 'score': 0.5,
                      'segmentation': {'size': [2, 3], 'counts': '024'}}]
    only = results2json(images, [r[0] for r in results], tmp_path / 'y.json')
    assert list(only) == ['bbox', 'proposal', 'proposal_fast']
    assert json.load(open(only['bbox'])) == boxes


def test_coco_proposals(tmp_path):
    images = types.SimpleNamespace(img_ids=[4, 9], cat_ids=[7])
    results = [np.array([[1, 2, 3, 5, 0.5]], np.float32), np.zeros((0, 5), np.float32)]
    files = results2json(images, results, tmp_path / 'x.json')
    assert list(files) == ['proposal', 'proposal_fast']
    assert json.load(open(files['proposal'])) == [
        {'image_id': 4, 'category_id': 1, 'bbox': [1, 2, 3, 4], 'score': 0.5}]
    with pytest.raises(ValueError, match='image 4 has boxes of 2 classes, the data set knows 1'):
        results2json(images, [[r, r] for r in results], tmp_path / 'y.json')
