"""What a detector found, as the json files that evaluators and servers read."""
import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mmdet.formats.json_files import write_json
from mmdet.formats.rle import json_rle, rle_areas
from mmdet.formats.track_result import TrackResult
from mmdet.utils.errors import BadValue
from mmdet.utils.registry import nearest

Path = str | os.PathLike
MAX_COORDINATE = 1e6  # pixels; OpenCV takes 32-bit numbers
# How the scores of the frames where an object was seen, float32 (n,), and the
# length of the video become the score of its track.
TRACK_SCORES: dict[str, Callable[[np.ndarray, int], float]] = {
    'mean': lambda scores, length: scores.mean(),
    'max': lambda scores, length: scores.max(),
    'median': lambda scores, length: np.median(scores),
    'coverage': lambda scores, length: scores.sum() / length,
}


def check_track_score(name: str) -> str:
    """``name`` itself if it is a way to score tracks, else a ValueError naming those."""
    if name not in TRACK_SCORES:
        raise BadValue(f'track_score: unknown "{name}"{nearest(name, TRACK_SCORES)}')
    return name


def from_classic(results: Sequence) -> list[TrackResult]:
    """Results as :class:`TrackResult`, where they are the ``(det, seg)`` pairs of an ``X.pkl``.

    Raises:
        ValueError: an entry is neither, or has an object without a mask.
    """
    converted = []
    for place, result in enumerate(results):
        if not isinstance(result, TrackResult):
            try:
                result = TrackResult.from_classic(*result)
            except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
                raise BadValue(f'results: entry {place} is no pair of boxes and masks by object id '
                               f'({error!r:.80}); the file is damaged, run the test again'
                               ) from None
        converted.append(result)
    return converted


def check_results(dataset: Any, results: Sequence) -> None:
    """Check that what a file held is of this data set and can be drawn and scored.

    Args:
        dataset: ``len`` and ``item_info`` are asked.
        results: :class:`TrackResult` a frame, or what ``detect`` gives for an image.

    Raises:
        ValueError: names the first frame that is wrong.
    """
    if len(results) != len(dataset):
        raise BadValue(f'results: {len(results)} entries, but the data set has {len(dataset)}; '
                       'they belong to another annotation file, run the test again')
    for index, result in enumerate(results):
        info = dataset.item_info(index)
        try:
            boxes, masks = _boxes_and_masks(result)
            if not (np.abs(boxes) < MAX_COORDINATE).all():
                raise ValueError('a box is not of finite numbers')
            rle_areas(masks, (info['height'], info['width']))
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise BadValue(f'results: {info["filename"]}: {error}; they are damaged or of another '
                           'data set, run the test again') from None


def _boxes_and_masks(result: Any) -> tuple[np.ndarray, list]:
    """(n, 4 or 5) and n RLEs; none where boxes only were found."""
    if isinstance(result, TrackResult):
        boxes, masks = result.boxes, list(result.masks)
        if len(set(result.obj_ids.tolist())) != len(boxes) or (result.obj_ids < 0).any():
            raise ValueError('ids of objects are negative or used twice')
        return boxes, masks
    if isinstance(result, dict):
        parts = [_boxes_and_masks(stage) for stage in result.values()]
        return (np.concatenate([np.zeros((0, 5)), *(boxes for boxes, _ in parts)]),
                [mask for _, masks in parts for mask in masks])
    found, segms = result if isinstance(result, tuple) else (result, None)
    if isinstance(found, np.ndarray):
        found = [found]
    boxes = np.concatenate([np.zeros((0, 5)), *found])
    masks = [] if segms is None else [mask for masks in segms for mask in masks]
    if segms is not None and [len(part) for part in segms] != [len(part) for part in found]:
        raise ValueError('there are not as many masks as boxes')
    return boxes, masks


