"""Scores of ids over saved detections."""
import numpy as np
import pytest

from mmdet.evaluation.errors.id_scores import IdScores, Named
from mmdet.evaluation.errors.oracle import true_ids
from mmdet.evaluation.errors.overlaid import Overlaid
from mmdet.evaluation.tracking_metrics import COMBINED, headline, tracking_scores
from mmdet.formats import YTVOS
from mmdet.formats.detections import DetectionFile, DetectionWriter, FrameDetections


def detections_of(results, gt, path):
    """A file with every mask of result tracks as a detection, and the ids that make the tracks."""
    categories, ids = sorted(gt.cats), {}
    writer = DetectionWriter(path, dict(classes=list(map(str, categories)), videos=len(gt.vids)))
    for vid, video in gt.vids.items():
        tracks = [track for track in results if track['video_id'] == vid]
        frames, mine = [], []
        for t in range(len(video['file_names'])):
            rows = [n for n, track in enumerate(tracks) if track['segmentations'][t]]
            mine += rows
            frames.append(FrameDetections(
                np.zeros((len(rows), 4), np.float32),
                np.array([tracks[n]['score'] for n in rows], np.float32),
                np.array([categories.index(tracks[n]['category_id']) for n in rows], np.int64),
                np.zeros((len(rows), 5), np.float32), np.zeros((len(rows), 2), np.float32),
                [tracks[n]['segmentations'][t] for n in rows]))
        writer.add(vid, (video['height'], video['width']), frames)
        ids[vid] = np.array(mine, np.int64)
    writer.close()
    return DetectionFile(path), ids


@pytest.mark.parametrize('case', ['o1', 'o2'])
def test_ap_is_that_of_the_recorded_tracks(golden, tmp_path, case):
    gt, results = YTVOS(golden(f'analysis/{case}.gt')), golden(f'analysis/{case}.results')
    file, ids = detections_of(results, gt, tmp_path / 'x.det')
    scores = IdScores(gt, file, sorted(gt.cats))
    found = named(scores, file, ids)
    assert scores.score('ap', found) == pytest.approx([golden(f'analysis/{case}.golden')['ap']],
                                                      abs=1e-9)
    nothing = [np.full_like(ids[video], -1) for video in scores.videos]
    assert scores.score('ap', found._replace(ids=nothing)) == [0]
    part = np.arange(len(nothing)) % 2
    one, other = (scores.score('ap', found, weights[None]) for weights in (part, 1 - part))
    assert one != other and 0 < one < 100


def named(scores, file, ids):
    labels = [np.concatenate([frame.labels for frame in file.read(video).frames])
              for video in scores.videos]
    return Named([ids[video] for video in scores.videos], labels, ['mean'] * len(scores.videos))


@pytest.mark.parametrize('case', ['o1_basic', 'o2_mixed', 'o3_edge', 'o4_ties', 'o6_long'])
def test_identity_scores_are_those_of_a_result_file(golden, tmp_path, case):
    pytest.importorskip('trackeval')
    gt, results = YTVOS(golden(f'eval/{case}.gt')), golden(f'eval/{case}.results')
    results = [track for track in results if track['category_id'] in gt.cats
               and any(track['segmentations'])]
    file, ids = detections_of(results, gt, tmp_path / 'x.det')
    scores = IdScores(gt, file, sorted(gt.cats))
    found, loaded = named(scores, file, ids), gt.loadRes(results)
    weights = np.stack([np.ones(len(scores.videos), int), np.arange(len(scores.videos)) % 2])
    for objective, name in (('hota', 'HOTA'), ('idf1', 'IDF1')):
        for weight, got in zip(weights, scores.score(objective, found, weights)):
            chosen = [video for video, n in zip(scores.videos, weight) if n]
            pooled = tracking_scores(gt, loaded, vid_ids=chosen)[COMBINED]
            assert got == pytest.approx(100 * headline(pooled)[name], abs=1e-9)


def test_a_perfect_tracker_takes_what_fits_best():
    seen = np.ones((1, 3), bool)
    found = Overlaid(  # an object of 10 pixels in 3 frames; two detections in the first of them
        frame=np.array([0, 0, 1, 2, 2]), scores=np.ones(5, np.float32),
        labels=np.zeros(5, np.int64), areas=np.full(5, 10), dt=np.array([0, 1, 2, 3]),
        gt=np.zeros(4, np.int64), pixels=np.array([5., 9., 8., 0.5]),
        gt_areas=np.full((1, 3), 10), gt_seen=seen)
    # 1 had no id, 3 is too far off to be of the object, 4 is on nothing and keeps its own
    assert true_ids(found, np.array([0, -1, 1, 2, 3]), np.array([True])).tolist() == [
        -1, 0, 0, 3, 4]
    assert true_ids(found, np.array([0, -1, 1, 1, 3]), np.array([True])).tolist() == [
        -1, 0, 0, -1, 4]
    assert true_ids(found, np.full(5, -1), np.array([False])).tolist() == [-1] * 5
