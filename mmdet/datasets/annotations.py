"""Annotation index: what is annotated in which frame, found without decoding a mask."""
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from pycocotools import mask as mask_utils

from mmdet.formats.ytvos import YTVOS
from mmdet.utils.errors import BadType, BadValue


class Entry(NamedTuple):
    """One annotated object in one frame; ``mask`` decodes it, uint8 (h, w)."""
    box: Sequence[float] | None  # x y w h in pixels; None where absent
    area: float | None
    label: int  # 1-based
    crowd: bool = False
    obj_id: int = 0
    mask: Callable[[], np.ndarray] | None = None

    def is_valid(self) -> bool:
        """Whether it shows: area above 0, a pixel or more wide and high, as in the 2019 code."""
        return (self.box is not None and (self.area is None or self.area > 0)
                and self.box[2] >= 1 and self.box[3] >= 1)


class LazyMasks(Sequence):
    """n masks, uint8 (h, w) each, decoded only when one is asked for."""

    def __init__(self, decoders: Sequence[Callable[[], np.ndarray]]) -> None:
        self.decoders = decoders

    def __len__(self) -> int:
        return len(self.decoders)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.decoders[index]()


def ann_info(entries: Sequence[Entry]) -> dict[str, Any]:
    """The valid entries as ``get_ann_info`` gives them, crowds apart; x2 = x + w - 1."""
    shown = [e for e in entries if e.is_valid()]
    solid, crowds = [e for e in shown if not e.crowd], [e for e in shown if e.crowd]
    return dict(bboxes=_corners([e.box for e in solid]), labels=_labels(solid),
                bboxes_ignore=_corners([e.box for e in crowds]), labels_ignore=_labels(crowds),
                obj_ids=[e.obj_id for e in solid], masks=LazyMasks([e.mask for e in solid]))


def _labels(entries: Sequence[Entry]) -> np.ndarray:
    return np.array([e.label for e in entries], np.int64)


@dataclasses.dataclass
class FrameObjects:
    """What is annotated in one frame, in original pixels.

    Attributes:
        boxes: (n, 4) float32, x1 y1 x2 y2 inclusive.
        labels: (n,) int64, 1-based.
        boxes_ignore: (k, 4) float32: crowds and difficult objects.
        obj_ids: n identities, equal in all frames of a video; empty for images.
        masks: n arrays uint8 (h, w), decoded when asked for; row i belongs to ``boxes[i]``
            whatever crowds there are.
    """
    boxes: np.ndarray
    labels: np.ndarray
    boxes_ignore: np.ndarray
    obj_ids: Sequence[int] = ()
    masks: Sequence[np.ndarray] = ()

    @classmethod
    def from_ann(cls, ann: Any, where: str) -> 'FrameObjects':
        """What ``get_ann_info`` gives, of this code or of a subclass from 2019.

        Args:
            ann: dict with ``bboxes`` (n, 4) and ``labels`` (n,), and where there are any
                ``bboxes_ignore`` (k, 4), ``obj_ids`` and ``masks``, n each.
            where: for messages.

        Raises:
            TypeError: it is no such dict.
            ValueError: there are not as many labels, ids or masks as boxes, or a label below 1.
        """
        if not isinstance(ann, dict) or not {'bboxes', 'labels'} <= ann.keys():
            got = f'the keys {", ".join(ann)}' if isinstance(ann, dict) else type(ann).__name__
            raise BadType(f'{where}: expected a dict with "bboxes" (n, 4) and "labels" (n,), and '
                          f'"bboxes_ignore", "masks" where there are any, got {got}')
        boxes, ignore = (np.asarray(ann.get(key, ()), np.float32).reshape(-1, 4)
                         for key in ('bboxes', 'bboxes_ignore'))
        objects = cls(boxes, np.asarray(ann['labels'], np.int64).reshape(-1), ignore,
                      ann.get('obj_ids', ()), ann.get('masks', ()))
        for key, values in (('labels', objects.labels), ('obj_ids', objects.obj_ids),
                            ('masks', objects.masks)):
            if len(values) != len(boxes) and (len(values) or key == 'labels'):
                raise BadValue(f'{where}: {len(boxes)} boxes, but {len(values)} {key}; give one '
                               'for every box')
        if (objects.labels < 1).any():
            raise BadValue(f'{where}: label {objects.labels.min()}; labels start at 1, 0 is the '
                           'background')
        return objects

    def select(self, keep: np.ndarray, boxes: np.ndarray) -> 'FrameObjects':
        """The objects at the indices ``keep``, with new boxes; masks no longer apply."""
        return FrameObjects(boxes, self.labels[keep], self.boxes_ignore,
                            [self.obj_ids[i] for i in keep] if len(self.obj_ids) else ())


def _corners(boxes: Sequence[Sequence[float]]) -> np.ndarray:
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2] - 1
    return boxes