class TrackWriter:
    """Collects the frames of one video into one record a track.

    Args:
        video_id: of the annotation file.
        num_frames: length of the video; None: as many as were added.
        category_ids: category id of each 0-based label.
        track_score: ``mean`` of the frames where the object was seen (as in
            2019), ``max``, ``median``, or ``coverage``: the mean over the whole
            video, where an unseen object counts 0.
    """

    def __init__(self, video_id: int, num_frames: int | None, category_ids: Sequence[int],
                 track_score: str = 'mean') -> None:
        self.video_id = video_id
        self.num_frames = num_frames
        self.added = 0
        self.category_ids = list(category_ids)
        self.track_score = check_track_score(track_score)
        self.tracks: dict[int, dict] = {}
        self.kind: str | None = None  # 'segmentations' or 'bboxes'

    def add(self, frame_id: int, result: TrackResult) -> None:
        """Add what was seen in one frame.

        Args:
            frame_id: 0-based.
            result: of that frame.

        Raises:
            ValueError: no such frame in the video, some objects without a mask, a
                label without a category, or a score that is no number.
        """
        where = f'video {self.video_id}, frame {frame_id}'
        if self.num_frames is not None and not 0 <= frame_id < self.num_frames:
            raise BadValue(f'{where}: the video has {self.num_frames} frames; '
                           'test it with the annotation file it belongs to')
        shapes = self._shapes(result, where)
        self.added = max(self.added, frame_id + 1)
        for obj_id, label, score, shape in zip(result.obj_ids.tolist(), result.labels.tolist(),
                                               result.scores.tolist(), shapes):
            if not 0 <= label < len(self.category_ids):
                raise BadValue(f'{where}: label {label}, but there are only '
                               f'{len(self.category_ids)} categories; the head was built '
                               'for another data set')
            if not math.isfinite(score):
                raise BadValue(f'{where}: object {obj_id} has score {score}; '
                               'the weights are not usable')
            track = self.tracks.setdefault(obj_id, {'scores': [], 'labels': [], self.kind: {}})
            track['scores'].append(score)
            track['labels'].append(label)
            track[self.kind][frame_id] = shape

    def _shapes(self, result: TrackResult, where: str) -> list:
        """Masks, or boxes where a detector finds no masks, as the json has them."""
        kind = 'segmentations' if len(result.masks) else 'bboxes'
        self.kind = self.kind or (kind if len(result) else None)
        if len(result) and (kind != self.kind or len(result.masks) not in (0, len(result))):
            raise BadValue(f'{where}: {len(result)} objects, but {len(result.masks)} masks; '
                           'the results are damaged, run the test again')
        if len(result.masks):
            return [json_rle(mask) for mask in result.masks]
        return [[x1, y1, x2 - x1 + 1, y2 - y1 + 1] for x1, y1, x2, y2 in result.boxes.tolist()]

    def records(self) -> list[dict]:
        """One ``{video_id, score, category_id, segmentations}`` a track, by first appearance.

        Where a detector finds boxes only there are ``bboxes`` instead, [x, y, w, h] a frame.
        """
        length = self.added if self.num_frames is None else self.num_frames
        return [self._record(track, length) for track in self.tracks.values()]

    def _record(self, track: dict, length: int) -> dict:
        scores = np.array(track['scores'], np.float32)  # float32 as in 2019
        label = int(np.bincount(track['labels']).argmax())
        return {
            'video_id': self.video_id,
            'score': float(TRACK_SCORES[self.track_score](scores, length)),
            'category_id': self.category_ids[label],
            self.kind: [track[self.kind].get(t) for t in range(length)],
        }


def video_records(dataset: Any, results: Sequence[TrackResult],
                  track_score: str = 'mean') -> list[dict]:
    """The records of every track of a data set.

    Args:
        dataset: has ``img_ids`` [(video index, frame index)], ``vid_infos``
            (entries of the annotation file) and ``cat_ids``.
        results: one per entry of ``img_ids``.
        track_score: see :class:`TrackWriter`.

    Raises:
        ValueError: there are more or fewer results than frames.
    """
    if len(results) != len(dataset.img_ids):
        raise BadValue(f'results: {len(results)} frames, but the data set has '
                       f'{len(dataset.img_ids)}; they belong to another annotation file, '
                       'run the test again')
    writers = {}
    for (video, frame), result in zip(dataset.img_ids, results):
        if video not in writers:
            info = dataset.vid_infos[video]
            writers[video] = TrackWriter(info['id'], len(info['file_names']),
                                         dataset.cat_ids, track_score)
        writers[video].add(frame, result)
    return [record for writer in writers.values() for record in writer.records()]


