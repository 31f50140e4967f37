# Fast R-CNN with masks, ResNet-101-FPN, 12 epochs on COCO (published: box AP 38.9, mask AP 35.8)
_base_ = [
    './_base_/fast_mask_rcnn.py', './_base_/coco_proposals_masks.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
model = dict(
    pretrained='torchvision://resnet101',
    backbone=dict(depth=101))
