"""Tracking again, over detections that were saved: all of a test but the network."""
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmdet.core.bbox import Detections
from mmdet.core.track import Backward, TrackOptions, merge_directions
from mmdet.datasets.base import BaseDataset
from mmdet.engine.after_video import finish_video
from mmdet.formats.detections import DetectionFile, FrameDetections
from mmdet.formats.track_result import TrackResult
from mmdet.models import build_detector
from mmdet.models.builder import build_head
from mmdet.utils.errors import BadType, BadValue
from mmdet.utils.registry import check_keys


def build_tracker(cfg: Config) -> nn.Module:
    """The detector of a config without any weights, to ask it for ids.

    Raises:
        TypeError: it gives none, or a setting is unknown.
        ValueError, KeyError: a setting is wrong.
    """
    with torch.device('meta'):
        detector = build_detector({**cfg.model, 'pretrained': None}, test_cfg=cfg.test_cfg)
    if not hasattr(detector, 'associate'):
        raise BadType(f'{type(detector).__name__} gives no ids; give the model a track_head')
    return detector.eval()


def set_tracking(tracker: nn.Module, cfg: Config) -> None:
    """Give a detector of :func:`build_tracker` the track head and the options of another config.

    Much sooner than building all of it again.

    Raises:
        TypeError, ValueError, KeyError: see :class:`TrackOptions`.
    """
    options = cfg.test_cfg.get('track') or {}
    check_keys(options, tracker.test_keys['track'], 'test_cfg.track')
    with torch.device('meta'):
        tracker.track_head = build_head(cfg.model.track_head).eval()
    tracker.tracking = TrackOptions(**options)


def check_fits(file: DetectionFile, dataset: BaseDataset, allow_partial: bool = False) -> None:
    """Whether detections are of this data set, and of all of it.

    Raises:
        ValueError: they are not.
    """
    classes = list(dataset.CLASSES)
    if file.header['classes'] != classes:
        raise BadValue(f'{file.path}: was saved for the classes {", ".join(file.header["classes"])}'
                       f', {dataset.ann_file} has {", ".join(classes)}')
    known = {dataset.vid_infos[video]['id'] for video in dataset.videos()}
    strange = [video for video in file.blocks if video not in known]
    if strange:
        raise BadValue(f'{file.path}: has video {strange[0]!r:.60}, which {dataset.ann_file} does '
                       'not list; give the annotation file it was saved with, --cfg-options '
                       'data.test.ann_file=ANN.json')
    if len(file.blocks) < len(known) and not allow_partial:
        raise BadValue(f'{file.path}: holds {len(file.blocks)} of the {len(known)} videos of '
                       f'{dataset.ann_file}; test them all, or --allow-partial takes the others '
                       'for empty')


def check_masks(file: DetectionFile, tracker: nn.Module) -> None:
    """Whether a file has what the cues of a tracker read.

    Raises:
        ValueError: it was written before it did.
    """
    if 'masks' in tracker.tracking.reads and file.version < 2:
        raise BadValue(f'{file.path}: was saved before masks were kept for matching, and '
                       'test_cfg.track.cues has MotionMaskIoU; run the test again, or leave it '
                       'out')


def on_device(frames: Sequence[FrameDetections], device: torch.device
              ) -> list[tuple[Detections, Tensor]]:
    """Detections and embeddings of every frame of a video."""
    return [(Detections(*(torch.tensor(array, device=device)
                          for array in (frame.boxes, frame.scores, frame.labels, True)),
                        masks=_on_device(frame.bits, device)),
             torch.tensor(frame.embeddings, device=device)) for frame in frames]


def _on_device(bits: np.ndarray | None, device: torch.device) -> Tensor | None:
    return None if bits is None else torch.tensor(bits, device=device)


@torch.no_grad()
def replay_ids(tracker: nn.Module, frames: Iterable[tuple[Detections, Tensor]]
               ) -> Iterator[np.ndarray]:
    """Follow the objects through one video.

    Args:
        tracker: has ``associate(dets, embeddings, memory)``, see :func:`build_tracker`.
        frames: all of the video, see :func:`on_device`.

    Yields:
        (n,) int64 ids of the detections of each frame, -1 for none.
    """
    memory = None
    for dets, embeddings in frames:
        _, host, memory = tracker.associate(dets, embeddings, memory)
        yield host.ids.numpy()


def backward_ids(tracker: nn.Module, frames: Sequence[tuple[Detections, Tensor]]
                 ) -> list[np.ndarray]:
    """The same from the end of the video, in the order of the frames."""
    return list(replay_ids(tracker, frames[::-1]))[::-1]


def merge_ids(forward: Sequence[np.ndarray], backward: Sequence[np.ndarray], option: Backward
              ) -> list[np.ndarray]:
    """(n,) int64 ids per frame from those of both directions."""
    counts = [len(ids) for ids in forward]
    nothing = np.zeros(0, np.int64)
    merged = merge_directions(
        np.repeat(np.arange(len(counts)), counts), np.concatenate([nothing, *forward]),
        np.concatenate([nothing, *backward]), option.iou_thr)
    return np.split(merged, np.cumsum(counts)[:-1])


def replay_video(tracker: nn.Module, frames: Sequence[FrameDetections],
                 device: torch.device) -> list[TrackResult]:
    """What each frame of a video has; ``device``: where matches are scored."""
    there, option = on_device(frames, device), tracker.tracking.backward
    ids = list(replay_ids(tracker, there))
    if option:
        ids = merge_ids(ids, backward_ids(tracker, there), option)
    return finish_video(tracker, [frame.with_ids(found) for frame, found in zip(frames, ids)])


def replay_dataset(tracker: nn.Module, file: DetectionFile, dataset: BaseDataset,
                   device: torch.device) -> list[TrackResult]:
    """A result per item of a data set, empty ones for videos that the file has not.

    Raises:
        ValueError: a video is damaged, or of another length or size.
    """
    results = []
    for place, items in dataset.videos().items():
        info = dataset.vid_infos[place]
        if info['id'] not in file.blocks:
            results += [TrackResult.from_detections([])] * len(items)
            continue
        saved, size = file.read(info['id']), (info['height'], info['width'])
        if (saved.size, len(saved.frames)) != (size, len(items)):
            raise BadValue(
                f'{file.path}: video {info["id"]} has {_described(len(saved.frames), saved.size)}, '
                f'in {dataset.ann_file} it has {_described(len(items), size)}; give the annotation '
                'file it was saved with')
        results += replay_video(tracker, saved.frames, device)
    return results


def _described(length: int, size: tuple[int, int]) -> str:
    return f'{length} frames of {size[1]}x{size[0]} pixels'
