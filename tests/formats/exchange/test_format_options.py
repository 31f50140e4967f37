"""Options of formats as a command line has them: each is what its constructor takes, or refused."""
import pytest

from mmdet.formats.exchange import build_format_by_words
from mmdet.utils.errors import UserError


def test_words_become_what_the_option_is():
    masks = build_format_by_words('davis', dict(frames='2019', meta='3', category='1', ignore='7'))
    assert (masks.frames, masks.meta, masks.category, masks.ignore) == ('2019', '3', '1', [7])
    assert build_format_by_words('davis', dict(frames='/tmp/a,b')).frames == '/tmp/a,b'
    assert build_format_by_words('davis', dict(ignore='7,255')).ignore == [7, 255]
    assert build_format_by_words('mots_txt', dict(class_ids='car:1,dog:3')).class_ids == dict(
        car=1, dog=3)
    coco = build_format_by_words('coco', dict(track_key='7', every='2', cvat='TRUE'))
    assert (coco.track_key, coco.every, coco.cvat) == ('7', 2, True)
    assert build_format_by_words('ytvis', dict(renumber='false')).renumber is False
    assert build_format_by_words('label_studio', dict(size='1280,720')).size == (1280, 720)


@pytest.mark.parametrize('name, option, said', [
    ('coco', 'every=abc', 'every=abc: expected a whole number, got "abc"'),
    ('coco', 'every=2.5', 'every=2.5: expected a whole number'),
    ('coco', 'every=0', 'every=0: expected 1 or more'),
    ('coco', 'every=1,2', 'every=1,2: expected a whole number'),
    ('coco', 'untracked=singel', 'untracked=singel: expected refuse or single'),
    ('coco', 'evry=2', 'did you mean "every"'),
    ('davis', 'ignore=255,abc', 'ignore=255,abc: expected a whole number, got "abc"'),
    ('mots_png', 'first=x', 'first=x: expected a whole number'),
    ('label_studio', 'size=10', 'size=10: expected WIDTH,HEIGHT in pixels'),
    ('label_studio', 'size=0,9', 'size=0,9: expected WIDTH,HEIGHT in pixels'),
    ('ytvis', 'renumber=maybe', 'renumber=maybe: expected 0 or false or 1 or true')])
def test_other_words_are_refused_in_a_sentence(name, option, said):
    key, _, text = option.partition('=')
    with pytest.raises(UserError) as caught:
        build_format_by_words(name, {key: text})
    assert said in str(caught.value)
