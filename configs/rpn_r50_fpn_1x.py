# RPN, ResNet-50-FPN, 12 epochs on COCO (published: AR1000 57.1)
_base_ = [
    './_base_/rpn.py', './_base_/coco_rpn.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
