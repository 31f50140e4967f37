"""Pascal VOC to lists and to COCO: what comes out is what the xml files say."""
import importlib.util
import json
import pathlib

import cv2
import numpy as np
import pytest

from mmdet.datasets import CocoDataset, CustomDataset, VOCDataset

TOOL = pathlib.Path(__file__).parents[2] / 'tools/convert_datasets/pascal_voc.py'
XML = ('<annotation><size><width>60</width><height>40</height></size>'
       '<object><name>dog</name><difficult>0</difficult><bndbox><xmin>6</xmin><ymin>7</ymin>'
       '<xmax>15</xmax><ymax>14</ymax></bndbox></object>'
       '<object><name>cat</name><difficult>1</difficult><bndbox><xmin>1</xmin><ymin>1</ymin>'
       '<xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>')
ARGS = dict(img_scale=(60, 40), img_norm_cfg=dict(mean=[0, 0, 0]), with_mask=False)


@pytest.fixture
def convert():
    spec = importlib.util.spec_from_file_location('pascal_voc', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda *args: module.main([str(a) for a in args])


@pytest.fixture
def devkit(tmp_path):
    for year in ('VOC2007', 'VOC2012'):
        for part in ('Annotations', 'JPEGImages', 'ImageSets/Main'):
            (tmp_path / year / part).mkdir(parents=True)
        (tmp_path / year / 'ImageSets/Main/trainval.txt').write_text('1\n')
        (tmp_path / year / 'Annotations/1.xml').write_text(XML)
        cv2.imwrite(str(tmp_path / year / 'JPEGImages/1.jpg'), np.zeros((40, 60, 3), np.uint8))
    (tmp_path / 'VOC2007/ImageSets/Main/test.txt').write_text('1\n')
    return tmp_path


def keys(item):
    return {key: item[key].tolist() for key in ('gt_bboxes', 'gt_labels', 'gt_bboxes_ignore')}


def test_both_formats_train_like_the_xml_files(convert, devkit, capsys):
    convert(devkit, '-o', devkit / 'lists')
    assert sorted(p.name for p in (devkit / 'lists').iterdir()) == [
        'voc0712_trainval.json', 'voc07_test.json', 'voc07_trainval.json', 'voc12_trainval.json']
    assert 'voc0712_trainval.json: 2 images, 2 objects, 2 difficult' in capsys.readouterr().out
    convert(devkit, '--out_format', 'coco')
    xml = VOCDataset(str(devkit / 'VOC2007/ImageSets/Main/trainval.txt'), str(devkit / 'VOC2007'),
                     **ARGS)
    custom = CustomDataset(str(devkit / 'lists/voc0712_trainval.json'), str(devkit),
                           classes=VOCDataset.CLASSES, **ARGS)
    coco = CocoDataset(str(devkit / 'voc0712_trainval.json'), str(devkit), **ARGS)
    assert len(custom) == len(coco) == 2 and coco.CLASSES == tuple(VOCDataset.CLASSES)
    for item in (custom[0], custom[1], coco[0], coco[1]):
        assert keys(item) == keys(xml[0])
    assert custom[1]['img_meta']['filename'] == 'VOC2012/JPEGImages/1.jpg'


def test_own_classes_and_no_devkit(convert, devkit, tmp_path):
    convert(devkit, '-o', devkit, '--classes', 'cat', 'dog')
    first = json.loads((devkit / 'voc07_test.json').read_text())[0]
    assert first['ann']['labels'] == [2] and first['ann']['labels_ignore'] == [1]
    with pytest.raises(ValueError, match='1.xml: class "cat" is not in the class list'):
        convert(devkit, '--classes', 'dog')
    with pytest.raises(FileNotFoundError, match='give the folder that holds VOC2007'):
        convert(tmp_path / 'VOC2007')
