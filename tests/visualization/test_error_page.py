"""The page about errors: whole, escaped, for every video."""
import base64
import gzip
import json
import re
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from mmdet.evaluation.errors import Analysis, Options, compare, summarize
from mmdet.formats import YTVOS
from mmdet.visualization.error_page import PageOptions, Run, write_page
from mmdet.visualization.error_page.gallery import worst
from mmdet.visualization.error_page.videos import describe_video

QUICK = Options(samples=20)
HOSTILE = '</script><script>alert("1 & 2")</script>'
BROWSER = next(filter(None, map(shutil.which, (
    'chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'))), None)


@pytest.fixture(scope='module')
def runs(golden):
    """Annotations with a hostile class name and two runs."""
    gt = golden('analysis/o1.gt')
    gt['categories'][0]['name'] = HOSTILE
    gt, results = YTVOS(gt), golden('analysis/o1.results')
    one, two = Analysis(results, gt, QUICK), Analysis(results[::2], gt, QUICK)
    report = dict(summarize(one), compare=compare(one, two))
    return gt, [Run(report, one.dt), Run(report['compare']['other'], two.dt)]


@pytest.fixture(scope='module')
def images(runs, tmp_path_factory):
    """Frames of the data set, grey."""
    folder = tmp_path_factory.mktemp('images')
    for video in runs[0].vids.values():
        for name in video['file_names']:
            (folder / name).parent.mkdir(exist_ok=True)
            cv2.imwrite(str(folder / name), np.full((64, 96, 3), 99, np.uint8))
    return folder


def unpacked(text):
    """Content of the packed scripts of a page, by id."""
    scripts = re.findall(r'<script type="text/plain" id="([\w-]+)">([^<]*)</script>', text)
    return {name: json.loads(gzip.decompress(base64.b64decode(data))) for name, data in scripts}


@pytest.mark.parametrize('count', [1, 2])
def test_page_needs_nothing_else(runs, images, tmp_path, count):
    gt, both = runs
    report = both[0].report if count == 2 else {
        key: value for key, value in both[0].report.items() if key != 'compare'}
    chosen = [both[0]._replace(report=report), *both[1:count]]
    write_page(tmp_path / 'page.html', gt, chosen, [HOSTILE, 'b'][:count],
               PageOptions(str(images), worst=5, megabytes=.01))
    text = (tmp_path / 'page.html').read_text()
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', text)
    assert text.count('<figure>') == 5 and HOSTILE not in text
    content = unpacked(text)
    assert len(content) == 11 and len(content['errors']) == 58 + 7
    assert content['video-0']['pictures'][0].startswith('data:image/jpeg;base64,')
    assert not content['video-9']['pictures']  # no room
    assert len(content['video-0']['runs']) == count
    assert any(row[2] == HOSTILE for row in content['errors'])


def test_worst_come_first(runs):
    gt, (run, _) = runs
    cases = worst(run.report, gt, run.results, 99)
    assert len(cases) == 41 + 7 and {case.type for case in cases} == set(
        'Cls Dupe Spat Temp Both Bkg Miss'.split())
    assert [case.cost for case in cases] == sorted((case.cost for case in cases), reverse=True)
    assert cases[0].cost == pytest.approx(max(run.report['cost_per_result']))
    assert all(case.object in run.report['missed_gt'] for case in cases if case.type == 'Miss')


def test_a_video_has_its_best_tracks(runs):
    gt, both = runs
    vid = both[0].results.anns[1]['video_id']
    video = describe_video(gt, vid, both, most=3)
    assert [len(tracks) <= 3 for tracks in video['runs']] == [True, True]
    scores = sorted((t['score'] for t in both[0].results.vidToAnns[vid]), reverse=True)
    assert [track['score'] for track in video['runs'][0]] == pytest.approx(scores[:3], abs=1e-4)
    first = gt.vidToAnns[vid][0]
    assert [bool(path) for path in video['objects'][0]['paths']] == [
        bool(segm) for segm in first['segmentations']]
    assert video['objects'][0]['held'][0] == both[0].report['held_by'][str(first['id'])]


def test_nothing_found_is_a_page_too(runs, tmp_path):
    gt, _ = runs
    analysis = Analysis([], gt, QUICK)
    write_page(tmp_path / 'page.html', gt, [Run(summarize(analysis), analysis.dt)], ['empty'],
               PageOptions(worst=2))
    assert (tmp_path / 'page.html').read_text().count('<figure>') == 2


def test_frames_that_do_not_fit_are_one_sentence(runs, images, tmp_path):
    gt, both = runs
    name = next(iter(gt.vids.values()))['file_names'][0]
    for folder, message in ((tmp_path, 'no such picture'), (images, 'the annotations say 96x64')):
        options = PageOptions(str(folder), worst=0)
        if folder is images:
            for video in gt.vids.values():
                cv2.imwrite(str(images / video['file_names'][0]), np.zeros((10, 10, 3), np.uint8))
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            write_page(tmp_path / 'page.html', gt, both, ['a', 'b'], options)
    assert not (tmp_path / 'page.html').exists() and name


def test_without_jinja2_it_says_what_to_install(runs, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'jinja2', None)
    with pytest.raises(ImportError, match='pip install jinja2'):
        write_page(tmp_path / 'page.html', *runs, ['a', 'b'])


@pytest.mark.skipif(BROWSER is None, reason='no browser')
def test_a_browser_shows_it(runs, tmp_path):
    write_page(tmp_path / 'page.html', *runs, ['a', 'b'], PageOptions(worst=1))
    done = subprocess.run([BROWSER, '--headless', '--no-sandbox', '--disable-gpu', '--dump-dom',
                           '--virtual-time-budget=5000', f'file://{tmp_path}/page.html'],
                          capture_output=True, text=True, timeout=120)
    rows = re.search(r'<tbody id="rows">(.*?)</tbody>', done.stdout, re.S).group(1)
    assert rows.count('<tr') == 58 + 7 and '&lt;/script&gt;' in rows
    assert '<output id="number">frame 0 of ' in done.stdout
    assert done.stdout.count('data-lines="1"><div><span') == 1
