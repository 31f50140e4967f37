"""From one format to another: what cannot be kept is counted and told, or refused."""
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.formats.annotation_checks import MAX_NAME
from mmdet.formats.exchange.format import Format, Given
from mmdet.formats.exchange.tracks import Category, Contents, Mark, Track, Video, box_rle
from mmdet.utils.errors import BadValue

CUT = 'masks, in part or whole, where others lie over them'
FILLED = 'boxes without a mask, taken as masks as asked'
NO_PIXEL = 'boxes without a mask, which cover the centre of no pixel'
MAX_NOTES = 20  # are told; a data set may have thousands of videos


@dataclass
class Wishes:
    """What the user decided.

    Attributes:
        classes: names in the order of their ids; no other class may occur. None: as read.
        rename: class names by those read.
        drop: classes (by their new names) whose objects are left out.
        crowds: ``keep`` them, ``drop`` them, or take them as ``objects``.
        overlap: ``refuse`` masks that overlap where a format holds one object per pixel, or give
            the pixel to the ``top`` one: of the higher score, of two alike the later.
        fill_boxes: an object with a box and no mask gets the box as its mask; what covers the
            centre of no pixel is left out.
        need_objects: refuse files without any.
    """
    classes: Sequence[str] | None = None
    rename: dict[str, str] = field(default_factory=dict)
    drop: frozenset[str] = frozenset()
    crowds: str = 'keep'
    overlap: str = 'refuse'
    fill_boxes: bool = False
    need_objects: bool = False


@dataclass
class Outcome:
    """What was converted.

    Attributes:
        videos, objects, masks, boxes: how many were written; boxes that have no mask.
        classes: names of those with objects, and of those listed.
        lost: how many of what were left out or changed.
        notes: what was assumed.
    """
    videos: int = 0
    objects: int = 0
    masks: int = 0
    boxes: int = 0
    classes: list[str] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def lines(self, out: str) -> list[str]:
        """What was written to ``out``, what was assumed and what was lost, a line each."""
        boxes = f'{self.boxes} boxes without a mask, ' if self.boxes else ''
        return [f'written: {out}: {self.videos} videos, {self.objects} objects, {self.masks} '
                f'masks, {boxes}classes: {", ".join(self.classes)}',
                *(f'note: {note}' for note in self.notes[:MAX_NOTES]),
                *([f'note: and {len(self.notes) - MAX_NOTES} more of these']
                  if len(self.notes) > MAX_NOTES else []),
                *(f'lost: {count} {what}' for what, count in self.lost.items() if count)]


def convert(given: Given, reader: Format, writer: Format, out: str,
            wishes: Wishes | None = None) -> Outcome:
    """Read one format and write another, a video at a time.

    Args:
        given: file or folder of the reader's format.
        out: file or folder to write.
        wishes: None: the defaults.

    Raises:
        ValueError: something is unusable, or cannot be kept; says how often, and what helps.
            Nothing is written then.
    """
    wishes = wishes or Wishes()
    contents = reader.read(given)
    outcome = Outcome()
    fitting = _Fitting(writer, wishes, outcome)
    categories = fitting.categories(contents.categories)
    outcome.classes = [category.name for category in categories]
    writer.write(Contents(categories, fitting.videos(contents.videos, given.path)), out)
    for part in (reader, writer):
        outcome.lost += part.lost
        outcome.notes += part.notes
    return outcome


