"""Images in COCO format."""
import contextlib
import io
import logging
from collections.abc import Sequence
from typing import Any

from pycocotools.coco import COCO

from mmdet.datasets.annotations import Entry, agreed_classes, ann_info, category_labels
from mmdet.datasets.custom import CustomDataset
from mmdet.datasets.registry import DATASETS
from mmdet.evaluation import coco_eval
from mmdet.evaluation.class_names import COCO as COCO_CLASSES
from mmdet.formats.coco_files import check_coco
from mmdet.formats.json_files import read_json


@DATASETS.register_module
class CocoDataset(CustomDataset):
    """COCO detection and segmentation; arguments as for :class:`CustomDataset`.

    Classes come from the file, in the order of their ids. Crowds become
    ``gt_bboxes_ignore``.

    Attributes:
        coco: the annotation file.
        cat_ids, cat2label: category ids in label order; 1-based label of an id.
        img_ids: image id of every item.
    """
    result_types = 'segm', 'bbox', 'proposal', 'proposal_fast'
    CLASSES = COCO_CLASSES

    def _load(self, classes: Sequence[str] | None) -> None:
        default = type(self).CLASSES
        super()._load(None)
        self.CLASSES = agreed_classes(self._names, default, classes, self.ann_file)

    def load_annotations(self, ann_file: str) -> list[dict]:
        """Image entries in the order of the file, with ``filename``."""
        self.coco = COCO()
        self.coco.dataset = read_json(ann_file)
        needs = dict(images=('id', 'file_name', 'width', 'height'), categories=('id', ))
        if isinstance(self.coco.dataset, dict) and 'annotations' in self.coco.dataset:
            needs['annotations'] = 'image_id', 'category_id', 'bbox'
        check_coco(self.coco.dataset, ann_file, needs)
        with contextlib.redirect_stdout(io.StringIO()):  # it prints
            self.coco.createIndex()
        self.cat_ids, self._names = category_labels(self.coco.dataset['categories'])
        self.cat2label = {cat_id: i + 1 for i, cat_id in enumerate(self.cat_ids)}
        return [dict(info, filename=info['file_name']) for info in self.coco.dataset['images']]

    def get_ann_info(self, idx: int) -> dict[str, Any]:
        """What is annotated in image ``idx`` of the file."""
        return ann_info([
            Entry(ann['bbox'], ann.get('area'), self.cat2label[ann['category_id']],
                  bool(ann.get('iscrowd', 0)), mask=lambda ann=ann: self.coco.annToMask(ann))
            for ann in self.coco.imgToAnns.get(self.img_infos[idx]['id'], ())
            if not ann.get('ignore')])

    # The data set as a whole.

    def has_annotations(self) -> bool:
        """Whether the file lists an object."""
        return bool(self.coco.anns)

    def score_file(self, path: str, kind: str,
                   logger: logging.Logger | None = None) -> dict[str, float]:
        """COCO's numbers."""
        return coco_eval(path, kind, self.coco, logger=logger)[kind]
