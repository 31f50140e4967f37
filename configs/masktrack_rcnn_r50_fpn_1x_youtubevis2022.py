# MaskTrack R-CNN, ResNet-50-FPN, on YouTube-VIS 2022: classes and training set of 2021 (whose
# config is therefore the base), short and long videos in one validation file
_base_ = './masktrack_rcnn_r50_fpn_1x_youtubevis2021.py'
data_root = 'data/youtube_vis_2022/'
data = dict(
    train=dict(
        ann_file=data_root + 'train/instances.json',
        img_prefix=data_root + 'train/JPEGImages'),
    val=dict(
        ann_file=data_root + 'valid/instances.json',
        img_prefix=data_root + 'valid/JPEGImages'),
    test=dict(
        ann_file=data_root + 'valid/instances.json',
        img_prefix=data_root + 'valid/JPEGImages'))
work_dir = './work_dirs/masktrack_rcnn_r50_fpn_1x_youtubevis2022'
