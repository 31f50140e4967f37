# Mask R-CNN, ResNet-50-FPN, group normalisation, 24 epochs on COCO
# published: box AP 39.9, mask AP 36.1
_base_ = [
    './_base_/mask_rcnn_gn.py', './_base_/coco_masks.py',
    './_base_/schedule_2x.py', './_base_/runtime.py'
]
model = dict(pretrained='open-mmlab://detectron/resnet50_gn')
img_norm_cfg = dict(  # of the weights, which are Detectron's
    mean=[102.9801, 115.9465, 122.7717], std=[1.0, 1.0, 1.0], to_rgb=False)
data = dict(
    train=dict(img_norm_cfg=img_norm_cfg),
    val=dict(img_norm_cfg=img_norm_cfg),
    test=dict(img_norm_cfg=img_norm_cfg))
