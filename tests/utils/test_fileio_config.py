"""Whole files, restricted unpickling, misspelt config keys, the logger."""
import collections
import os
import pickle

import numpy as np
import pytest

from mmdet.utils import (atomic_write, dump_results, get_root_logger,
                         load_config, load_results)


def test_atomic_write_replaces_only_when_done(tmp_path):
    path = tmp_path / 'new' / 'a.txt'
    with atomic_write(str(path), 'w') as file:
        file.write('one')
    with pytest.raises(KeyboardInterrupt):
        with atomic_write(str(path), 'w') as file:
            file.write('two')
            raise KeyboardInterrupt
    assert path.read_text() == 'one' and os.listdir(path.parent) == ['a.txt']


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
    (pickle.dumps(np.zeros(9))[:40], 'refused as results'),
    (b'', 'refused as results')])
def test_anything_else_as_results_is_refused(tmp_path, monkeypatch, content, word):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'x.pkl').write_bytes(content)
    with pytest.raises(ValueError, match=word):
        load_results('x.pkl')
    assert not os.path.exists('pwned')


def test_missing_results_file():
    with pytest.raises(FileNotFoundError, match='no such results file'):
        load_results('nowhere.pkl')


def written(tmp_path, text):
    (tmp_path / 'c.py').write_text(text)
    return str(tmp_path / 'c.py')


def test_config_with_helpers_and_overrides(tmp_path):
    path = written(tmp_path, 'num_classes = 3\ndata_root_val = 1\n'
                   'model = dict(type="A", n=num_classes)\ntotal_epochs = 2')
    cfg = load_config(path, {'model.n': 5, 'total_epochs': 1})
    assert (cfg.model.n, cfg.total_epochs, cfg.num_classes) == (5, 1, 3)


@pytest.mark.parametrize('text, overrides, meant', [
    ('optimzer = dict()', None, 'optimizer'), ('total_epoch = 1', None,
                                              'total_epochs'),
    ('a = 1', {'log_confg.interval': 1}, 'log_config')])
def test_misspelt_key_names_the_nearest(tmp_path, text, overrides, meant):
    with pytest.raises(KeyError, match=f'did you mean "{meant}"'):
        load_config(written(tmp_path, text), overrides)


def test_missing_config():
    with pytest.raises(FileNotFoundError, match='no such config file'):
        load_config('configs/nothing.py')


def test_logger_writes_the_file_once(tmp_path):
    path = str(tmp_path / 'log' / 'a.log')
    logger = get_root_logger(path)
    assert get_root_logger(path, 'WARNING') is logger
    logger.warning('seen')
    logger.info('not seen')
    assert open(path).read().endswith('- WARNING - seen\n')
    assert open(path).read().count('\n') == 1


def test_misspelt_key_of_data_is_named(tmp_path):
    path = tmp_path / 'c.py'
    path.write_text('data = dict(img_per_gpu=2)')
    with pytest.raises(TypeError, match=r'data has no key "img_per_gpu"; did you mean "imgs_per_gpu"'):
        load_config(str(path))
