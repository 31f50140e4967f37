# MaskTrack R-CNN, ResNet-50-FPN, on YouTube-VIS 2021 (published val AP: 28.6)
_base_ = './masktrack_rcnn_r50_fpn_1x_youtubevos.py'
data_root = 'data/youtube_vis_2021/'
classes = (
    'airplane', 'bear', 'bird', 'boat', 'car', 'cat', 'cow', 'deer', 'dog', 'duck',
    'earless_seal', 'elephant', 'fish', 'flying_disc', 'fox', 'frog', 'giant_panda',
    'giraffe', 'horse', 'leopard', 'lizard', 'monkey', 'motorbike', 'mouse', 'parrot',
    'person', 'rabbit', 'shark', 'skateboard', 'snake', 'snowboard', 'squirrel',
    'surfboard', 'tennis_racket', 'tiger', 'train', 'truck', 'turtle', 'whale', 'zebra')
data = dict(
    train=dict(
        ann_file=data_root + 'train/instances.json',
        img_prefix=data_root + 'train/JPEGImages',
        classes=classes),
    val=dict(
        ann_file=data_root + 'valid/instances.json',
        img_prefix=data_root + 'valid/JPEGImages',
        classes=classes),
    test=dict(
        ann_file=data_root + 'valid/instances.json',
        img_prefix=data_root + 'valid/JPEGImages',
        classes=classes))
work_dir = './work_dirs/masktrack_rcnn_r50_fpn_1x_youtubevis2021'
