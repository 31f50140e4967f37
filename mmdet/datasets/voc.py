"""Images in Pascal VOC format."""
import os
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np

from mmdet.datasets.custom import CustomDataset
from mmdet.datasets.registry import DATASETS
from mmdet.evaluation.class_names import VOC as VOC_CLASSES
from mmdet.utils import nearest
from mmdet.utils.errors import BadValue, MissingFile


@DATASETS.register_module
class XMLDataset(CustomDataset):
    """Images with one xml file each, boxes only.

    ``ann_file`` is a text file with one image id a line; below ``img_prefix``
    lie ``JPEGImages/<id>.jpg`` and ``Annotations/<id>.xml``. Boxes lose 1, so
    that the first pixel is 0; difficult and small ones become
    ``gt_bboxes_ignore``.

    Args:
        min_size: least width and height of a box that trains, in pixels; None: any.
        others: as for :class:`CustomDataset`; ``with_mask`` must be False
            (the xml files hold none). ``classes`` replaces the class list.
    """

    def __init__(self, *args, min_size: float | None = None, **kwargs) -> None:
        self.min_size = min_size
        super().__init__(*args, **kwargs)
        if min_size is not None and self.test_mode:
            raise BadValue(f'{type(self).__name__}: min_size leaves small boxes out of training; '
                           'remove it from data.val and data.test, where every box counts')
        if self.with_mask and not self.test_mode:
            raise BadValue(f'{type(self).__name__}: xml annotations hold no masks; set '
                           'with_mask=False')

    def _load(self, classes: Sequence[str] | None) -> None:
        self.CLASSES = tuple(classes) if classes is not None else self.CLASSES
        if not self.CLASSES:
            raise BadValue(f'{type(self).__name__}: the xml files list no classes; set '
                           'classes=[...] in the config')
        self.cat2label = {name: i + 1 for i, name in enumerate(self.CLASSES)}
        super()._load(None)

    def load_annotations(self, ann_file: str) -> list[dict]:
        """Image entries with ``id``, ``filename``, ``width``, ``height`` and the parsed boxes."""
        with open(ann_file) as file:
            return [self._read(line.split()[0]) for line in file if line.strip()]

    def _read(self, img_id: str) -> dict:
        path = os.path.join(self.img_prefix, 'Annotations', f'{img_id}.xml')
        if not os.path.isfile(path):
            raise MissingFile(f'{path}: annotation missing; {self.ann_file} lists "{img_id}"; '
                              'correct img_prefix')
        try:
            root = ElementTree.parse(path).getroot()
            size = root.find('size')
            info = dict(id=img_id, filename=f'JPEGImages/{img_id}.jpg',
                        width=int(size.find('width').text), height=int(size.find('height').text))
            return info | dict(objects=[self._object(entry, path) for entry in root.iter('object')])
        except BadValue:
            raise
        except (ElementTree.ParseError, AttributeError, TypeError, ValueError) as error:
            raise BadValue(f'{path}: expected a Pascal VOC annotation with size and objects, got '
                           f'{error}') from None

    def _object(self, entry: ElementTree.Element, path: str) -> tuple[list[float], int, bool]:
        """Box x1 y1 x2 y2 from 0, label, and whether it is to be ignored."""
        name = entry.find('name').text
        if name not in self.cat2label:
            raise BadValue(f'{path}: class "{name}" is not in the class '
                           f'list{nearest(name, self.CLASSES)}')
        corners = entry.find('bndbox')
        box = [float(corners.find(key).text) for key in ('xmin', 'ymin', 'xmax', 'ymax')]
        small = self.min_size is not None and min(box[2] - box[0], box[3] - box[1]) < self.min_size
        difficult = entry.find('difficult')
        skip = small or (difficult is not None and int(difficult.text) != 0)
        return [value - 1 for value in box], self.cat2label[name], skip

    def get_ann_info(self, idx: int) -> dict[str, Any]:
        """What is annotated in image ``idx`` of the file; difficult and small boxes apart."""
        objects = self.img_infos[idx]['objects']
        parts = [[entry for entry in objects if entry[2] == skip] for skip in (False, True)]
        (boxes, labels), (boxes_ignore, labels_ignore) = (
            (np.array([entry[0] for entry in part], np.float32).reshape(-1, 4),
             np.array([entry[1] for entry in part], np.int64)) for part in parts)
        return dict(bboxes=boxes, labels=labels, bboxes_ignore=boxes_ignore,
                    labels_ignore=labels_ignore)


@DATASETS.register_module
class VOCDataset(XMLDataset):
    """Pascal VOC 2007 and 2012; ``img_prefix`` is the folder of the year.

    Attributes:
        year: 2007 or 2012 as ``img_prefix`` says, else None; mean AP of 2007 takes 11 points.
    """
    CLASSES = VOC_CLASSES

    def _load(self, classes: Sequence[str] | None) -> None:
        super()._load(classes)
        years = [year for year in (2007, 2012) if f'VOC{year}' in self.img_prefix]
        self.year = years[0] if years else None
