# Mask R-CNN, ResNet-50-FPN, group normalisation, 24 epochs on COCO
# published: box AP 39.7, mask AP 35.9
_base_ = [
    './_base_/mask_rcnn_gn.py', './_base_/coco_masks.py',
    './_base_/schedule_2x.py', './_base_/runtime.py'
]
model = dict(pretrained='open-mmlab://contrib/resnet50_gn')
