"""A user's mistakes, told apart from faults of the program."""
import inspect

import pytest
from torch.utils.data import DataLoader

from mmdet.utils import check_keys, errors
from mmdet.utils.errors import BadKey, BadValue, MissingFile, UserError, sentence, told_to_user


def caught(function):
    with pytest.raises(Exception) as info:
        function()
    return info.value


def test_mistakes_are_also_the_types_callers_catch():
    pairs = dict(BadValue=ValueError, BadType=TypeError, BadKey=KeyError, CannotWrite=OSError,
                 MissingFile=FileNotFoundError, FileInTheWay=FileExistsError,
                 NoConnection=ConnectionError, MissingPackage=ImportError,
                 BadEnvironment=RuntimeError)
    found = {name: kind for name, kind in inspect.getmembers(errors, inspect.isclass)
             if issubclass(kind, UserError) and kind is not UserError}
    assert found.keys() == pairs.keys()
    for name, kind in found.items():
        error = kind('a: no such "b"; name it')
        assert isinstance(error, pairs[name]) and isinstance(error, UserError)
        assert str(error) == told_to_user(error) == 'a: no such "b"; name it'


def test_a_misspelt_key_is_told():
    error = caught(lambda: check_keys(dict(stpe=1), ['step'], 'lr_config'))
    assert isinstance(error, TypeError)
    assert told_to_user(error) == 'lr_config has no key "stpe"; did you mean "step"?'


@pytest.mark.parametrize('fault', [
    lambda: {}['x'], lambda: len(5), lambda: int('x'), lambda: 1 / 0])
def test_faults_are_not(fault):
    error = caught(fault)
    assert told_to_user(error) is None


def test_what_the_system_refuses_is_told_with_its_file(tmp_path):
    error = caught(lambda: open(tmp_path / 'gone.txt'))
    assert told_to_user(error) == f'{tmp_path}/gone.txt: No such file or directory'
    assert told_to_user(OSError(9, 'Bad file descriptor')) is None


def test_key_errors_lose_their_quotes():
    assert sentence(KeyError('no key "a"')) == 'no key "a"' == str(BadKey('no key "a"'))
    assert sentence(ValueError()) == '' == str(BadValue())


class Frames:
    """A data set whose frame is missing."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise MissingFile('a.jpg: frame missing: correct img_prefix')


def test_a_worker_tells_the_same_sentence():
    error = caught(lambda: next(iter(DataLoader(Frames(), num_workers=1))))
    assert isinstance(error, FileNotFoundError)
    assert told_to_user(error) == 'a.jpg: frame missing: correct img_prefix'
