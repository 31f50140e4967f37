# Faster R-CNN, ResNet-101-FPN, 12 epochs on COCO (published: box AP 38.6)
_base_ = [
    './_base_/faster_rcnn.py', './_base_/coco.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
model = dict(
    pretrained='torchvision://resnet101',
    backbone=dict(depth=101))
