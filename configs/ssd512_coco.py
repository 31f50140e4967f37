# SSD512, VGG16, 24 x 5 epochs on COCO (published: box AP 29.3)
_base_ = [
    './_base_/ssd512.py', './_base_/coco_ssd.py',
    './_base_/schedule_ssd.py', './_base_/runtime.py'
]
img_scale = (512, 512)
data = dict(
    train=dict(dataset=dict(img_scale=img_scale)),
    val=dict(img_scale=img_scale),
    test=dict(img_scale=img_scale))
