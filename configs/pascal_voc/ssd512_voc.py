# SSD512, VGG16, 24 x 10 epochs on Pascal VOC (published: mAP 80.4 on VOC 2007 test)
_base_ = [
    '../_base_/ssd512.py', '../_base_/voc_ssd.py',
    '../_base_/schedule_ssd.py', '../_base_/runtime.py'
]
model = dict(bbox_head=dict(num_classes=21, basesize_ratio_range=(0.15, 0.9)))
img_scale = (512, 512)
data = dict(
    train=dict(dataset=dict(img_scale=img_scale)),
    val=dict(img_scale=img_scale),
    test=dict(img_scale=img_scale))
optimizer = dict(lr=1e-3)
lr_config = dict(step=[16, 20])
