"""Scores of videos with many tracks: the official numbers, and room for what overlaps only."""
import tracemalloc

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmdet.evaluation import tracking_metrics
from mmdet.evaluation.frame_pairs import FramePairs, Similarities
from mmdet.evaluation.ytvoseval import YTVOSeval
from mmdet.formats.ytvos import YTVOS

SIDE = 64


def data_of(rng, frames=12, objects=7, tracks=9):
    """A video as TrackEval's metrics take it, and its IoU (F, G, D)."""
    ious = np.round(rng.rand(frames, objects, tracks), 1) * (rng.rand(frames, objects, tracks) < .4)
    gt_ids, dt_ids = ([np.flatnonzero(rng.rand(n) < .8) for _ in range(frames)]
                      for n in (objects, tracks))
    for frame, (gt, dt) in enumerate(zip(gt_ids, dt_ids)):
        here = np.zeros_like(ious[frame])
        here[np.ix_(gt, dt)] = ious[frame][np.ix_(gt, dt)]
        ious[frame] = here
    frame, gt, dt = ious.nonzero()
    pairs = FramePairs(frame, gt, dt, ious[frame, gt, dt], frames)
    return dict(num_timesteps=frames, gt_ids=gt_ids, tracker_ids=dt_ids, pairs=pairs,
                similarity_scores=Similarities(pairs, gt_ids, dt_ids), num_gt_ids=objects,
                num_tracker_ids=tracks, num_gt_dets=sum(map(len, gt_ids)),
                num_tracker_dets=sum(map(len, dt_ids))), ious


@pytest.mark.parametrize('seed', range(6))
def test_numbers_are_those_of_trackeval(seed, monkeypatch):
    theirs = pytest.importorskip('trackeval.metrics')
    from mmdet.evaluation import hota
    data, ious = data_of(np.random.RandomState(seed))
    config = dict(THRESHOLD=.5, PRINT_CONFIG=False)
    for cells in (0, hota.MANY):
        monkeypatch.setattr(hota, 'MANY', cells)
        for mine, other in ((hota.FastHOTA(), theirs.HOTA()),
                            (hota.SparseIdentity(config), theirs.Identity(config))):
            got, want = mine.eval_sequence(data), other.eval_sequence(data)
            assert want.keys() == got.keys()
            for key in want:
                np.testing.assert_allclose(got[key], want[key], atol=1e-12, err_msg=key)
    scores = list(data['similarity_scores'])
    assert np.array_equal(scores[3], ious[3][np.ix_(data['gt_ids'][3], data['tracker_ids'][3])])


def tracks(rng, count, frames, **more):
    for place in range(count):
        masks = [None] * frames
        begin = rng.randint(frames - 2)
        for frame in range(begin, begin + 3):
            mask = np.zeros((SIDE, SIDE), np.uint8, order='F')
            y, x = rng.randint(0, SIDE - 8, 2)
            mask[y:y + 8, x:x + 8] = 1
            rle = mask_utils.encode(mask)
            masks[frame] = dict(size=[SIDE, SIDE], counts=rle['counts'].decode())
        yield dict(id=place + 1, video_id=1, category_id=1, segmentations=masks, **more)


def test_room_is_for_what_overlaps():
    pytest.importorskip('trackeval')
    rng, frames = np.random.RandomState(0), 200
    anns = [dict(ann, iscrowd=0, bboxes=[m and [0, 0, 8, 8] for m in ann['segmentations']],
                 areas=[m and 64 for m in ann['segmentations']])
            for ann in tracks(rng, 150, frames)]
    gt = YTVOS(dict(videos=[dict(id=1, width=SIDE, height=SIDE, length=frames,
                                 file_names=[f'a/{i}.jpg' for i in range(frames)])],
                    categories=[dict(id=1, name='x')], annotations=anns))
    results = gt.loadRes([dict(track, score=float(rng.rand()))
                          for track in tracks(rng, 1500, frames)])
    tracemalloc.start()
    evaluator = YTVOSeval(gt, results)
    evaluator.evaluate()
    assert evaluator.ious[1, 1].shape == (100, 150)
    scores = tracking_metrics.tracking_scores(gt, results, evaluator.pairs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    found = scores[1]['Identity']
    assert found['IDTP'] > 10 and found['IDTP'] + found['IDFN'] == 450
    assert found['IDTP'] + found['IDFP'] == 4500
    assert peak < 4e7  # tables of all tracks in all frames took 360 MB each
