"""The zip for a server."""
import json
import logging
import zipfile

import pytest

from mmdet.formats import YTVOS, write_submission


@pytest.fixture
def case(golden):
    gt = {**golden('eval/o1_basic.gt'), 'annotations': []}
    return YTVOS(gt), golden('eval/o1_basic.results')


def test_zip_holds_one_json_without_folder(case, tmp_path):
    ytvos, results = case
    path = write_submission([{**r, 'note': 1} for r in results], ytvos, tmp_path / 'out')
    assert path == str(tmp_path / 'out' / 'results.zip')
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ['results.json']
        assert json.loads(archive.read('results.json')) == results
    assert json.loads((tmp_path / 'out' / 'results.json').read_text()) == results
    again = write_submission(results, ytvos, tmp_path / 'again.zip')
    assert open(again, 'rb').read() == open(path, 'rb').read()


def test_videos_without_tracks_are_counted(case, tmp_path, caplog):
    ytvos, results = case
    with caplog.at_level('WARNING', 'tests.submission'):
        write_submission(results[:1], ytvos, tmp_path, logging.getLogger('tests.submission'))
    assert '39 of 40 videos have no track, the first is 1' in caplog.text


@pytest.mark.parametrize('change, message', [
    (dict(category_id=0), r'category_id 0, which annotations does not list'),
    (dict(video_id=99), r'of video 99, which the annotation file does not list'),
    (dict(segmentations=[]), '0 segmentations for the'),
    (dict(segmentations=None, bboxes=None), 'no "segmentations"'),
])
def test_what_a_server_would_refuse(case, tmp_path, change, message):
    ytvos, results = case
    with pytest.raises(ValueError, match=message):
        write_submission(results + [{**results[0], **change}], ytvos, tmp_path)
    assert not list(tmp_path.iterdir())
