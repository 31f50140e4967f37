# A small MaskTrack R-CNN for moving shapes (tools/convert_datasets/make_shapes.py):
# trained from scratch in minutes on two CPU cores
_base_ = './masktrack_rcnn_r50_fpn_1x_youtubevos.py'
num_classes = 4  # disc, box, triangle and the background
model = dict(
    pretrained=None,
    backbone=dict(depth=18, frozen_stages=-1, norm_eval=False),  # nothing to keep frozen
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=64),
    rpn_head=dict(in_channels=64, feat_channels=64),
    bbox_roi_extractor=dict(out_channels=64),
    bbox_head=dict(in_channels=64, fc_out_channels=256, num_classes=num_classes),
    track_head=dict(in_channels=64, fc_out_channels=256),
    mask_roi_extractor=dict(out_channels=64),
    mask_head=dict(in_channels=64, conv_out_channels=64, num_classes=num_classes))
data_root = 'data/shapes/'
data = dict(
    imgs_per_gpu=4,
    train=dict(
        ann_file=data_root + 'annotations/instances_train.json',
        img_prefix=data_root + 'train/JPEGImages',
        img_scale=(192, 128)),
    val=dict(
        ann_file=data_root + 'annotations/instances_val.json',
        img_prefix=data_root + 'val/JPEGImages',
        img_scale=(192, 128)),
    test=dict(
        ann_file=data_root + 'annotations/instances_val.json',
        img_prefix=data_root + 'val/JPEGImages',
        img_scale=(192, 128)))
optimizer = dict(_delete_=True, type='AdamW', lr=5e-4, weight_decay=1e-4, fused=True)
lr_config = dict(
    _delete_=True,
    policy='cosine',
    by_epoch=False,
    warmup='linear',
    warmup_iters=100,
    warmup_ratio=1.0 / 3)
log_config = dict(interval=30)
channels_last = True  # a tenth faster on a CPU
total_epochs = 2
work_dir = './work_dirs/masktrack_rcnn_r18_fpn_shapes'
load_from = None
