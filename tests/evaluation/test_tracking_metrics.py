"""HOTA and identity scores against TrackEval's own run on the golden cases."""
import numpy as np
import pytest

from mmdet.evaluation.tracking_metrics import headline, load_metrics, tracking_scores
from mmdet.formats.ytvos import YTVOS

pytest.importorskip('trackeval')
CASES = ['o1_basic', 'o2_mixed', 'o3_edge', 'o4_ties', 'o5_areas', 'o6_long']


@pytest.mark.parametrize('case', CASES)
def test_golden(golden, case):
    gt = YTVOS(golden(f'eval/{case}.gt'))
    mine = tracking_scores(gt, gt.loadRes(golden(f'eval/{case}.results')))
    theirs = golden(f'eval/{case}.trackeval')
    names = {cat['name']: cat['id'] for cat in gt.cats.values()}
    for key, scores in theirs['combined'].items():
        got = mine[names.get(key, key)]
        for metric in ('HOTA', 'Identity'):
            for field, value in scores[metric].items():
                np.testing.assert_allclose(got[metric][field], value, rtol=0, atol=1e-9,
                                           err_msg=f'{key} {metric} {field}')
        for field in ('CLR_TP', 'CLR_FN', 'CLR_FP', 'MT', 'ML', 'IDSW'):
            slack = theirs['order_sensitive'].get(f'CLEAR.{field}', 0)
            assert abs(got['CLEAR'][field] - scores['CLEAR'][field]) <= slack, (key, field)


def test_perfect_tracks_score_one(golden):
    gt = YTVOS(golden('eval/o1_basic.gt'))
    tracks = [dict(video_id=a['video_id'], category_id=a['category_id'], score=1,
                   segmentations=a['segmentations']) for a in gt.anns.values()]
    scores = headline(tracking_scores(gt, gt.loadRes(tracks))['cls_comb_det_av'])
    assert scores == dict(HOTA=1, DetA=1, AssA=1, IDF1=1, IDSW=0)
    assert headline(tracking_scores(gt, gt.loadRes([]))['cls_comb_det_av'])['HOTA'] == 0


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'trackeval.metrics', None)
    with pytest.raises(ImportError, match='pip install trackeval'):
        load_metrics()
