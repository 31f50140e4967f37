# Faster R-CNN, ResNet-50-FPN, 12 epochs on COCO (published: box AP 36.4)
_base_ = [
    './_base_/faster_rcnn.py', './_base_/coco.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
