# Frames of the moving shapes (tools/analysis/train_shapes.py makes them) and a training of some
# minutes on two CPU cores
dataset_type = 'CocoDataset'
data_root = 'data/shapes/'
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
data = dict(
    imgs_per_gpu=8,
    workers_per_gpu=1,
    train=dict(
        type=dataset_type,
        ann_file=data_root + 'annotations/coco_train.json',
        img_prefix=data_root + 'train/JPEGImages',
        img_scale=(192, 128),
        img_norm_cfg=img_norm_cfg,
        size_divisor=32,
        flip_ratio=0.5,
        with_mask=False,
        with_crowd=False,
        with_label=True),
    test=dict(
        type=dataset_type,
        ann_file=data_root + 'annotations/coco_val.json',
        img_prefix=data_root + 'val/JPEGImages',
        img_scale=(192, 128),
        img_norm_cfg=img_norm_cfg,
        size_divisor=32,
        flip_ratio=0,
        with_mask=False,
        with_label=False,
        test_mode=True))
optimizer = dict(type='AdamW', lr=5e-4, weight_decay=1e-4)
optimizer_config = dict(grad_clip=dict(max_norm=35, norm_type=2))
lr_config = dict(
    policy='cosine', by_epoch=False, warmup='linear', warmup_iters=50, warmup_ratio=1.0 / 3)
total_epochs = 2
