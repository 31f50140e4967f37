# Fast R-CNN, ResNet-50-FPN, 12 epochs on COCO (published: box AP 35.8)
_base_ = [
    './_base_/fast_rcnn.py', './_base_/coco_proposals.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
