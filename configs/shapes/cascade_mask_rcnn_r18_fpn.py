# Cascade Mask R-CNN, small and from scratch, for moving shapes
_base_ = ['../_base_/cascade_mask_rcnn.py', '../_base_/shapes.py', '../_base_/runtime.py']
head = dict(
    type='SharedFCBBoxHead',
    num_fcs=2,
    in_channels=64,
    fc_out_channels=256,
    roi_feat_size=7,
    num_classes=4,
    target_means=[0., 0., 0., 0.],
    reg_class_agnostic=True)
model = dict(
    pretrained=None,
    backbone=dict(depth=18, frozen_stages=-1, norm_eval=False),
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=64),
    rpn_head=dict(in_channels=64, feat_channels=64),
    bbox_roi_extractor=dict(out_channels=64),
    bbox_head=[
        dict(head, target_stds=[0.1, 0.1, 0.2, 0.2]),
        dict(head, target_stds=[0.05, 0.05, 0.1, 0.1]),
        dict(head, target_stds=[0.033, 0.033, 0.067, 0.067])
    ],
    mask_roi_extractor=dict(out_channels=64),
    mask_head=dict(in_channels=64, conv_out_channels=64, num_classes=4))
data = dict(train=dict(with_mask=True))
test_cfg = dict(rpn=dict(nms_pre=200, nms_post=200, max_num=200))
