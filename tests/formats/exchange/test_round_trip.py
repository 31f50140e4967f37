"""What of the same made-up videos each format keeps: the table of .github/docs/formats.md."""
import pathlib
import sys

import pytest

from mmdet.formats.exchange import FORMATS, Wishes, build_format, writable
from mmdet.formats.exchange.conversion import CUT
from mmdet.formats.exchange.mots import CROWD_CLASSES

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from made_up import COLUMNS, survived, there_and_back  # noqa: E402

DOCS = pathlib.Path(__file__).parents[3] / '.github' / 'docs' / 'formats.md'
FLAT = Wishes(overlap='top', crowds='objects', fill_boxes=True)
# by format: name of what is written, and what has to be decided for it
CASES = dict(
    ytvis=('ann.json', Wishes()),
    coco=('coco.json', Wishes()),
    davis=('davis', FLAT),
    mots_txt=('mots', Wishes(overlap='top', fill_boxes=True)),
    mots_png=('mots', Wishes(overlap='top', fill_boxes=True)),
    kitti_mots=('kitti', Wishes(overlap='top', fill_boxes=True)),
    results=('results.json', Wishes(crowds='objects', fill_boxes=True)),
    mask_folders=('masks', Wishes(crowds='objects', fill_boxes=True)),
)


def annotations(folder):
    """What results need to name their videos and classes."""
    there_and_back(folder / 'ann.json', build_format('ytvis'), build_format('ytvis'), Wishes())
    return dict(annotations=str(folder / 'ann.json'))


OPTIONS = dict(results=annotations)
# columns that a format may leave out; frames and objects are there in all of them
KEPT_BY = [column for column in COLUMNS if column not in ('frames', 'objects')]
# told by these words, by column, without the format being at fault
EXCUSES = dict(masks=CUT, classes=CROWD_CLASSES)


def test_every_format_that_is_written_is_here():
    titles = {FORMATS.module_dict[name] for name in writable()}
    assert titles == {FORMATS.module_dict[name] for name in CASES}


@pytest.mark.parametrize('name', CASES)
def test_what_survives(name, tmp_path):
    file, wishes = CASES[name]
    options = OPTIONS.get(name, lambda folder: {})(tmp_path)
    before, after, out, _ = there_and_back(tmp_path / file, build_format(name, **options),
                                           build_format(name, **options), wishes)
    found = survived(before, after)
    row = f'| `{name}` | ' + ' | '.join(found[column] for column in COLUMNS) + ' |'
    assert row in DOCS.read_text().splitlines(), f'the table should say\n{row}\n{out.lost}'
    for column in KEPT_BY:
        same, total = map(int, found[column].split('/'))
        total -= out.lost[EXCUSES[column]] if column in EXCUSES else 0
        kept = column in FORMATS.module_dict[name].keeps
        assert (same == total) == kept, (column, found[column])
