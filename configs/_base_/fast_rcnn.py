# Fast R-CNN: Faster R-CNN whose proposals come from a file
_base_ = './faster_rcnn.py'
model = dict(type='FastRCNN', rpn_head=None)
train_cfg = dict(rpn=None)
test_cfg = dict(rpn=None)
