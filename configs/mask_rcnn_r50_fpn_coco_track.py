# torchvision's Mask R-CNN, trained on COCO, with a tracking head that needs no training: for
# videos of one's own, "python tools/demo.py VIDEO". The numbers are those of torchvision's
# maskrcnn_resnet50_fpn (COCO_V1: box AP 37.9, mask AP 34.6), see .github/docs/coco_weights.md
_base_ = './_base_/mask_rcnn.py'
model = dict(
    type='MaskTrackRCNN',
    pretrained=None,
    rpn_head=dict(type='TorchvisionRPNHead'),
    track_head=dict(type='RoICosineTrackHead', match_coeff=[1, 2, 10]),
    mask_head=dict(paste_margin=1))
test_cfg = dict(
    rpn=dict(
        nms_pre=1000,
        nms_post=1000,
        max_num=1000,
        min_bbox_size=1.001),  # what was cut off at the border is one pixel wide
    rcnn=dict(score_thr=0.3),  # torchvision: 0.05, for AP; in a video that is mostly noise
    track=dict(
        cues=dict(MotionIoU=dict(weight=2)),  # objects that cross go on as they went
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
        img_scale=(1333, 800),  # as trained; (640, 384) has a quarter of the pixels
        img_norm_cfg=img_norm_cfg,
        size_divisor=32,
        flip_ratio=0,
        with_mask=False,
        with_label=False,
        test_mode=True,
        with_track=True))
log_level = 'INFO'
