# RetinaNet, ResNet-50-FPN, 12 epochs on COCO (published: box AP 35.6)
_base_ = [
    './_base_/retinanet.py', './_base_/coco_boxes.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
optimizer = dict(lr=0.01)