def results2json_videoseg(dataset: Any, results: Sequence, out_file: Path,
                          track_score: str = 'mean') -> list[dict]:
    """Write the tracks of a data set as YouTube-VIS results; see :func:`video_records`.

    The ``(det, seg)`` pairs of an ``X.pkl`` are taken too. The file appears when it is
    complete. Returns what was written.
    """
    records = video_records(dataset, from_classic(results), track_score)
    write_json(records, out_file)
    return records


def _image_records(image_id: Any, category_ids: Sequence,
                   boxes: Sequence[np.ndarray]) -> list[dict]:
    """COCO box records of one image from one (n, 5) array a class, inclusive corners."""
    if len(boxes) > len(category_ids):
        raise BadValue(f'results: image {image_id} has boxes of {len(boxes)} classes, the data set '
                       f'knows {len(category_ids)}; test with the config the model was trained '
                       'with, and name the classes there where the annotation file does not')
    return [{'image_id': image_id, 'category_id': category_ids[label],
             'bbox': [x1, y1, x2 - x1 + 1, y2 - y1 + 1], 'score': score}
            for label, found in enumerate(boxes)
            for x1, y1, x2, y2, score in np.asarray(found).reshape(-1, 5).tolist()]


def _with_masks(boxes: list[dict], segms: Sequence[Sequence[dict]]) -> list[dict]:
    """COCO mask records; without ``bbox``, whose area COCO would take for the mask's."""
    masks = [rle for found in segms for rle in found]
    return [{'image_id': box['image_id'], 'category_id': box['category_id'],
             'segmentation': json_rle(rle), 'score': box['score']}
            for box, rle in zip(boxes, masks, strict=True)]


def results2json(dataset: Any, results: Sequence, out_file: Path) -> dict[str, str]:
    """Write per-image detections as COCO results.

    Args:
        dataset: has ``img_ids`` and ``cat_ids``.
        results: an entry per image: a list with one (n, 5) array per class; or a tuple of that and
            a list with n compressed RLE dicts per class; or proposals, an array (n, 5), which are
            written as category 1.
        out_file: the json; with masks it holds those, and the boxes go to the same name with
            ``.bbox.json`` at its end.

    Returns:
        the file by evaluation type: ``proposal`` and ``proposal_fast``, and where there are
        classes ``bbox``, with masks ``segm``.

    Raises:
        ValueError: there are more or fewer results than images, or more classes.
    """
    if len(results) != len(dataset.img_ids):
        raise BadValue(f'results: {len(results)} images, but the data set has '
                       f'{len(dataset.img_ids)}; run the test again')
    with_masks = any(isinstance(result, tuple) for result in results)
    only_proposals = any(isinstance(result, np.ndarray) for result in results)
    boxes, masks = [], []
    for image_id, result in zip(dataset.img_ids, results):
        found, segms = result if with_masks else (result, ())
        records = _image_records(image_id, [1] if only_proposals else dataset.cat_ids,
                                 [found] if only_proposals else found)
        boxes += records
        masks += _with_masks(records, segms) if with_masks else []
    box_file = f'{os.path.splitext(out_file)[0]}.bbox.json' if with_masks else str(out_file)
    write_json(boxes, box_file)
    if with_masks:
        write_json(masks, out_file)
    files = dict.fromkeys(['proposal', 'proposal_fast'] if only_proposals else
                          ['bbox', 'proposal', 'proposal_fast'], box_file)
    return files | ({'segm': str(out_file)} if with_masks else {})


def by_stage(results: Sequence) -> dict[str, list]:
    """Results of a detector that keeps all its stages, one list for each of them.

    Args:
        results: an entry per image; of a cascade with ``keep_all_stages`` a dict with ``stage0``,
            ``stage1``, ... and ``ensemble``.

    Returns:
        the entries of every stage by its name; the results themselves under ``''`` where there
        are no stages.

    Raises:
        ValueError: images have different stages.
    """
    if not any(isinstance(result, dict) for result in results):
        return {'': list(results)}
    names = list(results[0])
    for place, result in enumerate(results):
        if not isinstance(result, dict) or list(result) != names:
            raise BadValue(f'results: image {place} has other stages than the first '
                           f'({", ".join(names)}); run the test again')
    return {name: [result[name] for result in results] for name in names}
