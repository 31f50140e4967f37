# RetinaNet, ResNet-101-FPN, 12 epochs on COCO (published: box AP 37.7)
_base_ = [
    './_base_/retinanet.py', './_base_/coco_boxes.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
model = dict(
    pretrained='torchvision://resnet101',
    backbone=dict(depth=101))
optimizer = dict(lr=0.01)
