# RPN, ResNet-101-FPN, 12 epochs on COCO (published: AR1000 58.6)
_base_ = [
    './_base_/rpn.py', './_base_/coco_rpn.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
model = dict(
    pretrained='torchvision://resnet101',
    backbone=dict(depth=101))
