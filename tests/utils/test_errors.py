"""Errors raised on purpose by the package, and all others."""
import pytest

from mmdet.utils import check_keys, meant_for_user, sentence


def caught(function):
    with pytest.raises(Exception) as info:
        function()
    return info.value


def test_our_own_raise_is_meant_for_the_user():
    error = caught(lambda: check_keys(dict(stpe=1), ['step'], 'lr_config'))
    assert meant_for_user(error)
    assert sentence(error) == 'lr_config has no key "stpe"; did you mean "step"?'


@pytest.mark.parametrize('fault', [
    lambda: {}['x'], lambda: check_keys(5, [], ''), lambda: int('x')])
def test_faults_are_not(fault):
    assert not meant_for_user(caught(fault))


def test_key_errors_lose_their_quotes():
    assert sentence(KeyError('no key "a"')) == 'no key "a"'
    assert sentence(ValueError()) == ''
