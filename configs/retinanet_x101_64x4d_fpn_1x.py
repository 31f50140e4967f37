# RetinaNet, ResNeXt-101-64x4d-FPN, 12 epochs on COCO (published: box AP 40.0)
_base_ = [
    './_base_/retinanet.py', './_base_/coco_boxes.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
model = dict(
    pretrained='open-mmlab://resnext101_64x4d',
    backbone=dict(type='ResNeXt', depth=101, groups=64, base_width=4))
optimizer = dict(lr=0.01)
