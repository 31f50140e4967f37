"""Pickled results: nothing in them is run."""
import collections
import os
import pickle

import numpy as np
import pytest

from mmdet.formats.pickles import dump_results, load_results, read_pickle


def test_results_come_back_equal(tmp_path):
    path = str(tmp_path / 'x.pkl')
    box = np.arange(5, dtype=np.float32)
    rle = dict(size=[2, 3], counts=b'06')
    dump_results([({3: dict(bbox=box, label=1)}, {3: rle}), ({}, {}),
                  np.float32(2.5)], path)
    first, empty, number = load_results(path)
    assert np.array_equal(first[0][3]['bbox'], box) and first[1] == {3: rle}
    assert empty == ({}, {}) and number == 2.5


class Evil:

    def __reduce__(self):
        return os.mkdir, ('pwned', )


@pytest.mark.parametrize('content, word', [
    (pickle.dumps(Evil()), 'type posix.mkdir'),
    (pickle.dumps(collections.deque()), 'collections.deque'),
    (pickle.dumps(np.zeros(9))[:40], 'refused: '),
    (b'', 'refused: ')])
def test_anything_else_as_results_is_refused(tmp_path, monkeypatch, content, word):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'x.pkl').write_bytes(content)
    with pytest.raises(ValueError, match=word):
        load_results('x.pkl')
    assert not os.path.exists('pwned')


def test_missing_results_file():
    with pytest.raises(FileNotFoundError, match='no such results file'):
        load_results('nowhere.pkl')
    with pytest.raises(FileNotFoundError, match='nowhere.pkl: no such file'):
        read_pickle('nowhere.pkl')
