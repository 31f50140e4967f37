# COCO 2017, boxes of objects without their classes
_base_ = './coco.py'
data = dict(
    train=dict(with_crowd=False, with_label=False),
    val=dict(with_crowd=False, with_label=False))
