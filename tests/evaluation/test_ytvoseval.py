"""The evaluator against the official one: six cases and 108 odd inputs."""
import copy
import logging

import numpy as np
import pytest

from mmdet.evaluation import YTVOSeval, ytvos_eval
from mmdet.formats import YTVOS

CASES = ['o1_basic', 'o2_mixed', 'o3_edge', 'o4_ties', 'o5_areas', 'o6_long']
QUIET = logging.getLogger('tests.quiet')
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False


def evaluated(gt, results, iou_type='segm', **params):
    evaluator = YTVOSeval(YTVOS(gt), results, iou_type)
    for key, value in params.items():
        assert hasattr(evaluator.params, key)
        setattr(evaluator.params, key, value)
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize(QUIET)
    return evaluator


@pytest.fixture(scope='module', params=CASES)
def case(request, golden):
    """(evaluator, golden numbers) of a case."""
    name = f'eval/{request.param}'
    gt, results = golden(f'{name}.gt'), golden(f'{name}.results')
    before = copy.deepcopy((gt, results))
    evaluator = evaluated(gt, results)
    assert (gt, results) == before
    return evaluator, golden(f'{name}.golden')


def test_golden_stats(case):
    evaluator, numbers = case
    np.testing.assert_allclose(evaluator.stats, numbers['stats'], rtol=0, atol=1e-12)
    pooled = evaluated(evaluator.cocoGt.dataset, evaluator.cocoDt, useCats=0)
    np.testing.assert_allclose(pooled.stats, numbers['stats_useCats0'], rtol=0, atol=1e-12)


def test_golden_curves(case):
    evaluator, numbers = case
    precision, scores = evaluator.eval['precision'], evaluator.eval['scores']
    for mine, name in ((precision.mean(axis=1), 'precision_mean_R'),
                       (scores.mean(axis=1), 'scores_mean_R'),
                       (evaluator.eval['recall'], 'recall')):
        np.testing.assert_allclose(mine, numbers[name], rtol=0, atol=1e-12)
    for name, iou in (('ap_per_category', None), ('ap50_per_category', .5)):
        ap = [evaluator.mean('precision', iou, category=c) for c in evaluator.params.catIds]
        np.testing.assert_allclose(ap, numbers[name], rtol=0, atol=1e-12)
    ap = [evaluator.mean('precision', iou) for iou in evaluator.params.iouThrs]
    np.testing.assert_allclose(ap, numbers['ap_per_iou'], rtol=0, atol=1e-12)


def test_golden_overlaps(case):
    evaluator, numbers = case
    for pair in numbers['pairs']:
        ious = evaluator.ious.get((pair['video_id'], pair['category_id']), np.zeros((0, 0)))
        assert ious.shape == (len(pair['dt_ids']), len(pair['gt_ids']))
        np.testing.assert_allclose(ious.ravel(), np.ravel(pair['ious']), rtol=0, atol=1e-12)


def test_golden_matches(case):
    evaluator, numbers = case
    for record in numbers['matches']:
        key = record['video_id'], record['category_id']
        ids = [ann['id'] for ann in evaluator.cocoGt.vidToAnns[key[0]]
               if ann['category_id'] == key[1]]
        area = evaluator.params.areaRngLbl.index(record['area'])
        rows, ignore = evaluator.matches[key].gt_index[area], evaluator.matches[key].dt_ignore
        found = [[ids[row] if row >= 0 else 0 for row in line] for line in rows]
        assert found == record['dt_matches'], (key, record['area'])
        assert ignore[area].tolist() == np.array(record['dt_ignore'], bool).tolist()


# Inputs the official code scores although they are wrong.
REFUSED = {
    'results_unknown_category', 'results_all_unknown_category', 'results_category_null',
    'score_nan', 'score_inf', 'score_nan_tie_video2', 'results_shorter',
    'results_shorter_bad_tail', 'results_longer', 'results_zero_length',
    'size_wrong_one_frame', 'size_wrong_all_frames', 'size_wrong_but_gt_null',
    'size_same_pixels_other_shape', 'rle_zero_run_one_side', 'rle_zero_run_both_sides',
    'rle_zero_run_both_sides_differ', 'rle_leading_three_zero_runs', 'gt_unknown_category',
    'gt_unknown_video', 'gt_id_duplicate', 'gt_video_listed_twice',
    'gt_category_listed_twice', 'gt_areas_short', 'gt_areas_empty',
    'gt_uncompressed_wrong_size', 'gt_polygon_video_size_wrong',
}
# Inputs on which the official code fails although they are right.
SCORED = {
    'results_empty_list': [0, 0, 0, 0, -1, -1, 0, 0, 0, 0, -1, -1],
    'bbox': [0, 0, 0, 0, -1, -1, 0, 0, 0, 0, -1, -1],
    'bbox_gt_avg_area': [0, 0, 0, 0, -1, -1, 0, 0, 0, 0, -1, -1],
    'bbox_results_with_bboxes': [1, 1, 1, 1, -1, -1, 1, 1, 1, 1, -1, -1],
    'bbox_results_without_masks': [1, 1, 1, 1, -1, -1, 1, 1, 1, 1, -1, -1],
}


