"""Json written whole or not at all."""
import os

import pytest

from mmdet.formats.json_files import read_json, write_json


def test_what_is_written_is_read(tmp_path):
    content = dict(a=[1, 2.5, None], b='ä')
    write_json(content, tmp_path / 'new' / 'a.json')
    assert read_json(tmp_path / 'new' / 'a.json') == content
    assert (tmp_path / 'new' / 'a.json').read_text() == '{"a":[1,2.5,null],"b":"\\u00e4"}'


@pytest.mark.parametrize('number', [float('nan'), float('inf')])
def test_no_number_json_cannot_hold(tmp_path, number):
    write_json([1], tmp_path / 'a.json')
    with pytest.raises(ValueError, match='a.json: not written, json cannot hold it'):
        write_json([number], tmp_path / 'a.json')
    assert read_json(tmp_path / 'a.json') == [1] and os.listdir(tmp_path) == ['a.json']