def compressed_rle(entry: dict) -> dict:
    """An uncompressed RLE as a compressed one, anything else as it is.

    For ``YTVOS(object_hook=...)``. YouTube-VIS 2019 spells its masks as lists of numbers: kept as
    such they take 1.4 GB of memory, as strings a tenth. Nothing is decoded, and what pycocotools
    refuses is left for the checks that name the annotation.
    """
    counts, size = entry.get('counts'), entry.get('size')
    if not counts or not isinstance(counts, list) or not isinstance(size, list) or len(size) != 2:
        return entry
    try:
        return dict(size=size, counts=mask_utils.frPyObjects(entry, *size)['counts'].decode())
    except (TypeError, ValueError, OverflowError):
        return entry


def category_labels(categories: Sequence[dict]) -> tuple[list[int], list[str]]:
    """Category ids in rising order and their names; label = place + 1, ids may have gaps."""
    ordered = sorted(categories, key=lambda category: category['id'])
    return [c['id'] for c in ordered], [str(c.get('name', c['id'])) for c in ordered]


def agreed_classes(found: Sequence[str], default: Sequence[str] | None,
                   configured: Sequence[str] | None, ann_file: str) -> tuple[str, ...]:
    """The class list: the file's, spelt as the code's where both agree.

    Args:
        found: names in the annotation file, in label order.
        default: the names the data set class knows, if any.
        configured: ``classes`` of the config, if given.
        ann_file: for the message.

    Raises:
        ValueError: the configured list is not the file's.
    """

    def plain(names: Sequence[str]) -> list[str]:
        return [name.replace(' ', '_') for name in names]

    if configured is not None and plain(configured) != plain(found):
        place = next((i for i, (a, b) in enumerate(zip(plain(configured), plain(found))) if a != b),
                     min(len(configured), len(found)))
        raise BadValue(
            f'{ann_file}: its classes differ from "classes" in the config from place {place + 1} '
            f'on: expected {len(configured)} '
            f'({", ".join(configured[place:place + 4]) or "end of list"}), found {len(found)} '
            f'({", ".join(found[place:place + 4]) or "end of list"}); list the classes in the '
            'order of their category ids, or leave "classes" out to take them from the file')
    if default is not None and plain(default) == plain(found):
        return tuple(default)
    return tuple(found)


class VideoIndex:
    """Frames and objects of a YouTube-VIS file, by position.

    Args:
        ytvos: the annotation file.
        cat2label: 1-based label of every category id.

    Attributes:
        videos: video entries in file order, each with ``filenames``.
        frames: for every video the frames that show at least one object that
            is no crowd, in order.
    """

    def __init__(self, ytvos: YTVOS, cat2label: dict[Any, int]) -> None:
        self.ytvos = ytvos
        self.cat2label = cat2label
        self.videos = [self._video(info) for info in ytvos.loadVids(ytvos.getVidIds())]
        self._tracks = [ytvos.vidToAnns.get(video['id'], []) for video in self.videos]
        for tracks in self._tracks:
            for track in tracks:
                self._check_track(track)
        self.frames = [self._shown(v) for v in range(len(self.videos))]

    def _video(self, info: dict) -> dict:
        if not info.get('file_names'):
            raise BadValue(f'{self.ytvos.name}: video {info["id"]} lists no "file_names"; expected '
                           'the path of every frame below img_prefix')
        return dict(info, filenames=info['file_names'])

    def _check_track(self, track: dict) -> None:
        for key in ('bboxes', 'areas', 'segmentations'):
            if not isinstance(track.get(key), list):
                raise BadValue(f'{self.ytvos.name}: annotation {track["id"]} has no "{key}"; '
                               'expected a list with one entry a frame (null where absent)')
        for t, (box, mask) in enumerate(zip(track['bboxes'], track['segmentations'])):
            if box is not None and (len(box) != 4 or mask is None):
                raise BadValue(
                    f'{self.ytvos.name}: annotation {track["id"]}, frame {t}: expected a box x, y, '
                    f'w, h with a segmentation, got box {box} with '
                    f'{"no " if mask is None else "a "}segmentation; write null for both where the '
                    'object is absent')

    def _shown(self, video: int) -> list[int]:
        """Frames of one video where a non-crowd object is valid."""
        shown = set()
        for track in self._tracks[video]:
            if not track.get('iscrowd', 0):
                shown.update(t for t, (box, area) in enumerate(zip(track['bboxes'], track['areas']))
                             if Entry(box, area, 0).is_valid())
        return sorted(shown)

    def all_frames(self) -> list[tuple[int, int]]:
        """(video, frame) of every frame of every video, in order."""
        return [(v, t) for v, video in enumerate(self.videos)
                for t in range(len(video['filenames']))]

    def ann_info(self, video: int, frame: int) -> dict[str, Any]:
        """What is annotated in one frame; positions, not ids, are given."""
        return ann_info([
            Entry(track['bboxes'][frame], track['areas'][frame],
                  self.cat2label[track['category_id']], bool(track.get('iscrowd', 0)),
                  track['id'], self._decoder(track, frame))
            for track in self._tracks[video]])

    def _decoder(self, track: dict, frame: int) -> Callable[[], np.ndarray]:
        return lambda: self.ytvos.annToMask(track, frame)
