# SSD300, VGG16, 24 x 5 epochs on COCO (published: box AP 25.7)
_base_ = [
    './_base_/ssd300.py', './_base_/coco_ssd.py',
    './_base_/schedule_ssd.py', './_base_/runtime.py'
]
