"""Testing: every frame of every video through the detector, in order.

The state of a video is the ``memory`` that goes into ``track`` and comes out
of it; nothing is kept on the detector.
"""
import itertools
import logging
import os
import tempfile
from typing import Any, Callable, Iterable, Iterator, Optional

import torch
from torch import nn

from mmdet.core import FramePreprocessor, TrackResult
from mmdet.evaluation import coco_eval, ytvos_eval
from mmdet.formats import results2json, results2json_videoseg
from mmdet.engine.distribution import broadcast, gather_dicts, rank_and_world
from mmdet.engine.prefetch import default_workers, prefetch
from mmdet.engine.progress import Progress
from mmdet.engine.sharding import balanced_shards
from mmdet.utils.logger import get_root_logger


def is_video_dataset(dataset: Any) -> bool:
    """Whether items are frames of videos, not single images."""
    return hasattr(dataset, 'vid_infos')


def make_preprocessor(dataset: Any) -> FramePreprocessor:
    """The normalisation and padding a data set was configured with."""
    return FramePreprocessor(**dataset.img_norm_cfg, size_divisor=dataset.size_divisor)


def track_video(detector: nn.Module, preprocess: FramePreprocessor,
                items: Iterable[dict], device: torch.device) -> Iterator[TrackResult]:
    """Follow the objects through one video.

    Args:
        detector: has ``track(img, img_meta, memory) -> (TrackResult, memory)``.
        preprocess: frames to network input.
        items: the frames in order, dicts with ``img`` uint8 (h, w, 3) and ``img_meta``.
        device: of the detector.

    Yields:
        a TrackResult a frame.
    """
    memory = None
    for item in items:
        img = preprocess([item['img'].to(device, non_blocking=True)])
        result, memory = detector.track(img, item['img_meta'], memory)
        yield result


def video_frames(dataset: Any) -> dict[int, list[int]]:
    """Video index to the data set indices of its frames, in order."""
    frames = {}
    for index, (video, _) in enumerate(dataset.img_ids):
        frames.setdefault(video, []).append(index)
    return frames


@torch.no_grad()
def track_dataset(detector: nn.Module, dataset: Any, device: torch.device,
                  workers: Optional[int] = None,
                  logger: Optional[logging.Logger] = None) -> Optional[list]:
    """Test every video of a data set, each process its share of whole videos.

    Args:
        detector: see :func:`track_video`; put into evaluation mode.
        dataset: in test mode.
        device: of the detector.
        workers: threads that load frames; by default as the machine allows.
        logger: for progress.

    Returns:
        a ``(det, seg)`` an entry of ``dataset.img_ids``, see
        :meth:`TrackResult.to_classic`; None on other processes than the first.
    """
    detector.eval()
    frames = video_frames(dataset)
    rank, count = rank_and_world()
    mine = balanced_shards([len(inds) for inds in frames.values()], count)[rank]
    videos = [list(frames)[i] for i in mine]
    order = [index for video in videos for index in frames[video]]
    preprocess = make_preprocessor(dataset)
    progress = Progress(len(order), logger or get_root_logger())
    items = prefetch(dataset.__getitem__, order,
                     default_workers(device) if workers is None else workers)
    found = {}
    for video in videos:
        shots = itertools.islice(items, len(frames[video]))
        found[video] = []
        for result in track_video(detector, preprocess, shots, device):
            found[video].append(result.to_classic())
            progress.update()
    progress.finish()
    found = gather_dicts(found)
    if found is None:
        return None
    return [shot for video in frames for shot in found[video]]


