"""Testing: every frame of every video through the detector, in order.

The state of a video is the ``memory`` that goes into ``track`` and comes out
of it; nothing is kept on the detector.
"""
import functools
import inspect
import itertools
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmdet.core import FramePreprocessor
from mmdet.datasets.base import BaseDataset
from mmdet.engine.after_video import finish_video
from mmdet.engine.distribution import broadcast, gather_dicts, rank_and_world, together
from mmdet.engine.finished_videos import FinishedVideos
from mmdet.engine.inference import prepare_inference
from mmdet.engine.prefetch import default_workers, prefetch
from mmdet.engine.progress import Progress
from mmdet.engine.recording import Recorder
from mmdet.engine.replay import replay_video
from mmdet.engine.sharding import balanced_shards
from mmdet.formats.detections import FrameDetections
from mmdet.formats.results import by_stage
from mmdet.formats.track_result import TrackResult
from mmdet.utils.errors import BadType, BadValue
from mmdet.utils.logger import get_root_logger


def network_input(preprocess: FramePreprocessor, img: Tensor | Sequence[Tensor],
                  device: torch.device) -> Tensor | list[Tensor]:
    """``img`` of an item, a frame or several views of it, as the detector takes it."""
    if isinstance(img, Tensor):
        return preprocess([img.to(device, non_blocking=True)])
    return [preprocess([view.to(device, non_blocking=True)]) for view in img]


def track_video(detector: nn.Module, preprocess: FramePreprocessor, items: Iterable[dict],
                device: torch.device, keep: Callable[[FrameDetections], None] | None = None
                ) -> Iterator[tuple[dict, TrackResult]]:
    """Follow the objects through one video.

    Args:
        detector: has ``track(img, img_meta, memory) -> (TrackResult, memory)``.
        preprocess: frames to network input.
        items: the frames in order, dicts with ``img`` uint8 (h, w, 3) and ``img_meta``, or
            lists of these with one entry a view.
        device: of the detector.
        keep: gets all detections of each frame; the detector's ``track`` takes it then.

    Yields:
        each item and what is in it.
    """
    track = detector.track if keep is None else functools.partial(detector.track, keep=keep)
    memory = None
    for item in items:
        img = network_input(preprocess, item['img'], device)
        result, memory = track(img, item['img_meta'], memory)
        yield item, result


@torch.no_grad()
def track_dataset(detector: nn.Module, dataset: BaseDataset, device: torch.device,
                  workers: int | None = None, logger: logging.Logger | None = None,
                  recorder: Recorder | None = None,
                  finished: FinishedVideos | None = None) -> list[TrackResult] | None:
    """Test every video of a data set, each process its share of whole videos.

    Args:
        detector: see :func:`track_video`; put into evaluation mode.
        dataset: of videos, in test mode.
        device: of the detector.
        workers: threads that load frames; by default as the machine allows.
        logger: for progress.
        recorder: keeps all detections.
        finished: videos that need not be tested again; gets the others when they are done.

    Returns:
        a result per item; None on other processes than the first.
    """
    detector.eval()
    videos = dataset.videos()
    rank, count = rank_and_world()
    before = {} if finished is None else finished.found
    left = [video for video in videos if video not in before]
    mine = balanced_shards([len(videos[video]) for video in left], count)[rank]
    mine = [left[i] for i in mine]
    order = [index for video in mine for index in videos[video]]
    preprocess = dataset.preprocessor()
    both_ways = getattr(getattr(detector, 'tracking', None), 'backward', None) is not None
    progress = Progress(sum(len(videos[video]) for video in left), logger or get_root_logger(),
                        mine=len(order))
    items = prefetch(dataset.__getitem__, order,
                     default_workers(device) if workers is None else workers)

    def test_mine() -> dict[int, list[TrackResult]]:
        """This process's videos."""
        found = {}
        for video in mine:
            shots = itertools.islice(items, len(videos[video]))
            found[video], frames = [], []
            for _, result in track_video(detector, preprocess, shots, device,
                                         frames.append if recorder or both_ways else None):
                found[video].append(result)
                progress.update()
            if both_ways:
                found[video] = replay_video(detector, frames, device)
            else:
                found[video] = finish_video(detector, found[video])
            if recorder is not None:
                recorder.add(video, frames)
            if finished is not None:
                finished.add(video, found[video])
        if recorder is not None:
            recorder.close()
        return found

    found = together(test_mine)
    progress.finish()
    found = gather_dicts(found)  # waits for all
    if recorder is not None:
        recorder.join()
    if found is None:
        return None
    found |= before
    return [result for video in videos for result in found[video]]


