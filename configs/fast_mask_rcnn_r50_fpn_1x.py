# Fast R-CNN with masks, ResNet-50-FPN, 12 epochs on COCO (published: box AP 36.8, mask AP 34.1)
_base_ = [
    './_base_/fast_mask_rcnn.py', './_base_/coco_proposals_masks.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
