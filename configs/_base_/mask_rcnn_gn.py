# Mask R-CNN with group normalisation (arXiv:1803.08494) in all parts and four convolutions in the
# box head
_base_ = './mask_rcnn.py'
normalize = dict(type='GN', num_groups=32, frozen=False)
model = dict(
    backbone=dict(normalize=normalize),
    neck=dict(normalize=normalize),
    bbox_head=dict(
        _delete_=True,
        type='ConvFCBBoxHead',
        num_shared_convs=4,
        num_shared_fcs=1,
        in_channels=256,
        conv_out_channels=256,
        fc_out_channels=1024,
        roi_feat_size=7,
        num_classes=81,
        target_means=[0., 0., 0., 0.],
        target_stds=[0.1, 0.1, 0.2, 0.2],
        reg_class_agnostic=False,
        normalize=normalize),
    mask_head=dict(normalize=normalize))
