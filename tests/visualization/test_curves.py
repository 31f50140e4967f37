"""Curves of logs, one run and its continuation."""
import pytest

from mmdet.visualization.curves import curve, draw_run, join_logs, read_log, read_run


def test_joined_logs_hold_every_step_once(logged_run):
    records = join_logs(read_log(str(p)) for p in sorted(logged_run.glob('*.json')))
    assert curve(records, 'loss') == ([.5, 1., 1.5, 2.], [1., 1., 3., 2.])
    assert curve(records, 'segm_AP') == ([1, 2], [.25, .5])
    assert curve(records, 'nothing') == ([], [])


def test_damaged_line_is_named(logged_run):
    (logged_run / 'x.log.json').write_text('{"a": 1}\nnonsense\n{"a": 2}\n')
    with pytest.raises(ValueError, match='x.log.json:2: expected one json dict'):
        read_log(str(logged_run / 'x.log.json'))


def test_curves_of_a_run(logged_run):
    path = draw_run(str(logged_run))
    assert open(path, 'rb').read(8) == b'\x89PNG\r\n\x1a\n'


def test_a_folder_is_read_as_one_run(logged_run):
    records = join_logs(read_log(str(p)) for p in sorted(logged_run.glob('*.json')))
    assert read_run(str(logged_run)) == records and len(records) == 6
    first = str(logged_run / '20260101_000000.log.json')
    assert read_run(first) == read_log(first)
    for nothing in (logged_run / 'no', logged_run / 'empty'):
        (logged_run / 'empty').mkdir(exist_ok=True)
        with pytest.raises(FileNotFoundError, match='no \\*.log.json here'):
            read_run(str(nothing))
