"""The analysis against recorded numbers: TIVE's, and the official evaluator's."""
import numpy as np
import pytest

from mmdet.evaluation.errors import Analysis, Options, summarize
from mmdet.evaluation.errors.precision import class_mean
from mmdet.evaluation.errors.slices import slices
from mmdet.evaluation.scoring import evaluated
from mmdet.formats import YTVOS
from mmdet.utils.errors import UserError

EXACT = ('num_gt', 'type_per_result', 'counts', 'gt_per_tp', 'unmatched_gt', 'missed_gt', 'iou',
         'localisation_per_result', 'class_error_gt_per_result', 'gt_track_length',
         'result_track_length')
CLOSE = ('thresholds', 'ap_per_threshold', 'ap', 'ap50', 'dap', 'special')
AP = CLOSE[:4]


@pytest.fixture(scope='module', params=['o1', 'o2'])
def case(request, golden):
    """Golden numbers and the two summaries of a case."""
    gt, results = (golden(f'analysis/{request.param}.{name}') for name in ('gt', 'results'))
    reports = {name: summarize(Analysis(results, YTVOS(gt), Options(name, samples=0)))
               for name in ('tive', 'official')}
    return golden(f'analysis/{request.param}.golden'), reports


@pytest.mark.parametrize('key', EXACT)
def test_tive_types_and_objects(case, key):
    numbers, reports = case
    assert reports['tive'][key] == numbers[key]


@pytest.mark.parametrize('key', CLOSE)
def test_tive_points(case, key):
    numbers, reports = case
    assert reports['tive'][key] == pytest.approx(numbers[key], abs=1e-9, rel=0)


def test_tive_per_class_and_overlaps(case):
    numbers, reports = case
    for mine, theirs in zip(reports['tive']['ap_per_threshold_per_category'],
                            numbers['ap_per_threshold_per_category'], strict=True):
        assert mine == pytest.approx(theirs, abs=1e-9, rel=0)
    for mine, theirs in zip(reports['tive']['iou_per_result'], numbers['iou_per_result'],
                            strict=True):
        assert [obj for obj, _ in mine] == [obj for obj, _ in theirs]
        np.testing.assert_allclose([iou for _, iou in mine], [iou for _, iou in theirs],
                                   rtol=0, atol=1e-12)


def test_tive_ranges(case):
    numbers, reports = case
    for label, part in (numbers['ranges'] or {}).items():
        for key in AP:
            assert reports['tive']['ranges'][label][key] == pytest.approx(
                part[key], abs=1e-9, rel=0), (label, key)
        assert reports['tive']['ranges'][label]['num_gt'] == part['num_gt']


def test_official_points_are_the_same_here(case):
    numbers, reports = case
    for key in ('ap', 'ap50', 'ap_per_threshold', 'dap', 'special'):
        assert reports['official'][key] == pytest.approx(numbers[key], abs=1e-9, rel=0)


@pytest.mark.parametrize('name', ['o1_basic', 'o2_mixed', 'o3_edge', 'o4_ties', 'o5_areas',
                                  'o6_long'])
def test_official_ap_is_the_evaluators(golden, name):
    gt = YTVOS(golden(f'eval/{name}.gt'))
    found = gt.loadRes(golden(f'eval/{name}.results'))
    analysis = Analysis(golden(f'eval/{name}.results'), gt, Options(samples=0))
    evaluator = evaluated(gt, found, 'segm')
    ap = [evaluator.mean('precision', iou) for iou in evaluator.params.iouThrs]
    np.testing.assert_allclose(class_mean(analysis.ap) / 100, ap, rtol=0, atol=1e-12)
    for part in slices(('small', 'medium', 'large'), (128**2, 256**2), shared=True):
        values, number = analysis.slice_ap('area', part)
        assert (values.mean() / 100 if number else -1) == pytest.approx(
            evaluator.mean('precision', area=part.label), abs=1e-12)


def test_odd_inputs_have_the_evaluators_ap_or_are_refused(golden):
    scored = 0
    for probe in golden('eval/probes')['probes']:
        try:
            gt = YTVOS(probe['gt'])
            evaluator = evaluated(gt, gt.loadRes(probe['results']), 'segm')
        except UserError as error:
            with pytest.raises(type(error)):
                Analysis(probe['results'], YTVOS(probe['gt']))
            continue
        if not gt.anns:
            continue  # nothing to score against, which the analysis says
        ap = Analysis(probe['results'], gt).ap
        mean = evaluator.mean()
        assert (-1 if np.isnan(ap).all() else class_mean(ap).mean() / 100) == pytest.approx(
            mean, abs=1e-12), probe['name']
        scored += 1
    assert scored > 40
