# Faster R-CNN, ResNet-50-FPN, trained on the RoIs with the largest losses (no published AP)
_base_ = [
    './_base_/faster_rcnn.py', './_base_/coco.py',
    './_base_/schedule_1x.py', './_base_/runtime.py'
]
train_cfg = dict(rcnn=dict(sampler=dict(type='OHEMSampler')))
