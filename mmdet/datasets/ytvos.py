"""Videos in YouTube-VIS format."""
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mmdet.datasets.annotations import (FrameObjects, VideoIndex, agreed_classes, category_labels,
                                        compressed_rle)
from mmdet.datasets.custom import CustomDataset
from mmdet.datasets.frame_reader import read_frame
from mmdet.datasets.registry import DATASETS
from mmdet.datasets.sampling import jitter_boxes, reference_frame
from mmdet.datasets.transforms import View
from mmdet.evaluation import ytvos_eval
from mmdet.evaluation.class_names import YOUTUBE_VIS_2019
from mmdet.formats import results2json_videoseg
from mmdet.formats.ytvos import YTVOS
from mmdet.utils.errors import BadValue


@DATASETS.register_module
class YTVOSDataset(CustomDataset):
    """YouTube-VIS 2019, 2021, 2022, OVIS, and own videos in that format.

    In training an item is a frame with at least one valid object that is no
    crowd, and a reference frame: another such frame of the video. A video with
    a single annotated frame serves as its own reference (the 2019 code stopped
    there): its objects then match themselves.

    Arguments are those of :class:`CustomDataset`; ``with_track`` adds the
    reference frame, ``aug_ref_bbox_param`` jitters its boxes. Classes and ids
    come from the file: label = rank of the category id + 1, gaps allowed.

    Attributes:
        CLASSES: names in label order.
        ytvos: the annotation file.
        cat_ids, cat2label: category ids in label order; label of an id.
        vid_infos: video entries in file order, with ``filenames``.
        img_ids: (video position, frame position) of every item.
    """
    is_video = True
    result_types = 'segm', 'bbox'
    CLASSES = YOUTUBE_VIS_2019

    def _load(self, classes: Sequence[str] | None) -> None:
        self.ytvos = YTVOS(self.ann_file, object_hook=compressed_rle)
        self.cat_ids, names = category_labels(self.ytvos.dataset['categories'])
        self.CLASSES = agreed_classes(names, type(self).CLASSES, classes, self.ann_file)
        self.cat2label = {cat_id: i + 1 for i, cat_id in enumerate(self.cat_ids)}
        self._index = VideoIndex(self.ytvos, self.cat2label)
        self.vid_infos = self._index.videos
        self._frames = self._index.all_frames()

    def num_frames(self) -> int:
        """Frames of all videos."""
        return len(self._frames)

    def frame_info(self, place: int) -> dict:
        """File name, size, ``video_id`` (of the json) and ``frame_id``."""
        video, frame = self._frames[place]
        return self._info(video, frame)

    def image_id(self, place: int) -> tuple[int, int]:
        """Position of the video and of the frame in it."""
        return self._frames[place]

    def frame_objects(self, place: int) -> FrameObjects:
        """What is annotated in one frame."""
        return self._objects(*self._frames[place])

    def _objects(self, video: int, frame: int) -> FrameObjects:
        return FrameObjects.from_ann(
            self.get_ann_info(video, frame),
            f'{type(self).__name__}.get_ann_info({video}, {frame})')

    def get_ann_info(self, idx: int, frame_id: int) -> dict[str, Any]:
        """What is annotated in frame ``frame_id`` of the video at position ``idx``.

        Returns:
            as :meth:`CustomDataset.get_ann_info`, with ``obj_ids``: n identities.
        """
        return self._index.ann_info(idx, frame_id)

    def _info(self, video: int, frame: int) -> dict:
        info = self.vid_infos[video]
        return dict(filename=info['filenames'][frame], height=info['height'], width=info['width'],
                    video_id=info['id'], frame_id=frame)

    def _filter_imgs(self) -> list[int]:
        start = np.cumsum([0] + [len(info['filenames']) for info in self.vid_infos])
        places = [int(start[v]) + t for v, frames in enumerate(self._index.frames) for t in frames]
        if not places:
            raise BadValue(
                f'{self.ann_file}: nothing to train on, {len(self.ytvos.anns)} annotations and no '
                'frame with a valid box that is no crowd; the public validation and test files '
                'have no annotations: train on the training file '
                '(tools/convert_datasets/split_videos.py cuts a validation part off it)')
        return places

    # The data set as a whole.

    def has_annotations(self) -> bool:
        """Whether the file lists a track; the public validation and test files have none."""
        return bool(self.ytvos.anns)

    def videos(self) -> dict[int, list[int]]:
        """Indices of the items of every video, in order, by its position in the file."""
        videos = {}
        for index, (video, _) in enumerate(self.img_ids):
            videos.setdefault(video, []).append(index)
        return videos

    def write(self, results: Sequence, out_file: str, track_score: str = 'mean') -> dict[str, str]:
        """Write one record per track; see :meth:`BaseDataset.write`."""
        records = results2json_videoseg(self, results, out_file, track_score)
        boxes_only = any('segmentations' not in record for record in records)
        return dict.fromkeys(('bbox',) if boxes_only else self.result_types, out_file)

    def score_file(self, path: str, kind: str,
                   logger: logging.Logger | None = None) -> dict[str, float]:
        """The official numbers."""
        return ytvos_eval(path, kind, self.ytvos, logger=logger)[kind]

    def _reference(self, place: int, objects: FrameObjects, view: View,
                   rng: np.random.Generator) -> dict[str, torch.Tensor]:
        """The reference frame of a training item, if ``with_track``.

        Returns:
            ``ref_img`` uint8 (h, w, 3), scaled and flipped like ``img``;
            ``ref_bboxes`` float32 (m, 4); ``gt_pids`` int64 (n,): 1 + the row of
            ``ref_bboxes`` with the same object, 0 if it is not in the reference.
        """
        if not self.with_track:
            return {}
        video, frame = self._frames[place]
        frame = reference_frame(self._index.frames[video], frame, rng)
        ref = self._objects(video, frame)
        img = read_frame(self.img_prefix, self._info(video, frame), self.ann_file)
        boxes = view.boxes(ref.boxes)
        if self.aug_ref_bbox_param is not None:
            boxes = jitter_boxes(boxes, view.img_shape, self.aug_ref_bbox_param, rng)
        row = {obj_id: i + 1 for i, obj_id in enumerate(ref.obj_ids)}
        return dict(ref_img=view.image(img), ref_bboxes=torch.from_numpy(boxes),
                    gt_pids=torch.tensor([row.get(i, 0) for i in objects.obj_ids],
                                         dtype=torch.int64))