@torch.no_grad()
def detect_dataset(detector: nn.Module, dataset: BaseDataset, device: torch.device,
                   workers: int | None = None,
                   logger: logging.Logger | None = None) -> list | None:
    """Test every image of a data set with ``detector.detect``; see :func:`track_dataset`.

    Returns:
        what ``detect`` returned, an entry per image.
    """
    detector.eval()
    rank, count = rank_and_world()
    order = range(rank, len(dataset), count)
    preprocess, given = dataset.preprocessor(), given_inputs(detector)
    progress = Progress(len(dataset), logger or get_root_logger(), 'images', mine=len(order))
    items = prefetch(dataset.__getitem__, order,
                     default_workers(device) if workers is None else workers)

    def test_mine() -> dict[int, Any]:
        found = {}
        for index, item in zip(order, items):
            img = network_input(preprocess, item['img'], device)
            inputs = {key: item[key].to(device, non_blocking=True) for key in given if key in item}
            found[index] = detector.detect(img, item['img_meta'], **inputs)
            progress.update()
        return found

    found = together(test_mine)
    progress.finish()
    found = gather_dicts(found)
    return None if found is None else [found[i] for i in range(len(dataset))]


def given_inputs(detector: nn.Module) -> list[str]:
    """What ``detect`` takes of an item besides the picture: ``proposals``, or nothing."""
    return [key for key in inspect.signature(detector.detect).parameters if key == 'proposals']


def choose_loop(detector: nn.Module, dataset: BaseDataset) -> Callable[..., Any]:
    """:func:`track_dataset` for videos, :func:`detect_dataset` for images.

    Raises:
        TypeError: the detector cannot test this data set.
    """
    if not dataset.result_types:
        raise BadType(f'{type(dataset).__name__}: results cannot be written for it; test on a '
                      'YTVOSDataset or a CocoDataset')
    wanted = 'track' if dataset.is_video else 'detect'
    if not hasattr(detector, wanted):
        remedy = ('give the model a track_head' if wanted == 'track' else
                  'remove the track_head, or test on videos')
        raise BadType(f'{type(detector).__name__} has no "{wanted}", which a '
                      f'{type(dataset).__name__} needs; {remedy}')
    return track_dataset if wanted == 'track' else detect_dataset


def given_types(detector: nn.Module) -> Sequence[str]:
    """The evaluation types that a detector's results can be scored by, what tells most first.

    A detector of one's own may name them in an attribute ``result_types``; others are known by
    their heads.
    """
    def has(part: str) -> bool:
        return getattr(detector, part, None) is not None

    named = getattr(detector, 'result_types', None)
    if named is not None:
        return named
    if has('mask_head'):
        return 'segm', 'bbox', 'proposal', 'proposal_fast'
    if has('bbox_head'):
        return 'bbox', 'proposal', 'proposal_fast'
    return ('proposal', 'proposal_fast') if has('rpn_head') else ()


def result_types(detector: nn.Module, dataset: BaseDataset) -> list[str]:
    """What ``--validate`` scores: masks and boxes, of videos one of them, of an RPN its recall.

    Raises:
        ValueError: the detector gives nothing that the data set can score.
    """
    given = given_types(detector)
    types = [kind for kind in given if kind in dataset.result_types]
    if not types:
        raise BadValue(f'{type(detector).__name__} gives {", ".join(given) or "nothing known"}, '
                       f'but {type(dataset).__name__} can score '
                       f'{", ".join(dataset.result_types) or "nothing"}; score another data set')
    if dataset.is_video:
        return types[:1]
    return [kind for kind in types if kind in ('segm', 'bbox')] or ['proposal_fast']


def evaluate_detector(detector: nn.Module, dataset: BaseDataset, device: torch.device,
                      logger: logging.Logger | None = None, types: Iterable[str] | None = None,
                      track_score: str = 'mean', amp: bool | str = False
                      ) -> dict[str, dict[str, float]]:
    """Test a data set and score it, e.g. while training.

    With several processes each tests its share; all get the same metrics. A copy of the
    detector is prepared and tested, see :func:`prepare_inference`; it is left as it was.

    Args:
        detector: finds something in every item; of several stages the ensemble is scored.
        dataset: in test mode, with annotations.
        device: of the detector.
        logger: for progress and tables.
        types: evaluation types; None: :func:`result_types`.
        track_score: how frames make the score of a track.
        amp: see :func:`prepare_inference`.

    Raises:
        ValueError: the data set has no annotations, or nothing that it scores is found.
    """
    if not dataset.has_annotations():
        raise BadValue(f'{dataset.ann_file}: no annotations to score against; give data.val '
                       'a file that has them (split the training set by video)')
    types = list(types or result_types(detector, dataset))
    ready = together(lambda: prepare_inference(detector, amp))
    results = choose_loop(ready, dataset)(ready, dataset, device, logger=logger)

    def score() -> dict[str, dict[str, float]] | None:
        if results is None:
            return None
        with tempfile.TemporaryDirectory() as folder:
            stages = by_stage(results)
            files = dataset.write(stages.get('ensemble', stages.get('')),
                                  os.path.join(folder, 'results.json'), track_score)
            return dataset.score(files, types, logger)

    return broadcast(together(score))