class _Fitting:
    """Makes videos hold only what a writer keeps."""

    def __init__(self, writer: Format, wishes: Wishes, outcome: Outcome) -> None:
        self.writer, self.wishes, self.outcome = writer, wishes, outcome
        self.refused: Counter[str] = Counter()
        self.first: dict[str, str] = {}

    def categories(self, found: list[Category]) -> list[Category]:
        """The classes as they are to be written."""
        if self.wishes.classes:
            return [Category(name) for name in self.wishes.classes]
        named: dict[str, Category] = {}
        for category in found:
            name = self.wishes.rename.get(category.name, category.name)
            if name not in self.wishes.drop:
                named.setdefault(name, replace(category, name=name))
        return list(named.values())

    def videos(self, videos: Iterator[Video], path: str) -> Iterator[Video]:
        """The videos; ends with an error where something was refused, counted to the end."""
        outcome, listed = self.outcome, len(self.outcome.classes)
        for video in videos:
            fit = self.fit(video)
            if self.refused:
                continue
            outcome.videos += 1
            outcome.objects += len(fit.tracks)
            for track in fit.tracks:
                if track.category not in outcome.classes:
                    outcome.classes.append(track.category)
                for mark in track.marks.values():
                    outcome.masks += mark.rle is not None
                    outcome.boxes += mark.rle is None
            yield fit
        outcome.classes[listed:] = sorted(outcome.classes[listed:])
        if self.refused:
            raise BadValue(f'{path}: ' + '; and '.join(
                f'{count} {what} (the first: {self.first[what]})'
                for what, count in self.refused.items()))
        if not outcome.videos:
            raise BadValue(f'{path}: found no video; see --help for the folders that are expected')
        if self.wishes.need_objects and not outcome.objects:
            raise BadValue(f'{path}: found no object in {outcome.videos} videos: nothing to train '
                           'on; see --help for what is read as one')

    def fit(self, video: Video) -> Video:
        """A video with what is kept of it."""
        fit = replace(video, tracks=[self._track(track, video) for track in video.tracks
                                     if self._is_wanted(track)])
        for track in fit.tracks:
            if self.wishes.fill_boxes:
                self._fill_boxes(track, video)
            for frame, mark in track.marks.items():
                self._shape(mark, f'{video.file_names[frame]}, object {track.id}')
        if 'overlap' not in self.writer.keeps:
            self._part_masks(fit)
        for track in fit.tracks:
            self._strip(track)
        seen = [track for track in fit.tracks if track.marks]
        self._count('objects without a visible pixel', len(fit.tracks) - len(seen))
        if 'names' not in self.writer.keeps:
            self._count('names of frames, but for what the folder of the frames tells', len(video))
        return replace(fit, tracks=seen)

    def _is_wanted(self, track: Track) -> bool:
        category = self.wishes.rename.get(track.category, track.category)
        if category in self.wishes.drop:
            self._count(f'objects of class "{category}", as asked')
        elif track.iscrowd and self.wishes.crowds == 'drop':
            self._count('crowd regions, as asked')
        else:
            return True
        return False

    def _track(self, track: Track, video: Video) -> Track:
        """A copy under the name of its class, if the writer can have it."""
        wishes, where = self.wishes, f'{video.name}, object {track.id}'
        category = wishes.rename.get(track.category, track.category)
        if wishes.classes and category not in wishes.classes:
            raise BadValue(f'{where}: class "{category}" is not one of '
                           f'{", ".join(wishes.classes)}')
        if len(category) > MAX_NAME:
            raise BadValue(f'the class {category:.60}... has {len(category)} characters, expected '
                           f'at most {MAX_NAME}')
        iscrowd = track.iscrowd and wishes.crowds == 'keep'
        self._count('crowd regions, taken as objects as asked', track.iscrowd and not iscrowd)
        if iscrowd and 'crowds' not in self.writer.keeps:
            self._refuse('crowd regions, which {title} cannot tell from objects: leave them out '
                         'with --crowds drop or take them as objects with --crowds objects', where)
        marks = {frame: replace(mark) for frame, mark in track.marks.items()}
        return replace(track, category=category, iscrowd=iscrowd, marks=marks)

    def _fill_boxes(self, track: Track, video: Video) -> None:
        """Take boxes without a mask as masks; those that cover no pixel are left out."""
        for frame, mark in [*track.marks.items()]:
            if mark.rle is None:
                mark.rle = box_rle(mark.bbox(), video.size)
                self._count(NO_PIXEL if mark.rle is None else FILLED)
            if mark.rle is None:
                del track.marks[frame]

    def _shape(self, mark: Mark, where: str) -> None:
        """Keep mask and box as the writer can have them."""
        keeps = self.writer.keeps
        if mark.rle is None and 'boxes' not in keeps:
            self._refuse('boxes without a mask, which {title} cannot hold: take the boxes as '
                         'masks with --fill-boxes', where)
        elif 'boxes' not in keeps:
            self._count('boxes that are not those of their masks', mark.box_says_more())
            mark.box = None
        elif 'masks' not in keeps and mark.rle is not None:
            self._count('masks, of which the boxes are kept')
            mark.rle, mark.box = None, mark.bbox()

    def _strip(self, track: Track) -> None:
        """Take scores and occlusion off where the writer has no place for them."""
        keeps, marks = self.writer.keeps, track.marks.values()
        if 'scores' not in keeps:
            self._count('scores of objects', track.mean_score() is not None)
            track.score = None
            for mark in marks:
                mark.score = None
        if 'occlusion' not in keeps:
            for mark in marks:
                self._count('marks of what is occluded and what is not',
                            mark.occlusion is not None)
                mark.occlusion = None

    def _count(self, what: str, count: int = 1) -> None:
        if count:
            self.outcome.lost[what] += count

    def _refuse(self, what: str, where: str) -> None:
        what = what.replace('{title}', self.writer.title)
        self.refused[what] += 1
        self.first.setdefault(what, where)

    def _part_masks(self, video: Video) -> None:
        """Leave every pixel to one object, or refuse."""
        for frame, seen in enumerate(video.by_frame()):
            seen = [(track, mark) for track, mark in seen if mark.rle is not None]
            if len(seen) < 2 or not overlapping([mark.rle for _, mark in seen if mark.rle]):
                continue
            if self.wishes.overlap == 'refuse':
                self._refuse('frames with masks that overlap, where {title} holds one object per '
                             'pixel: give it to the higher score, else to the later object, with '
                             '--overlap top', video.file_names[frame])
                continue
            self._leave_to_top(frame, seen)

    def _leave_to_top(self, frame: int, seen: list[tuple[Track, Mark]]) -> None:
        order = sorted(range(len(seen)), key=lambda i: (
            not seen[i][0].iscrowd, seen[i][0].scored(seen[i][1]) or 0, i), reverse=True)
        taken = None
        for place in order:
            track, mark = seen[place]
            pixels = mask_utils.decode(mark.rle).astype(bool)
            left = pixels if taken is None else pixels & ~taken
            if left.sum() < pixels.sum():
                self._count(CUT)
                self._count('pixels of masks, where others lie over them',
                            int(pixels.sum() - left.sum()))
                if left.any():
                    mark.rle = mask_utils.encode(np.asfortranarray(left, np.uint8))
                    mark.box = None
                else:
                    del track.marks[frame]
            taken = pixels if taken is None else taken | pixels


def overlapping(rles: Sequence[dict]) -> bool:
    """Whether a pixel belongs to two masks of one size."""
    return int(mask_utils.area(rles).sum()) > int(mask_utils.area(mask_utils.merge(list(rles))))
