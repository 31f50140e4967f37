# SSD300, VGG16, 24 x 10 epochs on Pascal VOC (published: mAP 77.8 on VOC 2007 test)
_base_ = [
    '../_base_/ssd300.py', '../_base_/voc_ssd.py',
    '../_base_/schedule_ssd.py', '../_base_/runtime.py'
]
model = dict(bbox_head=dict(num_classes=21, basesize_ratio_range=(0.2, 0.9)))
optimizer = dict(lr=1e-3)
lr_config = dict(step=[16, 20])
