# COCO 2017 without crowds (single-stage detectors do not ask for them)
_base_ = './coco.py'
data = dict(train=dict(with_crowd=False), val=dict(with_crowd=False), test=dict(with_crowd=False))
