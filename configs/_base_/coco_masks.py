# COCO 2017 with masks
_base_ = './coco.py'
data = dict(train=dict(with_mask=True), val=dict(with_mask=True))
