"""Cut an annotation file in two by video, every category on both sides."""
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np

from mmdet.formats.annotation_checks import SEQUENCES
from mmdet.formats.entries import video_name
from mmdet.formats.ytvos import YTVOS
from mmdet.utils.errors import BadValue


def split_videos(ytvos: YTVOS, val_ratio: float, seed: int = 0) -> set[Hashable]:
    """Choose validation videos so that categories keep their shares.

    The rarest category is dealt out first, to the side that still lacks most
    of it (iterative stratification, Sechidis et al. 2011). Categories seen in
    two videos or more get at least one on each side; one seen in a single
    video stays in training.

    Args:
        ytvos: the annotation index.
        val_ratio: share of the videos that go to validation, in (0, 1).
        seed: another one gives another split; the same one the same.

    Returns:
        ids of the validation videos.

    Raises:
        ValueError: the file cannot be split that way; says what is in the way.
    """
    shown = shown_categories(ytvos)
    _check(ytvos, shown, val_ratio)
    order = [int(i) for i in np.random.RandomState(seed).permutation(len(ytvos.vids))]
    videos = sorted(ytvos.vids, key=str)
    videos = [videos[i] for i in order]
    total = {cat: sum(cat in cats for cats in shown.values()) for cat in ytvos.cats}
    lacking = {cat: _share(count, val_ratio) for cat, count in total.items()}
    room = _share(len(videos), val_ratio)
    val, open_videos = set(), list(videos)
    for cat in _rarest_first(total):
        for vid in [v for v in open_videos if cat in shown[v]]:
            if lacking[cat] > 0 and room > 0:
                val.add(vid)
                room -= 1
                for other in shown[vid]:
                    lacking[other] -= 1
        open_videos = [v for v in open_videos if cat not in shown[v]]
    val.update(open_videos[:max(0, room)])  # without any object
    _repair(val, videos, shown, total)
    if not val:
        raise BadValue(f'{ytvos.name}: no category is seen in two videos, so none could be '
                       'learnt from one and tested on another; add videos')
    return val


def shown_categories(ytvos: YTVOS) -> dict[Hashable, set]:
    """Categories of the objects of each video; crowds do not count."""
    return {vid: {ann['category_id'] for ann in ytvos.vidToAnns.get(vid, ())
                  if not ann.get('iscrowd')} for vid in ytvos.vids}


def _check(ytvos: YTVOS, shown: dict, val_ratio: float) -> None:
    _check_ratio(val_ratio)
    if len(ytvos.vids) < 2:
        raise BadValue(f'{ytvos.name} has {len(ytvos.vids)} video; a split by video '
                       'needs two; cut every video in two with --by-time')
    if not any(shown.values()):
        raise BadValue(f'{ytvos.name} has no annotations; split the training file, the '
                       'public validation files have none')


def _check_ratio(val_ratio: float) -> None:
    if not 0 < val_ratio < 1:
        raise BadValue(f'the share of validation videos must lie between 0 and 1, got {val_ratio}')


def _share(count: int, ratio: float) -> int:
    """How many of ``count`` go to validation: at least 1, and leave 1, if there are 2."""
    return min(max(1, round(count * ratio)), count - 1) if count > 1 else 0


def _rarest_first(total: dict) -> list:
    return sorted((cat for cat in total if total[cat]), key=lambda cat: (total[cat], str(cat)))


def one_sided(val: set, shown: dict, total: dict) -> list:
    """Categories of two videos or more that are missing on a side."""
    in_val = {cat for vid in val for cat in shown[vid]}
    in_train = {cat for vid, cats in shown.items() if vid not in val for cat in cats}
    return [cat for cat in _rarest_first(total)
            if total[cat] > 1 and not (cat in in_val and cat in in_train)]


