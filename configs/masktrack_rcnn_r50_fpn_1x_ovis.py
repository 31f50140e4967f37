# MaskTrack R-CNN, ResNet-50-FPN, on OVIS (published val AP: 10.8)
_base_ = './masktrack_rcnn_r50_fpn_1x_youtubevos.py'
num_classes = 26  # 25 categories and the background
model = dict(
    bbox_head=dict(num_classes=num_classes),
    mask_head=dict(num_classes=num_classes))
data_root = 'data/ovis/'
classes = (  # spelt as in the release
    'Person', 'Bird', 'Cat', 'Dog', 'Horse', 'Sheep', 'Cow', 'Elephant', 'Bear',
    'Zebra', 'Giraffe', 'Poultry', 'Giant_panda', 'Lizard', 'Parrot', 'Monkey',
    'Rabbit', 'Tiger', 'Fish', 'Turtle', 'Bicycle', 'Motorcycle', 'Airplane', 'Boat',
    'Vehical')
data = dict(
    train=dict(
        ann_file=data_root + 'annotations_train.json',
        img_prefix=data_root + 'train',
        classes=classes),
    val=dict(
        ann_file=data_root + 'annotations_valid.json',
        img_prefix=data_root + 'valid',
        classes=classes),
    test=dict(
        ann_file=data_root + 'annotations_valid.json',
        img_prefix=data_root + 'valid',
        classes=classes))
work_dir = './work_dirs/masktrack_rcnn_r50_fpn_1x_ovis'
