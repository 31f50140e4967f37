"""Data sets of single images, and what every data set here shares."""
import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mmdet.datasets.annotations import FrameObjects, agreed_classes
from mmdet.datasets.base import BaseDataset
from mmdet.datasets.extra_aug import ExtraAugmentation
from mmdet.datasets.frame_reader import read_frame
from mmdet.datasets.hooks_of_2019 import refuse_unused
from mmdet.datasets.proposals import check_proposals
from mmdet.datasets.registry import DATASETS
from mmdet.datasets.sampling import random_scale
from mmdet.datasets.transforms import View, check_scales, one_or_all, views_to_test
from mmdet.evaluation.voc import score_records
from mmdet.formats import results2json
from mmdet.formats.image_lists import check_image_list
from mmdet.formats.json_files import read_json
from mmdet.utils import check_keys
from mmdet.utils.errors import BadValue, MissingFile
from mmdet.utils.unpickle import read_pickle

NORM_KEYS = ('mean', 'std', 'to_rgb')


@DATASETS.register_module
class CustomDataset(BaseDataset):
    """Images with boxes from a list, json or pickle of plain arrays.

    The file holds a list of::

        dict(filename='a.jpg', width=1280, height=720,
             ann=dict(bboxes=(n, 4) xyxy inclusive, labels=(n,) 1-based,
                      bboxes_ignore=(k, 4), labels_ignore=(k,), masks=n arrays (h, w)))

    of which ``bboxes`` and ``labels`` must be there to train, and an ``id`` may be.

    Items are described in :class:`BaseDataset`. Subclasses read other formats by overriding
    ``load_annotations`` and ``get_ann_info``.

    Args:
        ann_file: the annotation file.
        img_prefix: folder its file names start from.
        img_scale: (long edge, short edge) in pixels; two pairs: uniform
            between them; more: one of them; in test mode all of them.
        img_norm_cfg: ``mean``, ``std``, ``to_rgb``; applied on the device, by
            ``mmdet.core.frames.FramePreprocessor``.
        size_divisor: frames are padded to a multiple of it.
        proposal_file: pickle with one (m, 4 or 5) array an image of the file.
        num_max_proposals: how many of them are used, from the first on; None: all.
        flip_ratio: probability of a mirrored sample; above 0 in test mode every image
            is tested mirrored too.
        with_mask, with_crowd, with_label, with_track: whether samples carry
            ``gt_masks``, ``gt_bboxes_ignore``, ``gt_labels`` and the reference
            frame (videos only).
        extra_aug: augmentations before the resize, see ``extra_aug.py``.
        aug_ref_bbox_param: (shift, resize) of reference boxes (videos only).
        resize_keep_ratio: False stretches to ``img_scale``.
        test_mode: every image, nothing random, no annotations. Of several scales and
            mirror images the detector averages what it finds.
        classes: names the file must have, in label order.
        skip_broken: in training, so many frames that cannot be read are left out, others
            take their places; the log lists them.

    Raises:
        FileNotFoundError: no annotation file.
        ValueError, TypeError: an argument or the file is not as expected.

    Attributes:
        CLASSES: names in label order.
        cat_ids: category ids in label order; 1, 2, ... where the file has none.
        img_infos: the images, as the file lists them.
        img_ids: of every item: ``id`` of the file, or its place there.
        flag: uint8, 1 for an item wider than high: items of a batch share it.
    """
    CLASSES: Sequence[str] | None = None
    cat_ids: Sequence[Any] = ()
    result_types: Sequence[str] = ('bbox', 'proposal_fast')
    MIN_SIZE = 32  # pixels; smaller images do not train, as in the 2019 code

    def __init__(self, ann_file: str, img_prefix: str, img_scale: Any, img_norm_cfg: dict,
                 size_divisor: int | None = None, proposal_file: str | None = None,
                 num_max_proposals: int | None = 1000, flip_ratio: float = 0,
                 with_mask: bool = True, with_crowd: bool = True, with_label: bool = True,
                 with_track: bool = False, extra_aug: dict | None = None,
                 aug_ref_bbox_param: Sequence[float] | None = None,
                 resize_keep_ratio: bool = True, test_mode: bool = False,
                 classes: Sequence[str] | None = None, skip_broken: int = 0) -> None:
        name = type(self).__name__
        refuse_unused(type(self))
        check_keys(img_norm_cfg, NORM_KEYS, f'{name}: img_norm_cfg')
        self.ann_file, self.img_prefix = ann_file, img_prefix
        self.img_scales = check_scales(img_scale, name)
        self.img_norm_cfg, self.size_divisor = dict(img_norm_cfg), size_divisor
        self.num_max_proposals = num_max_proposals
        self.flip_ratio, self.resize_keep_ratio = flip_ratio, resize_keep_ratio
        self.with_mask, self.with_crowd = with_mask, with_crowd
        self.with_label, self.with_track = with_label, with_track
        self.aug_ref_bbox_param = aug_ref_bbox_param
        self.test_mode, self.skip_broken = test_mode, skip_broken
        self._check_arguments(extra_aug, proposal_file)
        self.extra_aug = ExtraAugmentation(**extra_aug) if extra_aug else None
        self._load(classes)
        self.proposals = None
        if proposal_file is not None:
            self.proposals = check_proposals(self.load_proposals(proposal_file), self.num_frames(),
                                             proposal_file, ann_file)
        self._keep(range(self.num_frames()) if test_mode else self._filter_imgs())

    def _check_arguments(self, extra_aug: dict | None, proposal_file: str | None) -> None:
        name, limit = type(self).__name__, self.num_max_proposals
        if not 0 <= self.flip_ratio <= 1:
            raise BadValue(f'{name}: flip_ratio must be in [0, 1], got {self.flip_ratio}')
        moves = {'expand', 'random_crop'} & set(extra_aug or ())
        if moves and (self.with_mask or self.with_track):
            raise BadValue(f'{name}: extra_aug expand and random_crop move boxes, but neither '
                           'masks nor the reference frame; set with_mask=False and '
                           'with_track=False, or use photo_metric_distortion only')
        if moves and proposal_file is not None:
            raise BadValue(f'{name}: extra_aug {" and ".join(sorted(moves))} would move the boxes, '
                           'but not the proposals of proposal_file; remove one of them')
        if limit is not None and (type(limit) is not int or limit < 1):
            raise BadValue(f'{name}: num_max_proposals must be a whole number from 1 up, or None '
                           f'for all, got {limit!r}')
        param = self.aug_ref_bbox_param
        if param is not None and (len(param) != 2 or min(param) < 0):
            raise BadValue(f'{name}: aug_ref_bbox_param must be (shift, resize), two fractions, '
                           f'got {param}')

    # What subclasses define.

    def _load(self, classes: Sequence[str] | None) -> None:
        """Read the annotation file; sets ``img_infos`` and ``CLASSES``."""
        if not os.path.isfile(self.ann_file):
            raise MissingFile(f'{self.ann_file}: annotation file not found; data/README.md shows '
                              'the layouts, "ann_file" in the config says where to look')
        self.img_infos = self.load_annotations(self.ann_file)
        if classes is not None and self.CLASSES is not None:
            self.CLASSES = agreed_classes(self.CLASSES, None, classes, self.ann_file)
        elif classes is not None:
            self.CLASSES = tuple(classes)
        self.cat_ids = self.cat_ids or range(1, len(self.CLASSES or ()) + 1)

    def load_annotations(self, ann_file: str) -> list[dict]:
        """Images as dicts with at least ``filename``, ``width`` and ``height``."""
        read = read_json if ann_file.endswith('.json') else read_pickle
        return check_image_list(read(ann_file), ann_file)

    def load_proposals(self, proposal_file: str) -> list[np.ndarray]:
        """What the proposal file holds: an array (m, 4 or 5) for every image of the file."""
        return read_pickle(proposal_file)

    def get_ann_info(self, idx: int) -> dict[str, Any]:
        """What is annotated in image ``idx`` of the file, in original pixels.

        Returns:
            ``bboxes`` (n, 4) xyxy inclusive, ``labels`` (n,) 1-based, and where there are any
            ``bboxes_ignore`` (k, 4) and ``labels_ignore`` (k,): crowds and difficult objects;
            ``masks``: n uint8 arrays (h, w).
        """
        return dict(dict(bboxes=(), labels=()), **self.img_infos[idx].get('ann', {}))

    def num_frames(self) -> int:
        """How many images, or frames of videos, the file lists."""
        return len(self.img_infos)

    def frame_info(self, place: int) -> dict:
        """``filename``, ``height``, ``width`` of image ``place``, and what img_meta adds."""
        info = self.img_infos[place]
        return {key: info[key] for key in ('filename', 'height', 'width')}

    def image_id(self, place: int) -> Any:
        """What results call image ``place`` of the file."""
        return self.img_infos[place].get('id', place)

    def frame_objects(self, place: int) -> FrameObjects:
        """What is annotated in image ``place`` of the file."""
        where = f'{self.ann_file}: {type(self).__name__}.get_ann_info({place})'
        objects = FrameObjects.from_ann(self.get_ann_info(place), where)
        if self.CLASSES and objects.labels.max(initial=0) > len(self.CLASSES):
            raise BadValue(f'{where}: label {objects.labels.max()}, but there are '
                           f'{len(self.CLASSES)} classes; name all of them in "classes"')
        return objects

    def _has_objects(self, place: int) -> bool:
        info = self.img_infos[place]
        return (min(info['width'], info['height']) >= self.MIN_SIZE
                and len(self.frame_objects(place).boxes) > 0)

    # Which images are items.

    def _filter_imgs(self) -> list[int]:
        """The images of the file that train; its name in 2019, where subclasses override it."""
        places = [i for i in range(self.num_frames()) if self._has_objects(i)]
        if not places:
            raise BadValue(f'{self.ann_file}: nothing to train on, no image has a valid box that '
                           f'is no crowd ({self.num_frames()} images listed); give the file with '
                           'annotations, or test_mode=True')
        return places

    def _keep(self, places: Sequence[int]) -> None:
        """Make the images at these places of the file the items of the data set."""
        self.places = np.array(places, np.int64)
        self.img_ids = [self.image_id(place) for place in places]
        if self.proposals is not None:
            self.proposals = [self.proposals[i] for i in places]
        self.flag = np.array([self._is_wide(i) for i in places], np.uint8)

    def _is_wide(self, place: int) -> bool:
        info = self.frame_info(place)
        return info['width'] > info['height']

    def __len__(self) -> int:
        return len(self.places)

    def has_annotations(self) -> bool:
        """Whether an image has an object."""
        return any(len(self.frame_objects(place).boxes) for place in range(self.num_frames()))

    def write(self, results: Sequence, out_file: str, track_score: str = 'mean') -> dict[str, str]:
        """Write one COCO record per box and per mask; see :meth:`BaseDataset.write`."""
        return results2json(self, results, out_file)

    def score_file(self, path: str, kind: str,
                   logger: logging.Logger | None = None) -> dict[str, float]:
        """Mean AP as Pascal VOC defines it, or average recall of proposals."""
        return score_records(read_json(path), kind, self, logger=logger)

    def item_info(self, index: int) -> dict[str, Any]:
        """:meth:`frame_info` of an item."""
        return self.frame_info(int(self.places[index]))

    def picture(self, index: int) -> np.ndarray:
        """The frame of an item as it lies on disk: uint8 (h, w, 3) BGR."""
        return read_frame(self.img_prefix, self.item_info(index), self.ann_file)

    # From an index to an item.

    def sample(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """One item, see :class:`BaseDataset` for its keys."""
        if self.test_mode:
            return self._test_item(index)
        if not self.skip_broken:
            return self._train_item(index, rng)
        return self._readable_item(index, rng)

    def _readable_item(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """Item ``index``, or others of its group in place of items that cannot be read.

        ``img_meta`` lists under ``skipped`` what was left out and why.
        """
        skipped: list[str] = []
        while True:
            try:
                item = self._train_item(index, rng)
            except (BadValue, MissingFile) as error:
                skipped.append(str(error))
                if len(skipped) > self.skip_broken:
                    raise
                index = int(rng.choice(np.flatnonzero(self.flag == self.flag[index])))
            else:
                item['img_meta'].update(skipped=skipped)
                return item

    def _train_item(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """A sample to train on, see :class:`BaseDataset`."""
        place = int(self.places[index])
        info, objects = self.frame_info(place), self.frame_objects(place)
        img = read_frame(self.img_prefix, info, self.ann_file)
        if self.extra_aug is not None:
            img, objects = self.extra_aug(img, objects, rng)
        view = self._random_view(img.shape[:2], rng)
        return dict(img=view.image(img), img_meta=self._meta(view, info),
                    **self._targets(objects, view), **self._scaled_proposals(index, view),
                    **self._reference(place, objects, view, rng))

    def _reference(self, place: int, objects: FrameObjects, view: View,
                   rng: np.random.Generator) -> dict[str, torch.Tensor]:
        """What a video adds to a training item; images have nothing to add."""
        return {}

    def _test_item(self, index: int) -> dict[str, Any]:
        """A frame to test on: ``img``, ``img_meta``, ``proposals`` if given.

        With several scales or mirror images each is a list, one entry a view.
        """
        info, img = self.item_info(index), self.picture(index)
        views = views_to_test(img.shape[:2], self.img_scales, self.flip_ratio > 0,
                              self.size_divisor, self.resize_keep_ratio)
        return one_or_all([
            dict(img=view.image(img), img_meta=self._meta(view, info),
                 **self._scaled_proposals(index, view)) for view in views])

    def _random_view(self, size: tuple[int, int], rng: np.random.Generator) -> View:
        flip = rng.random() < self.flip_ratio
        return View.of(size, random_scale(self.img_scales, rng), flip, self.size_divisor,
                       self.resize_keep_ratio)

    def _meta(self, view: View, info: dict) -> dict[str, Any]:
        more = {key: value for key, value in info.items() if key not in ('height', 'width')}
        return view.meta((info['height'], info['width'], 3), **more)

    def _targets(self, objects: FrameObjects, view: View) -> dict[str, torch.Tensor]:
        targets = dict(gt_bboxes=torch.from_numpy(view.boxes(objects.boxes)))
        if self.with_label:
            targets['gt_labels'] = torch.from_numpy(objects.labels)
        if self.with_crowd:
            targets['gt_bboxes_ignore'] = torch.from_numpy(view.boxes(objects.boxes_ignore))
        if self.with_mask:
            targets['gt_masks'] = torch.from_numpy(view.masks(objects.masks))
        return targets

    def _scaled_proposals(self, index: int, view: View) -> dict[str, torch.Tensor]:
        """``proposals`` in network pixels, a score in column 4 kept; nothing without a file."""
        if self.proposals is None:
            return {}
        raw = np.asarray(self.proposals[index][:self.num_max_proposals], np.float32)
        return dict(proposals=torch.from_numpy(np.hstack([view.boxes(raw[:, :4]), raw[:, 4:]])))