@torch.no_grad()
def detect_dataset(detector: nn.Module, dataset: Any, device: torch.device,
                   workers: Optional[int] = None,
                   logger: Optional[logging.Logger] = None) -> Optional[list]:
    """Test every image of a data set with ``detector.detect``; see :func:`track_dataset`.

    Returns:
        what ``detect`` returned, an entry an image.
    """
    detector.eval()
    rank, count = rank_and_world()
    order = range(rank, len(dataset), count)
    preprocess = make_preprocessor(dataset)
    progress = Progress(len(order), logger or get_root_logger(), 'images')
    items = prefetch(dataset.__getitem__, order,
                     default_workers(device) if workers is None else workers)
    found = {}
    for index, item in zip(order, items):
        img = preprocess([item['img'].to(device, non_blocking=True)])
        found[index] = detector.detect(img, item['img_meta'])
        progress.update()
    progress.finish()
    found = gather_dicts(found)
    return None if found is None else [found[i] for i in range(len(dataset))]


def choose_loop(detector: nn.Module, dataset: Any) -> Callable:
    """:func:`track_dataset` for videos, :func:`detect_dataset` for images.

    Raises:
        TypeError: the detector cannot test this data set.
    """
    if not hasattr(dataset, 'ytvos') and not hasattr(dataset, 'coco'):
        raise TypeError(f'{type(dataset).__name__}: results cannot be written for it; test on a '
                        'YTVOSDataset or a CocoDataset')
    wanted = 'track' if is_video_dataset(dataset) else 'detect'
    if not hasattr(detector, wanted):
        remedy = ('give the model a track_head' if wanted == 'track' else
                  'remove the track_head, or test on videos')
        raise TypeError(f'{type(detector).__name__} has no "{wanted}", which a '
                        f'{type(dataset).__name__} needs; {remedy}')
    return track_dataset if wanted == 'track' else detect_dataset


def has_annotations(dataset: Any) -> bool:
    """Whether the annotation file tells what is in the frames."""
    index = dataset.ytvos if is_video_dataset(dataset) else dataset.coco
    return bool(index.dataset.get('annotations'))


def write_results(dataset: Any, results: list, out_file: str,
                  track_score: str = 'mean') -> dict[str, str]:
    """Write what evaluators read; returns the file for each evaluation type."""
    if is_video_dataset(dataset):
        results2json_videoseg(dataset, results, out_file, track_score)
        return {'segm': out_file, 'bbox': out_file}
    return results2json(dataset, results, out_file)


def score_results(dataset: Any, files: dict[str, str], types: Iterable[str],
                  logger: Optional[logging.Logger] = None) -> dict[str, dict[str, float]]:
    """Score result files against the annotations of a data set.

    Args:
        dataset: whose annotations are the truth.
        files: from :func:`write_results`.
        types: ``segm`` or ``bbox`` or both.
        logger: gets the tables.

    Returns:
        evaluation type to metrics, e.g. ``{'segm': {'AP': 0.3, 'AP50': 0.5, ...}}``.

    Raises:
        ValueError: an evaluation type for which nothing was predicted.
    """
    metrics = {}
    for kind in types:
        if kind not in files:
            raise ValueError(f'--eval {kind}: the results only have {", ".join(files)}')
        if is_video_dataset(dataset):
            metrics |= ytvos_eval(files[kind], [kind], dataset.ytvos, logger=logger)
        else:
            metrics |= coco_eval(files[kind], [kind], dataset.coco, logger=logger)
    return metrics


def evaluate_detector(detector: nn.Module, dataset: Any, device: torch.device,
                      logger: Optional[logging.Logger] = None,
                      types: Iterable[str] = ('segm',),
                      track_score: str = 'mean') -> dict[str, dict[str, float]]:
    """Test a data set and score it, e.g. while training.

    With several processes each tests its share; all get the same metrics. The
    detector is left in the mode it was in.

    Raises:
        ValueError: the data set has no annotations.
    """
    if not has_annotations(dataset):
        raise ValueError(f'{dataset.ann_file}: no annotations to score against; give data.val '
                         'a file that has them (split the training set by video)')
    training = detector.training
    results = choose_loop(detector, dataset)(detector, dataset, device, logger=logger)
    detector.train(training)
    metrics = None
    if rank_and_world()[0] == 0:
        with tempfile.TemporaryDirectory() as folder:
            files = write_results(dataset, results, os.path.join(folder, 'results.json'),
                                  track_score)
            metrics = score_results(dataset, files, types, logger)
    return broadcast(metrics)
