# RetinaNet, small and from scratch, for moving shapes
_base_ = ['../_base_/retinanet.py', '../_base_/shapes.py', '../_base_/runtime.py']
model = dict(
    pretrained=None,
    backbone=dict(depth=18, frozen_stages=-1, norm_eval=False),
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=64),
    bbox_head=dict(num_classes=4, in_channels=64, feat_channels=64, stacked_convs=2))
