# Faster R-CNN on a ResNeXt-50 8x4d, small and from scratch, for moving shapes
_base_ = ['../_base_/faster_rcnn.py', '../_base_/shapes.py', '../_base_/runtime.py']
model = dict(
    pretrained=None,
    backbone=dict(
        type='ResNeXt', depth=50, groups=8, base_width=4, frozen_stages=-1, norm_eval=False),
    neck=dict(out_channels=64),
    rpn_head=dict(in_channels=64, feat_channels=64),
    bbox_roi_extractor=dict(out_channels=64),
    bbox_head=dict(in_channels=64, fc_out_channels=256, num_classes=4))
train_cfg = dict(rcnn=dict(sampler=dict(num=128)))
test_cfg = dict(rpn=dict(nms_pre=200, nms_post=200, max_num=200))
