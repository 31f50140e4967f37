"""File names out of text that somebody else wrote."""
import os

from hypothesis import given
from hypothesis import strategies as st

from mmdet.utils.names import MAX_BYTES, UniqueNames, file_name


def test_names_by_hand():
    assert file_name('train/0043f083b5') == 'train_0043f083b5'
    assert file_name('/../../../x') == 'x' and file_name('..') == file_name('') == 'unnamed'
    assert file_name('--rm -rf', 'video') == 'rm_-rf' and file_name('.hidden') == 'hidden'
    assert file_name('a\n\x1b[31m\0b\udce9') == 'a_31m_b'
    assert file_name('हिन्दी 街 naïve') == 'हिन्दी_街_naïve' and file_name(7) == '7'
    assert file_name('e\u0301') == '\u00e9'  # one letter, however it is spelt
    assert file_name('街' * 400) == '街' * 40 and file_name('x' * 10**6) == 'x' * MAX_BYTES


def test_no_name_is_given_twice():
    unique = UniqueNames()
    assert [unique(text) for text in ('a_2', 'a', 'a', 'A', 'a/', 'a_2')] == [
        'a_2', 'a', 'a_3', 'A_4', 'a_5', 'a_2_2']
    assert len({unique('b').casefold() for _ in range(5000)}) == 5000


@given(st.lists(st.text(st.characters(exclude_categories=())) | st.text('./\\a_- \0\n'),
                max_size=8))
def test_any_text_becomes_a_name_of_one_file(texts):
    unique = UniqueNames()
    names = [unique(text) for text in texts]
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert os.path.basename(name) == name and name not in ('', '.', '..')
        assert len(name.encode()) <= MAX_BYTES + 4 and name[0] not in '.-' and '\0' not in name
