# Fast R-CNN with the proposals of rpn_r18_fpn.py, small and from scratch, for moving shapes
_base_ = ['../_base_/fast_rcnn.py', '../_base_/shapes.py', '../_base_/runtime.py']
model = dict(
    pretrained=None,
    backbone=dict(depth=18, frozen_stages=-1, norm_eval=False),
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=64),
    bbox_roi_extractor=dict(out_channels=64),
    bbox_head=dict(in_channels=64, fc_out_channels=256, num_classes=4))
train_cfg = dict(rcnn=dict(sampler=dict(num=128)))
proposals = 'data/shapes/proposals/'
data = dict(
    train=dict(proposal_file=proposals + 'train.pkl', num_max_proposals=200),
    test=dict(proposal_file=proposals + 'val.pkl', num_max_proposals=200))
