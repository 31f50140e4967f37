"""Tables, csv and the side by side view of result files."""
import csv
import io

import pytest

from mmdet.curation.split import find_videos, part
from mmdet.evaluation.report import score_file, tables, to_csv
from mmdet.formats.entries import video_name
from mmdet.formats.ytvos import YTVOS


@pytest.fixture(scope='module')
def reports(golden):
    gt = YTVOS(golden('eval/o6_long.gt'))
    results = golden('eval/o6_long.results')
    return [score_file(results, gt, tracking=False),
            score_file(results[::2], gt, tracking=False)]


def test_numbers_equal_the_golden_ones(reports, golden):
    numbers = golden('eval/o6_long.golden')
    assert list(reports[0]['all'].values()) == pytest.approx(numbers['stats'], abs=1e-12)
    assert list(reports[0]['ap_per_iou'].values()) == pytest.approx(numbers['ap_per_iou'],
                                                                    abs=1e-12)
    ap = [entry['AP'] for entry in reports[0]['classes']]
    assert ap == pytest.approx(numbers['ap_per_category'], abs=1e-12)
    assert sum(entry['tracks'] for entry in reports[0]['classes']) == 182
    assert sum(entry['objects'] for entry in reports[0]['classes']) == 85


def test_table_of_one_file(reports):
    text = tables(reports[:1])
    assert 'segm: 182 tracks, 85 objects, 24 videos' in text and '| 0.049 | 0.160 | 0.015 |' in text
    last = [line for line in text.splitlines() if line.startswith('| c')][-1]
    assert last.split()[1::2][-5:] == ['-'] * 5  # a class without objects


def test_table_of_several_files(reports):
    row = next(line for line in tables(reports).splitlines() if line.startswith('| AP '))
    first, second = (report['all']['AP'] for report in reports)
    numbers = [float(cell) for cell in row.split('|')[2:-1]]
    expected = [first, second, (first + second) / 2, min(first, second), max(first, second)]
    assert numbers == pytest.approx(expected, abs=6e-4)


def test_csv_keeps_all_digits(reports):
    rows = list(csv.DictReader(io.StringIO(to_csv(reports))))
    assert [row['class'] for row in rows[:2]] == ['all', reports[0]['classes'][0]['name']]
    assert float(rows[0]['AP']) == reports[0]['all']['AP']
    assert rows[0]['APl'] == '' and len(rows) == 22


def test_identities_when_trackeval_is_there(golden):
    pytest.importorskip('trackeval')
    gt = YTVOS(golden('eval/o1_basic.gt'))
    report = score_file(golden('eval/o1_basic.results'), gt)
    scores = golden('eval/o1_basic.trackeval')['combined']
    hota = scores['cls_comb_det_av']['HOTA']['HOTA']
    assert report['all']['HOTA'] == pytest.approx(sum(hota) / 19, abs=1e-9)
    assert report['classes'][0]['IDF1'] == pytest.approx(
        scores['cat001']['Identity']['IDF1'], abs=1e-9)


def test_some_videos_only(golden):
    pytest.importorskip('trackeval')
    gt, results = YTVOS(golden('eval/o1_basic.gt')), golden('eval/o1_basic.results')
    names = ['3', video_name(gt.vids[8]), '16']
    ids = find_videos(gt, names)
    assert ids == {3, 8, 16}
    some = score_file(results, gt, vid_ids=ids)
    cut = score_file([r for r in results if r['video_id'] in ids], YTVOS(part(gt.dataset, ids)))
    assert some == cut and some['videos'] == 3 and some['tracks'] > 0
    with pytest.raises(ValueError, match="no video 'nothing'"):
        find_videos(gt, ['3', 'nothing'])
