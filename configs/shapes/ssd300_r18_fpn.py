# SSD's head and losses on a ResNet-18-FPN, small and from scratch, for moving shapes
# (VGG without ImageNet weights learns nothing in minutes)
_base_ = ['../_base_/ssd300.py', '../_base_/shapes.py', '../_base_/runtime.py']
model = dict(
    pretrained=None,
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=18,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        style='pytorch',
        norm_eval=False),
    neck=dict(
        _delete_=True,
        type='FPN',
        in_channels=[64, 128, 256, 512],
        out_channels=64,
        start_level=1,
        add_extra_convs=True,
        num_outs=6),
    bbox_head=dict(
        num_classes=4, in_channels=(64, ) * 6, anchor_strides=(8, 16, 32, 64, 128, 256)))
ssd = dict(img_scale=(300, 300), size_divisor=None, resize_keep_ratio=False)
data = dict(train=ssd, test=ssd)
