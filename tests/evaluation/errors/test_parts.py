"""Cases worked out by hand: who holds what, oracles, single costs, slices, samples, two runs."""
import numpy as np
import pytest
from worlds import FRAMES, annotation, at, dataset, lane, rectangle, result

from mmdet.evaluation.errors import Analysis, Options, compare, summarize
from mmdet.evaluation.errors.bootstrap import draw, interval
from mmdet.evaluation.errors.causes import CAUSES
from mmdet.evaluation.errors.conventions import CONVENTIONS
from mmdet.evaluation.errors.ladder import _best_set
from mmdet.evaluation.errors.precision import Outcome, average_precision, class_mean
from mmdet.formats import YTVOS

QUICK = Options(samples=0)


def analyse(gt, results, options=QUICK):
    return Analysis(results, YTVOS(gt), options)


@pytest.fixture
def broken():
    """One object in two pieces, one of the wrong class, one behind a false track, one missed."""
    gt = dataset([annotation(1, 1, 1, lane(0)), annotation(2, 1, 1, lane(1)),
                  annotation(3, 2, 1, lane(0)), annotation(4, 2, 2, lane(1))])
    nowhere = [rectangle(3, 76, 20, 9)] * FRAMES
    return gt, [result(1, 1, .9, at(lane(0), range(5))), result(1, 1, .8, at(lane(0), range(5, 9))),
                result(1, 2, .7, lane(1)), result(2, 1, .95, nowhere), result(2, 1, .6, lane(0))]


def test_oracle_ladder(broken):
    report = summarize(analyse(*broken))
    ap50 = {rung: values['ap50'] for rung, values in report['ladder'].items()}
    assert report['type_per_result'] == ['Temp', 'Temp', 'Cls', 'Bkg', 'TP']
    # Class 1: hits at places 5; with ids 9 of 12 frames of object 1 are one track of 0.8556.
    levels = [levels_up_to(1 / 3), levels_up_to(2 / 3), levels_up_to(1)]
    assert ap50['as is'] == pytest.approx((levels[0] * 1 / 4) / 2)
    assert ap50['true ids'] == pytest.approx((levels[1] * 2 / 3) / 2)
    assert ap50['true classes'] == pytest.approx((levels[2] * 3 / 4) / 2)
    assert ap50['true masks'] == pytest.approx((levels[2] * 3 / 4) / 2)
    assert ap50['nothing false'] == pytest.approx(levels[2] / 2)
    assert report['ladder']['nothing false']['ap_per_threshold'][-1] < ap50['nothing false']


def levels_up_to(recall):
    return 100 * np.count_nonzero(np.linspace(0, 1, 101) <= recall) / 101


def test_true_masks_are_perfect_where_anything_is_found():
    poor = lane(0, 0.4)
    report = summarize(analyse(dataset([annotation(1, 1, 1, lane(0))]), [result(1, 1, 1., poor)]))
    rungs = [rung['ap'] for rung in report['ladder'].values()]
    assert rungs == pytest.approx([0, 0, 0, 100, 100])


def test_best_set_is_the_best_of_all_sets():
    rng = np.random.default_rng(0)
    for _ in range(50):
        frame = rng.integers(0, 3, 5)
        inter, extra = rng.integers(1, 9, 5), rng.integers(0, 30, 5)
        sets = [np.flatnonzero([code >> i & 1 for i in range(5)]) for code in range(1, 32)]
        sets = [rows for rows in sets if len(set(frame[rows])) == len(rows)]
        best = max(inter[rows].sum() / (40 + extra[rows].sum()) for rows in sets)
        rows = _best_set(frame, inter, inter + extra, 40)
        assert inter[rows].sum() / (40 + extra[rows].sum()) == pytest.approx(best)


def test_single_costs_equal_mending_one_by_one(golden):
    analysis = analyse(golden('analysis/o1.gt'), golden('analysis/o1.results'))
    fixes, convention = analysis.fixes[0], analysis.convention
    now = class_mean(average_precision(fixes.as_is(), convention))[0]
    for row, kind in enumerate(analysis.errors[0].kind):
        one = np.arange(len(analysis.errors[0].kind)) == row
        mended = class_mean(average_precision(fixes.mend(one & (kind > 0)), convention))[0]
        assert analysis.costs.of_result[row] == pytest.approx(max(0, mended - now), abs=1e-9)


def test_what_no_longer_counts_says_why():
    masks = lane(0)
    gt = dataset([annotation(1, 1, 1, masks), annotation(2, 1, 2, lane(1), crowd=1)])
    found = [result(1, 1, .5 + i / 1000, at(masks, [i % FRAMES])) for i in range(102)]
    found += [result(1, 2, .4, lane(1)), result(1, 9, .3, masks)]
    report = summarize(analyse(gt, found))
    assert report['left_out'] == {'class not in the annotations': 1, 'below the best 100': 2,
                                  'on a crowd or an ignored object': 1}
    assert report['type_per_result'][-2:] == [None, None] and report['num_gt'] == 1
    pooled = summarize(analyse(gt, found, Options('tive', samples=0)))
    assert pooled['left_out']['below the best 100'] == 3  # of 104, the last of no class