def outcome(probe):
    """The twelve numbers or the error of one probe."""
    results = probe['results']
    for track in results if isinstance(results, list) else ():
        if track.get('score') in ('NaN', 'Infinity'):
            track['score'] = float(track['score'])
    params = {k: probe[k] for k in ('useCats', 'vidIds', 'catIds', 'maxDets') if k in probe}
    before = copy.deepcopy(probe)
    try:
        return evaluated(probe['gt'], results, probe.get('iouType', 'segm'), **params).stats
    except ValueError as error:
        return error
    finally:
        assert repr(before) == repr(probe)


def test_probes(golden):
    for probe in golden('eval/probes')['probes']:
        name, got = probe['name'], outcome(probe)
        if name in SCORED:
            np.testing.assert_allclose(got, SCORED[name], atol=1e-12, err_msg=name)
        elif name in REFUSED or 'error' in probe['outcome']:
            assert isinstance(got, ValueError) and 20 < len(str(got)) < 250, (name, got)
        else:
            np.testing.assert_allclose(got, probe['outcome']['stats'], rtol=0, atol=1e-12,
                                       err_msg=name)


def test_id_zero_counts_where_users_score(golden):
    probe = next(p for p in golden('eval/probes')['probes'] if p['name'] == 'gt_id_zero')
    base = golden('eval/probes')['probes'][0]['outcome']['stats']
    stats = evaluated(probe['gt'], probe['results'], zeroIdIsFound=True).stats
    np.testing.assert_allclose(stats, base, rtol=0, atol=1e-12)
    scores = ytvos_eval(probe['results'], 'segm', YTVOS(probe['gt']), QUIET)['segm']
    np.testing.assert_allclose(list(scores.values()), base, rtol=0, atol=1e-12)


def test_ytvos_eval_logs_the_official_lines(golden, caplog):
    logger = logging.getLogger('tests.evaluation')
    numbers = golden('eval/o1_basic.golden')
    with caplog.at_level('INFO', 'tests.evaluation'):
        scores = ytvos_eval(golden('eval/o1_basic.results'), 'segm',
                            YTVOS(golden('eval/o1_basic.gt')), logger)
    assert scores['segm']['AP'] == pytest.approx(numbers['stats'][0], abs=1e-12)
    assert list(scores['segm']) == ['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR1', 'AR10',
                                    'AR100', 'ARs', 'ARm', 'ARl']
    assert len(caplog.messages) == 12
    assert caplog.messages[0] == (' Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | '
                                  'maxDets=100 ] = 0.439')
    assert caplog.messages[-1] == (' Average Recall     (AR) @[ IoU=0.50:0.95 | area= large | '
                                   'maxDets=100 ] = -')


def test_nothing_to_score_against(golden):
    gt = {**golden('eval/o1_basic.gt'), 'annotations': []}
    with pytest.raises(ValueError, match='has no annotations.*split_videos.py'):
        ytvos_eval([], 'segm', YTVOS(gt))
    assert (evaluated(gt, []).stats == -1).all()


def test_steps_out_of_order(golden):
    evaluator = YTVOSeval(YTVOS(golden('eval/o1_basic.gt')), [])
    with pytest.raises(ValueError, match=r'call evaluate\(\) first'):
        evaluator.accumulate()
    with pytest.raises(ValueError, match=r'call accumulate\(\) first'):
        evaluator.summarize(QUIET)


def test_few_unknown_categories_are_warned_of_many_are_refused(golden, spoken):
    gt, results = golden('eval/o1_basic.gt'), golden('eval/o1_basic.results')
    ytvos = YTVOS(gt)
    ytvos.loadRes([dict(results[0], category_id=77)] + results)
    assert '1 of 227 tracks' in spoken[0] and 'ids run from 1 to 5' in spoken[0]
    with pytest.raises(ValueError, match='226 of 226 tracks.*map the labels'):
        ytvos.loadRes([dict(r, category_id=r['category_id'] + 50) for r in results])
