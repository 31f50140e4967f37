# Mask R-CNN on the single frames of YouTube-VIS 2019, without tracking
_base_ = './masktrack_rcnn_r50_fpn_1x_youtubevos.py'
model = dict(type='MaskRCNN', track_head=None)
# frames as COCO images: tools/convert_datasets/ytvis2coco.py ANN.json --out COCO.json
dataset_type = 'CocoDataset'
data_root = 'data/youtube_vis_2019/'
data = dict(
    imgs_per_gpu=16,
    train=dict(
        type=dataset_type,
        ann_file=data_root + 'coco/instances_train.json',
        with_track=False),
    val=dict(
        type=dataset_type,
        ann_file=data_root + 'coco/instances_valid.json',
        with_track=False),
    test=dict(
        type=dataset_type,
        ann_file=data_root + 'coco/instances_valid.json',
        with_track=False))
optimizer = dict(lr=0.02)
work_dir = './work_dirs/mask_rcnn_r50_fpn_1x_youtubevos'
