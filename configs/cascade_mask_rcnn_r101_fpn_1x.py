# Cascade Mask R-CNN, ResNet-101-FPN, 12 epochs on COCO (published: box AP 42.7, mask AP 37.1)
_base_ = [
    './_base_/cascade_mask_rcnn.py', './_base_/coco_masks.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
model = dict(
    pretrained='torchvision://resnet101',
    backbone=dict(depth=101))
