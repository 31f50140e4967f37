# Cascade R-CNN, ResNet-50-FPN, 12 epochs on COCO (published: box AP 40.3)
_base_ = [
    './_base_/cascade_rcnn.py', './_base_/coco.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
