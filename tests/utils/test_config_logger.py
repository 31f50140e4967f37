"""Misspelt config keys, the logger."""
import pytest

from mmdet.utils import get_root_logger, load_config


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
    logger = get_root_logger(log_file=path)
    assert get_root_logger('WARNING', path) is logger
    logger.warning('seen')
    logger.info('not seen')
    assert open(path).read().endswith('- WARNING - seen\n')
    assert open(path).read().count('\n') == 1


def test_misspelt_key_of_data_is_named(tmp_path):
    path = tmp_path / 'c.py'
    path.write_text('data = dict(img_per_gpu=2)')
    with pytest.raises(TypeError, match='no key "img_per_gpu"; did you mean "imgs_per_gpu"'):
        load_config(str(path))
