# Mask R-CNN, ResNet-101-FPN, 12 epochs on COCO (published: box AP 39.4, mask AP 35.9)
_base_ = [
    './_base_/mask_rcnn.py', './_base_/coco_masks.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
model = dict(
    pretrained='torchvision://resnet101',
    backbone=dict(depth=101))
