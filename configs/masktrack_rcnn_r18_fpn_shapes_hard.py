# The same small model on the hard moving shapes (make_shapes.py --preset hard): crossings of
# look-alikes, long occlusions, returns, blur; 2152 steps, within half an hour on two CPU cores
_base_ = './masktrack_rcnn_r18_fpn_shapes.py'
data_root = 'data/shapes_hard/'
data = dict(
    train=dict(
        ann_file=data_root + 'annotations/instances_train.json',
        img_prefix=data_root + 'train/JPEGImages'),
    val=dict(
        ann_file=data_root + 'annotations/instances_val.json',
        img_prefix=data_root + 'val/JPEGImages'),
    test=dict(
        ann_file=data_root + 'annotations/instances_val.json',
        img_prefix=data_root + 'val/JPEGImages'))
work_dir = './work_dirs/masktrack_rcnn_r18_fpn_shapes_hard'
