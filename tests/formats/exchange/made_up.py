"""Made-up videos, and how much of them is still there after a file of some format."""
import itertools

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.formats.exchange import Category, Contents, Format, Given, Mark, Track, Video, convert
from mmdet.formats.exchange.format import PROPERTIES


class InMemory(Format):
    """Reads videos from memory, or keeps what is written."""
    title = 'memory'
    keeps = frozenset(PROPERTIES)

    def __init__(self, videos=(), categories=()):
        super().__init__()
        self.videos, self.categories = list(videos), list(categories)

    def read(self, given):
        return Contents(self.categories, iter(self.videos))

    def write(self, contents, out):
        self.categories, self.videos = contents.categories, list(contents.videos)


def rle_of(mask):
    return mask_utils.encode(np.asfortranarray(mask, np.uint8))


def disc(size, x, y, radius):
    rows, columns = np.ogrid[:size[0], :size[1]]
    return (rows - y)**2 + (columns - x)**2 <= radius**2


def videos():
    """Two videos with nine objects: hidden, in two parts, with a hole, of one pixel, overlapping.

    One object has a box and no mask; one has boxes that are not its masks'; one is a crowd. Every
    object has scores; some say what is occluded.
    """
    for number, (name, size, length) in enumerate([('höhle 2', (48, 64), 6), ('street', (40, 40),
                                                                              5)], 1):
        files = [f'{name}/{8 + frame:05d}.jpg' for frame in range(length)]
        yield Video(name, files, size[1], size[0], list(objects(number, size, length)), id=number)


def objects(video, size, length):
    first = 10 * video
    walk = Track(first, 'car', score=.75)
    for t in range(length):
        mask = disc(size, 10 + 4 * t, 14, 7) & ~disc(size, 10 + 4 * t, 14, 2 * (t % 2))
        walk.marks[t] = Mark(rle_of(mask), occlusion=t % 3)
    yield walk
    parts = Track(first + 1, 'pedestrian', score=.5)
    for t in [0, 1, length - 1]:  # away in between
        parts.marks[t] = Mark(rle_of(disc(size, 6, 34, 4) | disc(size, 20 + t, 34, 3)))
    yield parts
    under = Track(first + 2, 'car', score=.25)
    for t in range(1, length):
        under.marks[t] = Mark(rle_of(disc(size, 12 + 4 * t, 16, 6)), occlusion=1)
    yield under
    dot = np.zeros(size, bool)
    dot[-1, -1] = True
    yield Track(first + 3, 'pedestrian', {2: Mark(rle_of(dot))}, score=.125)
    if video == 1:
        boxed = {t: Mark(box=(40.5, 2. + t, 12.25, 6.)) for t in range(3)}
        yield Track(first + 4, 'car', boxed, score=.625)
        amodal = {t: Mark(rle_of(disc(size, 52, 40, 5)), (45., 30., 18., 18.)) for t in range(2)}
        yield Track(first + 5, 'pedestrian', amodal, score=.875)
        crowd = np.zeros(size, bool)
        crowd[:, :3] = True
        yield Track(first + 6, 'pedestrian', {0: Mark(rle_of(crowd))}, score=1., iscrowd=True)


CATEGORIES = [Category('pedestrian', 3), Category('car', 7, 'vehicle')]
COLUMNS = ('frames', 'names', 'masks', 'boxes', 'objects', 'numbers', 'classes', 'scores',
           'occlusion', 'crowds', 'overlap')


def there_and_back(path, writer, reader, wishes, made=None):
    """Write made-up videos and read them again.

    Returns:
        the videos before and after, and the two outcomes.
    """
    before = list(videos()) if made is None else made
    given = Given(path.parent)
    out = convert(given, InMemory(before, CATEGORIES), writer, str(path), wishes)
    after = InMemory()
    back = convert(Given(path), reader, after, '')
    return before, after.videos, out, back


def survived(before, after):
    """How many of how many are the same, by column; objects are found by what they look like."""
    counts = {column: [0, 0] for column in COLUMNS}

    def count(column, same, total=1):
        counts[column][0] += int(same)
        counts[column][1] += total

    for old, new in itertools.zip_longest(before, after):
        count('frames', min(len(old), len(new)), len(old))
        count('names', sum(a == b for a, b in zip(old.file_names, new.file_names)), len(old))
        pairs = match(old, new)
        count('overlap', overlap(new), overlap(old))
        for track, other in pairs:
            count('objects', other is not None)
            other = other or Track(None, None)
            count('numbers', other.id == track.id)
            count('classes', other.category == track.category)
            score = other.mean_score()
            count('scores', score is not None and abs(score - track.score) < 1e-6)
            if track.iscrowd:
                count('crowds', other.iscrowd)
            for frame, mark in track.marks.items():
                count_mark(count, mark, other.marks.get(frame, Mark()))
    return {column: f'{same}/{total}' for column, (same, total) in counts.items()}


def count_mark(count, mark, found):
    if mark.rle is not None:
        count('masks', found.rle is not None and np.array_equal(*map(mask_utils.decode, (
            mark.rle, found.rle))))
    if mark.box is not None:
        same = (found.rle is None) == (mark.rle is None) and found.box is not None
        count('boxes', same and np.allclose(mark.box, found.box, atol=.01))
    if mark.occlusion is not None:
        count('occlusion', found.occlusion == mark.occlusion)


def match(old, new):
    """Each track with the one of ``new`` whose masks or boxes are most like its own, or None."""
    left, pairs = list(new.tracks), []
    for track in old.tracks:
        scores = [alike(track, other) for other in left]
        best = int(np.argmax(scores)) if scores else -1
        pairs.append((track, left.pop(best) if scores and scores[best] > 0 else None))
    return pairs


def alike(track, other):
    """Sum over the frames of the IoU of masks, or of boxes where one has no mask."""
    total = 0.
    for frame in track.marks.keys() & other.marks.keys():
        a, b = track.marks[frame], other.marks[frame]
        masks = a.rle is not None and b.rle is not None
        one, two = ([a.rle], [b.rle]) if masks else (np.array([a.bbox()]), np.array([b.bbox()]))
        total += float(mask_utils.iou(one, two, [0])[0, 0])
    return total


def overlap(video):
    """Pixels that belong to more than one mask."""
    pixels = 0
    for seen in video.by_frame():
        masks = [mask_utils.decode(mark.rle).astype(int) for _, mark in seen if mark.rle]
        pixels += int((sum(masks) > 1).sum()) if masks else 0
    return pixels
