# torchvision's Mask R-CNN, trained on COCO, with a tracking head that needs no training: for
# videos of one's own, "python tools/demo.py VIDEO". The numbers are those of torchvision's
# maskrcnn_resnet50_fpn (COCO_V1: box AP 37.9, mask AP 34.6), see .github/docs/coco_weights.md
num_classes = 81  # 80 categories and the background

# model settings
model = dict(
    type='MaskTrackRCNN',
    pretrained=None,
    backbone=dict(
        type='ResNet',
        depth=50,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        style='pytorch'),
    neck=dict(
        type='FPN',
        in_channels=[256, 512, 1024, 2048],
        out_channels=256,
        num_outs=5),
    rpn_head=dict(
        type='TorchvisionRPNHead',
        in_channels=256,
        feat_channels=256,
        anchor_scales=[8],
        anchor_ratios=[0.5, 1.0, 2.0],
        anchor_strides=[4, 8, 16, 32, 64],
        use_sigmoid_cls=True),
    bbox_roi_extractor=dict(
        type='SingleRoIExtractor',
        roi_layer=dict(type='RoIAlign', out_size=7, sample_num=2),
        out_channels=256,
        featmap_strides=[4, 8, 16, 32]),
    bbox_head=dict(
        type='SharedFCBBoxHead',
        num_fcs=2,
        in_channels=256,
        fc_out_channels=1024,
        roi_feat_size=7,
        num_classes=num_classes),
    track_head=dict(type='RoICosineTrackHead'),
    mask_roi_extractor=dict(
        type='SingleRoIExtractor',
        roi_layer=dict(type='RoIAlign', out_size=14, sample_num=2),
        out_channels=256,
        featmap_strides=[4, 8, 16, 32]),
    mask_head=dict(
        type='FCNMaskHead',
        num_convs=4,
        in_channels=256,
        conv_out_channels=256,
        num_classes=num_classes,
        paste_margin=1))
# model testing settings
test_cfg = dict(
    rpn=dict(
        nms_across_levels=False,
        nms_pre=1000,
        nms_post=1000,
        max_num=1000,
        nms_thr=0.7,
        min_bbox_size=1.001),  # what was cut off at the border is one pixel wide
    rcnn=dict(
        score_thr=0.3,  # torchvision: 0.05, for AP; in a video that is mostly noise
        nms=dict(type='nms', iou_thr=0.5),
        max_per_img=100,
        mask_thr_binary=0.5),
    track=dict(
        start_thr=0.5,  # weaker detections continue an object, but begin none
        max_age=30))  # frames; after that what looks alike is a new object
# dataset settings: where frames go through; test_video.py takes the files of your own
dataset_type = 'YTVOSDataset'
data_root = 'data/coco_videos/'
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
data = dict(
    test=dict(
        type=dataset_type,
        ann_file=data_root + 'annotations.json',
        img_prefix=data_root + 'JPEGImages',
        img_scale=(1333, 800),  # as trained; (640, 384) is four times as fast
        img_norm_cfg=img_norm_cfg,
        size_divisor=32,
        flip_ratio=0,
        with_mask=False,
        with_label=False,
        test_mode=True,
        with_track=True))
log_level = 'INFO'
