# COCO 2017 with masks and the proposals of an RPN
_base_ = './coco_proposals.py'
data = dict(train=dict(with_mask=True), val=dict(with_mask=True))
