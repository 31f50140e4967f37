"""Readers and writers go a video at a time: no more than a few are ever in memory."""
import pathlib
import sys
import weakref

import pytest

from mmdet.formats.exchange import Contents, Given, Mark, Track, Video, build_format, convert

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from made_up import InMemory, disc, rle_of  # noqa: E402
from test_round_trip import CASES, OPTIONS  # noqa: E402

COUNT = 12
FOLDER = dict(cvat='cvat')  # a file for each video; in one with several the objects follow them all


made = []  # weak references to the videos of a test


def alive():
    return sum(video() is not None for video in made)


@pytest.fixture(autouse=True)
def counted(monkeypatch):
    make = Video.__init__

    def count(self, *args, **kwargs):
        make(self, *args, **kwargs)
        made.append(weakref.ref(self))

    made.clear()
    monkeypatch.setattr(Video, '__init__', count)


class Stream(InMemory):
    """Makes videos when they are asked for, or lets go of them; ``most`` were there at once."""
    most = 0

    def read(self, given):
        def videos():
            for number in range(1, COUNT + 1):
                track = Track(number, 'car', {0: Mark(rle_of(disc((8, 10), 4, 4, 2)))})
                yield Video(f'v{number}', [f'v{number}/000001.jpg'], 10, 8, [track], number)
                self.most = max(self.most, alive())
        return Contents([], videos())

    def write(self, contents, out):
        self.seen = 0
        for _ in contents.videos:
            self.seen += 1
            self.most = max(self.most, alive())


@pytest.mark.parametrize('name', CASES)
def test_few_videos_are_in_memory(name, tmp_path):
    options = {}
    if name in OPTIONS:
        convert(Given(tmp_path), Stream(), build_format('ytvis'), str(tmp_path / 'ann.json'))
        options = dict(annotations=str(tmp_path / 'ann.json'))
    path = tmp_path / f'new_{FOLDER.get(name, CASES[name][0])}'
    source, sink = Stream(), Stream()
    convert(Given(tmp_path), source, build_format(name, **options), str(path))
    convert(Given(path), build_format(name, **options), sink, '')
    assert sink.seen == COUNT
    assert source.most <= 4 and sink.most <= 4