def test_time_since_first_seen():
    gt = dataset([annotation(1, 1, 1, at(lane(0), range(2, 8))), annotation(2, 1, 1, lane(1))])
    found = [result(1, 1, .9, at(lane(0), (3, 4, 6))), result(1, 1, .8, at(lane(0), (5, )))]
    ages = summarize(analyse(gt, found))['ages']
    assert ages['seen'] == [2] * 6 + [1] * 6
    assert ages['held'] == [0, 1, 1, 1, 1] + [0] * 7
    assert ages['kept'] == [0, 1, 1, 0, 1] + [0] * 7


def test_groups_of_objects():
    gt = dataset([annotation(1, 1, 1, at(lane(0), range(4))), annotation(2, 1, 1, lane(1)),
                  annotation(3, 2, 1, lane(0))])
    options = Options(length_limits=(4, 11), company_limits=(1, 1.4), samples=0)
    report = summarize(analyse(gt, [result(1, 1, .9, lane(1)), result(2, 1, .8, lane(0))], options))
    assert [part['num_gt'] for part in report['ranges'].values()] == [1, 0, 2]
    assert [part['ap'] for part in report['ranges'].values()] == [0, None, 100]
    # Object 2 has company in 4 of 12 frames, object 1 always, object 3 never.
    assert [part['fates']['TP'] for part in report['crowding'].values()] == [1, 1, 0]


def test_no_results_and_nothing_to_find():
    gt = dataset([annotation(1, 1, 1, lane(0))])
    report = summarize(analyse(gt, []))
    assert report['ap'] == 0 and report['missed_gt'] == [1] and report['dap']['Bkg'] == 0
    crowd = dataset([annotation(1, 1, 1, lane(0), crowd=1)], videos=[2])
    report = summarize(analyse(crowd, [result(2, 1, .5, lane(0))], Options(samples=20)))
    assert report['ap'] is None and report['dap']['Bkg'] is None
    assert report['intervals']['ap'] is None and report['type_per_result'] == ['Bkg']
    assert summarize(analyse(crowd, [result(2, 1, .5, lane(0))], Options('tive')))['ap'] == 0


def test_weighted_ap_is_that_of_repeated_videos():
    rng = np.random.default_rng(0)
    found = Outcome(rng.integers(0, 5, 40), rng.integers(0, 3, 40), rng.random(40),
                    rng.random(40) < .5, rng.integers(10, 14, (5, 3)))
    weights = draw(5, 20, seed=1)
    for name, convention in CONVENTIONS.items():
        for times, ap in zip(weights, average_precision(found, convention, weights)):
            rows = np.repeat(np.arange(40), times[found.video])
            again = Outcome(*(values[rows] for values in found[:4]),
                            np.repeat(found.objects, times, axis=0))
            again = again._replace(video=np.zeros(len(rows), int))
            np.testing.assert_allclose(average_precision(again, convention)[0], ap, atol=1e-12)


def test_intervals_are_of_whole_videos(golden):
    gt, results = golden('analysis/o2.gt'), golden('analysis/o2.results')
    reports = [summarize(analyse(gt, results, Options(samples=100, seed=s))) for s in (0, 0, 1)]
    assert reports[0] == reports[1] and reports[0]['intervals'] != reports[2]['intervals']
    low, high = reports[0]['intervals']['ap']
    assert 5 < high - low < 30 and low < reports[0]['ap'] < high
    one = summarize(analyse(dataset([annotation(1, 1, 1, lane(0))]), [result(1, 1, .5, lane(0))],
                            Options(samples=50)))
    assert one['intervals']['ap'] == pytest.approx([100, 100])
    assert interval(np.array([np.nan, np.nan]), 3.) is None


def test_two_runs(broken):
    gt, results = broken
    better = [result(1, 1, .9, lane(0)), *results[2:4]]
    report = compare(analyse(gt, results, Options(samples=50)),
                     analyse(gt, better, Options(samples=50)))
    assert report['gained'] == [1] and report['lost'] == [3]
    assert report['objects'][0] == dict(
        id=1, video=1, category=1, fate='Temp', result=0, iou=pytest.approx(5 / 12),
        other_fate='TP', other_result=0, other_iou=1.0)
    assert report['changes']['TP']['Miss'] == 1 and report['changes']['Cls']['Cls'] == 1
    assert [track['other'] for track in report['tracks']] == [None, None, 1, 2, None]
    change = report['difference']['ap50']
    assert change['value'] == pytest.approx(report['other']['ap50'] - levels_up_to(1 / 3) / 8)
    assert change['interval'][0] <= change['value'] <= change['interval'][1]


def test_an_even_split_takes_the_first_cause():
    masks = lane(0)
    gt = dataset([annotation(1, 1, 1, masks)])
    report = summarize(analyse(gt, [result(1, 1, .5, at(masks, range(4, 8)))]))
    assert report['temporal']['frames_per_result'][0] == {
        **dict.fromkeys(CAUSES, 0), 'starts_late': 4, 'ends_early': 4}
    assert report['temporal']['cause_per_result'] == ['starts_late']
    assert report['temporal']['causes']['starts_late']['dap'] == pytest.approx(100)


@pytest.mark.parametrize('change', [dict(convention='tivee'), dict(length_limits=(3, 2)),
                                    dict(size_limits=(1, )), dict(samples=-1)])
def test_wrong_options_are_one_sentence(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        Options(**change)
