"""Mean AP and recall: the recorded numbers of 2019, by hand, empty."""
import numpy as np
import pytest

from mmdet.evaluation import average_precision, eval_map, eval_recalls
from mmdet.evaluation.box_overlaps import bbox_overlaps
from mmdet.evaluation.recall import covered_overlaps


@pytest.fixture(scope='module')
def units(golden):
    return golden('model/image_units_a')


def boxes(rows, columns=4):
    return np.array([] if rows is None else rows, np.float32).reshape(-1, columns)


def test_average_precision_of_2019(units):
    case = units['average_precision']
    curve = case['recalls'], case['precisions']
    assert average_precision(*curve) == pytest.approx(case['area'], abs=1e-6)
    assert average_precision(*curve, '11points') == pytest.approx(case['eleven'], abs=1e-6)


def test_overlaps_of_2019(units):
    case = units['overlaps']
    a, b = boxes(case['a']), boxes(case['b'])
    assert bbox_overlaps(a, b) == pytest.approx(np.array(case['numpy_iou']), abs=1e-6)
    assert bbox_overlaps(a[:4], b, 'iof') == pytest.approx(np.array(case['numpy_iof']), abs=1e-6)
    more_rows = np.array(case['numpy_iof_more_rows_than_columns'])
    assert bbox_overlaps(a, b, 'iof') == pytest.approx(more_rows, abs=1e-6)


def test_mean_ap_of_2019(units):
    worlds = {
        name: ([[boxes(dets, 5) for dets in image] for image in world['det_results']],
               [boxes(rows) for rows in world['gt_bboxes']],
               [np.array(labels, int) for labels in world['gt_labels']])
        for name, world in units['eval_map']['worlds'].items()}
    cases = [case for case in units['eval_map']['cases'] if 'note' not in case]
    assert len(cases) == 60
    for case in cases:
        mean, classes = eval_map(*worlds[case['world']], print_summary=False, **case['kwargs'])
        assert mean == pytest.approx(case['mean_ap'], abs=1e-6)
        for got, want in zip(classes, case['classes'], strict=True):
            for key, value in want.items():
                assert got[key] == pytest.approx(np.array(value), abs=1e-6), key


def test_several_ranges_with_11_points_are_the_single_ones(units):
    world = units['eval_map']['worlds']['w1']
    args = ([[boxes(d, 5) for d in image] for image in world['det_results']],
            [boxes(rows) for rows in world['gt_bboxes']],
            [np.array(labels, int) for labels in world['gt_labels']])
    ranges = [(0, 40), (40, 70), (0, 10000)]
    means, _ = eval_map(*args, scale_ranges=ranges, dataset='voc07', print_summary=False)
    for mean, single in zip(means, ranges):
        assert [mean] == eval_map(*args, scale_ranges=[single], dataset='voc07',
                                  print_summary=False)[0]


def test_recalls_of_2019(units):
    gts, proposals = units['eval_recalls']['gts'], units['eval_recalls']['proposals']
    gts = [None if rows is None else boxes(rows) for rows in gts]
    for case in units['eval_recalls']['cases']:
        found = [boxes(rows, 5)[:, :4 if case.get('unscored') else 5] for rows in proposals]
        recalls = eval_recalls(gts, found, case['proposal_nums'], case['iou_thrs'])
        assert recalls == pytest.approx(np.array(case['recalls']), abs=1e-6)


def test_a_difficult_object_is_neither_found_nor_missed(spoken):
    truth, hard = [0, 0, 9, 9], [20, 20, 29, 29]
    dets = [[boxes([[*truth, 0.9], [*truth, 0.8], [*hard, 0.95], [*hard, 0.7]], 5)]]
    args = dets, [boxes([truth, hard])], [np.array([1, 1])]
    mean, (only,) = eval_map(*args, [np.array([0, 1])], dataset=['dog'])
    assert only['num_gts'] == 1 and mean == 1 and only['precision'].tolist() == [0, 1, 0.5, 0.5]
    assert '| dog   | 1   | 4    | 1.000  | 0.500     | 1.000 |' in spoken[-1]
    assert eval_map(*args, print_summary=False)[1][0]['num_gts'] == 2


def test_nothing_to_find_and_nothing_found():
    nothing = [[boxes([], 5)] * 2]
    assert eval_map(nothing, [boxes([])], [np.array([])])[0] == 0
    assert eval_map([], [], [])[0] == 0
    assert eval_map(nothing, [boxes([[0, 0, 9, 9]])], [np.array([2])])[1][1]['ap'] == 0
    assert eval_recalls([None], [boxes([], 5)], 10).tolist() == [[0]]
    assert covered_overlaps(np.zeros((0, 3))).shape == (0,)


def test_wrong_input_is_one_sentence():
    with pytest.raises(ValueError, match=r'same images, got \[1, 2, 2\]'):
        eval_map([[boxes([], 5)]], [boxes([])] * 2, [np.array([])] * 2)
    with pytest.raises(ValueError, match='image 1 has results for 2 classes, the first one for 1'):
        eval_map([[boxes([], 5)], [boxes([], 5)] * 2], [boxes([])] * 2, [np.array([])] * 2)
    with pytest.raises(ValueError, match='proposals for 2 images, got 1'):
        eval_recalls([None] * 2, [boxes([])])
    with pytest.raises(ValueError, match="'area' or '11points', got '12points'"):
        average_precision([1], [1], '12points')
