# Mask R-CNN, ResNet-50-FPN, 12 epochs on COCO (published: box AP 37.3, mask AP 34.2)
_base_ = [
    './_base_/mask_rcnn.py', './_base_/coco_masks.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
