# Faster R-CNN, ResNeXt-101-32x4d-FPN, 12 epochs on COCO (published: box AP 40.2)
_base_ = [
    './_base_/faster_rcnn.py', './_base_/coco.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
model = dict(
    pretrained='open-mmlab://resnext101_32x4d',
    backbone=dict(type='ResNeXt', depth=101, groups=32, base_width=4))
