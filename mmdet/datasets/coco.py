"""Images in COCO format."""
import contextlib
import io
import logging
from collections.abc import Sequence

from pycocotools.coco import COCO

from mmdet.datasets.annotations import Entry, FrameObjects, agreed_classes, category_labels
from mmdet.datasets.custom import CustomDataset
from mmdet.datasets.registry import DATASETS
from mmdet.evaluation import coco_eval
from mmdet.formats import results2json
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
    result_types = 'segm', 'bbox'
    CLASSES = (
        'person', 'bicycle', 'car', 'motorcycle', 'airplane', 'bus', 'train', 'truck', 'boat',
        'traffic_light', 'fire_hydrant', 'stop_sign', 'parking_meter', 'bench', 'bird', 'cat',
        'dog', 'horse', 'sheep', 'cow', 'elephant', 'bear', 'zebra', 'giraffe', 'backpack',
        'umbrella', 'handbag', 'tie', 'suitcase', 'frisbee', 'skis', 'snowboard', 'sports_ball',
        'kite', 'baseball_bat', 'baseball_glove', 'skateboard', 'surfboard', 'tennis_racket',
        'bottle', 'wine_glass', 'cup', 'fork', 'knife', 'spoon', 'bowl', 'banana', 'apple',
        'sandwich', 'orange', 'broccoli', 'carrot', 'hot_dog', 'pizza', 'donut', 'cake', 'chair',
        'couch', 'potted_plant', 'bed', 'dining_table', 'toilet', 'tv', 'laptop', 'mouse',
        'remote', 'keyboard', 'cell_phone', 'microwave', 'oven', 'toaster', 'sink', 'refrigerator',
        'book', 'clock', 'vase', 'scissors', 'teddy_bear', 'hair_drier', 'toothbrush')

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

    def get_ann_info(self, idx: int) -> FrameObjects:
        """What is annotated in image ``idx`` of the file."""
        return FrameObjects.from_entries([
            Entry(ann['bbox'], ann.get('area'), self.cat2label[ann['category_id']],
                  bool(ann.get('iscrowd', 0)), mask=lambda ann=ann: self.coco.annToMask(ann))
            for ann in self.coco.imgToAnns.get(self.img_infos[idx]['id'], ())
            if not ann.get('ignore')])

    def _keep(self, places: Sequence[int]) -> None:
        super()._keep(places)
        self.img_ids = [self.img_infos[i]['id'] for i in places]

    # The data set as a whole.

    def has_annotations(self) -> bool:
        """Whether the file lists an object."""
        return bool(self.coco.anns)

    def write(self, results: Sequence, out_file: str, track_score: str = 'mean') -> dict[str, str]:
        """Write one record per box and per mask; see :meth:`BaseDataset.write`."""
        return results2json(self, results, out_file)

    def score_file(self, path: str, kind: str,
                   logger: logging.Logger | None = None) -> dict[str, float]:
        """COCO's numbers."""
        return coco_eval(path, kind, self.coco, logger=logger)[kind]
