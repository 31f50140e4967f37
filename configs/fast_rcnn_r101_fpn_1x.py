# Fast R-CNN, ResNet-101-FPN, 12 epochs on COCO (published: box AP 38.1)
_base_ = [
    './_base_/fast_rcnn.py', './_base_/coco_proposals.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
model = dict(
    pretrained='torchvision://resnet101',
    backbone=dict(depth=101))
