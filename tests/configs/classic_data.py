"""The data sets that the config files of 2019 name, two pictures each, where they look for them."""
import json
import pickle

import cv2
import numpy as np

from mmdet.datasets import CocoDataset, VOCDataset, YTVOSDataset

WIDTH, HEIGHT = 96, 64
BOX = [20, 10, 40, 30]  # x y w h
SQUARE = [[20, 10, 59, 10, 59, 39, 20, 39]]


def write_pictures(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    picture = np.random.default_rng(0).integers(0, 90, (HEIGHT, WIDTH, 3), np.uint8)
    picture[10:40, 20:60] = 200
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / name), picture)


def write_coco(path, classes, names):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dict(
        images=[dict(id=i, file_name=name, width=WIDTH, height=HEIGHT)
                for i, name in enumerate(names)],
        categories=[dict(id=i, name=name) for i, name in enumerate(classes, 1)],
        annotations=[dict(id=i + 1, image_id=i, category_id=3, bbox=BOX, area=1200, iscrowd=0,
                          segmentation=SQUARE) for i in range(len(names))])))


def write_voc(root):
    write_pictures(root / 'JPEGImages', ['1.jpg', '2.jpg'])
    for folder in ('Annotations', 'ImageSets/Main'):
        (root / folder).mkdir(parents=True)
    for split in ('trainval', 'test'):
        (root / f'ImageSets/Main/{split}.txt').write_text('1\n2\n')
    for name in '12':
        (root / f'Annotations/{name}.xml').write_text(
            f'<annotation><size><width>{WIDTH}</width><height>{HEIGHT}</height></size><object>'
            f'<name>{VOCDataset.CLASSES[2]}</name><difficult>0</difficult><bndbox><xmin>21</xmin>'
            '<ymin>11</ymin><xmax>60</xmax><ymax>40</ymax></bndbox></object></annotation>')


def write_videos(root, split, folder):
    names = ['v/0.jpg', 'v/1.jpg']
    write_pictures(root / folder / 'JPEGImages', names)
    path = root / f'annotations/instances_{split}_sub.json'
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(dict(
        videos=[dict(id=1, width=WIDTH, height=HEIGHT, length=2, file_names=names)],
        categories=[dict(id=i, name=name) for i, name in enumerate(YTVOSDataset.CLASSES, 1)],
        annotations=[dict(id=1, video_id=1, category_id=3, iscrowd=0, bboxes=[BOX] * 2,
                          segmentations=[SQUARE] * 2, areas=[1200] * 2)])))


def write_all(root):
    """Everything below ``root / 'data'``."""
    data, names = root / 'data', ['1.jpg', '2.jpg']
    proposals = [np.float32([[20, 10, 59, 39, .9], [25, 12, 59, 41, .5], [60, 40, 80, 60, .1]])] * 2
    for split in ('train', 'val'):
        write_pictures(data / f'coco/{split}2017', names)
        write_coco(data / f'coco/annotations/instances_{split}2017.json', CocoDataset.CLASSES,
                   names)
        write_pictures(data / split, names)
        write_coco(data / f'annotations_maskrcnn/instances_{split}_sub.json',
                   YTVOSDataset.CLASSES, names)
        write_videos(data, split, dict(train='train', val='valid')[split])
        pkl = data / f'coco/proposals/rpn_r50_fpn_1x_{split}2017.pkl'
        pkl.parent.mkdir(exist_ok=True)
        pkl.write_bytes(pickle.dumps(proposals))
    for year in (2007, 2012):
        write_voc(data / f'VOCdevkit/VOC{year}')
