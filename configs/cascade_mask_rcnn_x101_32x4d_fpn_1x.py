# Cascade Mask R-CNN, ResNeXt-101-32x4d-FPN, 12 epochs on COCO
# published: box AP 44.4, mask AP 38.3
_base_ = [
    './_base_/cascade_mask_rcnn.py', './_base_/coco_masks.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
model = dict(
    pretrained='open-mmlab://resnext101_32x4d',
    backbone=dict(type='ResNeXt', depth=101, groups=32, base_width=4))
