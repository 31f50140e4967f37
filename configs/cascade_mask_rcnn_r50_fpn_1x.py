# Cascade Mask R-CNN, ResNet-50-FPN, 12 epochs on COCO (published: box AP 41.3, mask AP 35.7)
_base_ = [
    './_base_/cascade_mask_rcnn.py', './_base_/coco_masks.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
