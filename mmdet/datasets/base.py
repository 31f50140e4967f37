"""What every data set answers: its items, its videos, its results."""
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from mmdet.core.frames import FramePreprocessor
from mmdet.datasets.sampling import item_rng
from mmdet.utils.errors import BadType, BadValue


class BaseDataset(Dataset):
    """A data set whose items depend on (seed, epoch, index) only.

    ``dataset[i]`` is item i of ``self.epoch``; ``dataset[epoch, i]``, as the
    samplers ask, is right in persistent workers too, which never see
    ``set_epoch``. The number of workers changes nothing.

    An item has

    ===================  ==============================================================
    ``img``              uint8 tensor (h, w, 3) BGR, resized and flipped, neither
                         normalised nor padded; float32 after ``extra_aug``
    ``img_meta``         dict, see below
    ``gt_bboxes``        float32 (n, 4) xyxy inclusive, network pixels (training, as
                         all that follows)
    ``gt_labels``        int64 (n,), 1-based
    ``gt_bboxes_ignore`` float32 (k, 4), crowds
    ``gt_masks``         uint8 (n, H, W) of ``pad_shape``
    ``ref_img``          the reference frame, like ``img`` (videos)
    ``ref_bboxes``       float32 (m, 4), its objects
    ``gt_pids``          int64 (n,): 1 + row of ``ref_bboxes`` with the same object, or 0
    ``proposals``        float32 (m, 4 or 5), where the data set has a proposal file
    ===================  ==============================================================

    and ``img_meta`` has ``filename``, ``ori_shape``, ``img_shape``, ``pad_shape``
    ((h, w, 3) each), ``scale_factor`` (network pixels per original pixel: a float, or
    float32 (4,) where the aspect ratio is not kept), ``flip``, and in videos ``video_id``
    (of the json) and ``frame_id``. In test mode with several scales or mirror images ``img``,
    ``img_meta`` and ``proposals`` are lists with one entry a view.

    Attributes:
        seed: set it before workers start.
        epoch: used when the index comes without one.
        ann_file: the annotation file.
        CLASSES: names in label order.
        img_norm_cfg, size_divisor: for :meth:`preprocessor`.
        flag: uint8 (len,), items of a batch have the same.
        skip_broken: how many frames that cannot be read training leaves out.
        result_types: what :meth:`score` can score, best first; empty: results cannot be
            written.
    """
    seed: int = 0
    epoch: int = 0
    ann_file: str = ''
    CLASSES: Sequence[str] | None = None
    img_norm_cfg: dict
    size_divisor: int | None = None
    flag: np.ndarray
    is_video: bool = False
    skip_broken: int = 0
    result_types: Sequence[str] = ()

    def set_epoch(self, epoch: int) -> None:
        """Draw other random numbers from now on."""
        self.epoch = epoch

    def __getitem__(self, key: int | tuple[int, int]) -> dict:
        epoch, index = key if isinstance(key, tuple) else (self.epoch, key)
        if not -len(self) <= index < len(self):
            raise IndexError(f'expected an index below {len(self)}, got {index}')
        index %= len(self)
        return self.sample(index, item_rng(self.seed, epoch, index))

    def sample(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        """Item ``index``, with randomness from ``rng`` alone."""
        raise NotImplementedError

    def preprocessor(self) -> FramePreprocessor:
        """Normalisation and padding as the data set was configured."""
        return FramePreprocessor(**self.img_norm_cfg, size_divisor=self.size_divisor)

    def parts(self) -> 'Iterator[BaseDataset]':
        """The data sets of one annotation file each that this one is made of."""
        yield self

    def has_annotations(self) -> bool:
        """Whether the annotation file tells what is in the pictures."""
        raise NotImplementedError

    def item_info(self, index: int) -> dict[str, Any]:
        """``filename``, ``height``, ``width`` of an item, and what else goes to ``img_meta``."""
        raise NotImplementedError

    def picture(self, index: int) -> np.ndarray:
        """The frame of an item as it lies on disk: uint8 (h, w, 3) BGR.

        Raises:
            FileNotFoundError, ValueError: it is missing, no picture, or of another size.
        """
        raise NotImplementedError

    def videos(self) -> dict[int, list[int]]:
        """Indices of the items of every video, in order, by its position in the file."""
        raise NotImplementedError

    def write(self, results: Sequence, out_file: str, track_score: str = 'mean') -> dict[str, str]:
        """Write results, one per item, as evaluators read them.

        Returns:
            the file by evaluation type.

        Raises:
            ValueError: they are of another data set, or damaged.
        """
        raise BadType(f'{type(self).__name__}: results cannot be written for it; test on a '
                      'YTVOSDataset or a CocoDataset')

    def score(self, files: dict[str, str], types: Iterable[str],
              logger: logging.Logger | None = None) -> dict[str, dict[str, float]]:
        """Score what :meth:`write` wrote; ``{'segm': {'AP': 0.3, 'AP50': 0.5, ...}}``.

        Raises:
            ValueError: an evaluation type for which nothing was predicted.
        """
        for kind in types:
            if kind not in files:
                raise BadValue(f'--eval {kind}: the results only have {", ".join(files)}')
        return {kind: self.score_file(files[kind], kind, logger) for kind in types}

    def score_file(self, path: str, kind: str,
                   logger: logging.Logger | None = None) -> dict[str, float]:
        """Score one file for one evaluation type; the logger gets the tables."""
        raise NotImplementedError
