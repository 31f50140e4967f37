"""The notebook from top to bottom on a few videos, and what it shows where it is looked at."""
import pathlib

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOK = ROOT / '.github' / 'notebooks' / 'quickstart.ipynb'


def outputs(notebook):
    """All outputs, cell by cell."""
    return [output for cell in notebook.cells if cell.cell_type == 'code'
            for output in cell.outputs]


def pictures(notebook):
    return [output for output in outputs(notebook) if 'image/jpeg' in output.get('data', {})]


@pytest.fixture(scope='module')
def shown():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_every_cell_runs(shown, tmp_path, monkeypatch):
    for name in ('configs', 'mmdet', 'tools'):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.setenv('NOTEBOOK_VIDEOS', '2')
    monkeypatch.setenv('NOTEBOOK_EPOCHS', '1')
    again = nbformat.from_dict(shown)
    NotebookClient(again, timeout=300, resources=dict(metadata=dict(path=tmp_path))).execute()
    said = ''.join(output.get('text', '') for output in outputs(again))
    assert '0 errors, 0 warnings' in said and '| AP50 |' in said and 'objects in 12 frames' in said
    assert len(pictures(again)) == len(pictures(shown)) == 5
    assert (tmp_path / 'work_dirs/quickstart/errors.html').exists()


def test_what_is_shown_is_whole_small_and_of_nobodys_machine(shown):
    counts = [cell.execution_count for cell in shown.cells if cell.cell_type == 'code']
    assert counts == list(range(1, len(counts) + 1)) and NOTEBOOK.stat().st_size < 500_000
    assert not [output for output in outputs(shown) if output.output_type == 'error']
    text = NOTEBOOK.read_text()
    assert not [word for word in ('/home/', '/root/', '/tmp/', '/work/') if word in text]


def test_the_pages_it_names_are_there(shown):
    text = ''.join(cell.source for cell in shown.cells if cell.cell_type == 'markdown')
    links = [part.partition(')')[0] for part in text.split('](')[1:]]
    assert len(links) > 5 and all((NOTEBOOK.parent / link).exists() for link in links)
