# Faster R-CNN, ResNet-50-FPN, 4 x 3 epochs on Pascal VOC (no published AP)
_base_ = [
    '../_base_/faster_rcnn.py', '../_base_/voc.py',
    '../_base_/schedule_1x.py', '../_base_/runtime.py'
]
model = dict(bbox_head=dict(num_classes=21))
optimizer = dict(lr=0.01)
lr_config = dict(_delete_=True, policy='step', step=[3])
total_epochs = 4