def _repair(val: set, videos: list, shown: dict, total: dict) -> None:
    """Move single videos, or swap two, until every category has both sides."""
    missing = one_sided(val, shown, total)
    while missing:
        moves = [(vid, ) for vid in videos if shown[vid] & set(missing)]
        moves += [(a, b) for (a, ) in moves for b in videos if (a in val) != (b in val)]
        for move in moves:
            left = one_sided(val ^ set(move), shown, total)
            if len(left) < len(missing) and 0 < len(val ^ set(move)) < len(videos):
                val ^= set(move)
                missing = left
                break
        else:
            raise BadValue(f'categories {missing} cannot be put on both sides together with '
                           'the others; try another seed or share, or add videos')


def find_videos(ytvos: YTVOS, names: Iterable[str]) -> set[Hashable]:
    """Ids of the videos of these names (see :func:`mmdet.formats.entries.video_name`) or ids.

    Raises:
        ValueError: there is no such video, several have the name, or none was asked for.
    """
    known, found = _videos_by_name(ytvos), set()
    for name in names:
        ids = known.get(name, ())
        if len(ids) != 1:
            raise BadValue(f'{ytvos.name} has {len(ids) or "no"} video{"s" * (len(ids) > 1)} '
                           f'{name!r:.80}' + ('; name them by their ids' if ids else ''))
        found.update(ids)
    if not found:
        raise BadValue('the list of videos is empty')
    return found


def names_of(ytvos: YTVOS, ids: Iterable[Hashable]) -> list[str]:
    """A line for each video by which :func:`find_videos` finds it: its name, else its id."""
    known, names = _videos_by_name(ytvos), []
    for vid in ids:
        name = video_name(ytvos.vids[vid])
        plain = name.isprintable() and name == name.strip()
        names.append(name if plain and known[name] == [vid] else str(vid))
    return names


def _videos_by_name(ytvos: YTVOS) -> dict[str, list]:
    """Ids of the videos of each name; an id is a name too, where no video has it for a name."""
    known = {}
    for vid, video in ytvos.vids.items():
        known.setdefault(video_name(video), []).append(vid)
    return {str(vid): [vid] for vid in ytvos.vids} | known


def split_time(dataset: dict[str, Any], val_ratio: float) -> tuple[dict, dict]:
    """The first frames of every video to train on, the last ones to validate.

    The same objects are on both sides, so scores say how well those are followed, not how well
    others would be.

    Args:
        dataset: an annotation file.
        val_ratio: share of the frames that go to validation, in (0, 1).

    Returns:
        both sides; ids stay, objects that are not seen on a side are left out there.

    Raises:
        ValueError: the share is none, or a video has one frame only.
    """
    _check_ratio(val_ratio)
    cuts = {}
    for video in dataset['videos']:
        length = len(video['file_names'])
        if length < 2:
            raise BadValue(f'video {video["id"]} has {length} frame; a split by time needs two')
        cuts[video['id']] = length - _share(length, val_ratio)
    first = _frames(dataset, {vid: slice(0, cut) for vid, cut in cuts.items()})
    return first, _frames(dataset, {vid: slice(cut, None) for vid, cut in cuts.items()})


def _frames(dataset: dict[str, Any], chosen: dict[Hashable, slice]) -> dict[str, Any]:
    """An annotation file of some frames of each video."""
    videos = []
    for video in dataset['videos']:
        names = video['file_names'][chosen[video['id']]]
        videos.append(dict(video, file_names=names, length=len(names)))
    annotations = [
        dict(ann, **{key: ann[key][chosen[ann['video_id']]] for key in SEQUENCES if ann.get(key)})
        for ann in dataset.get('annotations') or ()]
    seen = [ann for ann in annotations if any(ann.get('segmentations') or ())]
    return dict(dataset, videos=videos, annotations=seen)


def part(dataset: dict[str, Any], video_ids: set) -> dict[str, Any]:
    """An annotation file of some of the videos; entries, ids and order stay."""
    return dict(
        dataset, videos=[v for v in dataset['videos'] if v['id'] in video_ids],
        annotations=[a for a in dataset['annotations'] if a['video_id'] in video_ids])
