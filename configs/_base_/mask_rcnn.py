# Mask R-CNN: Faster R-CNN and a mask for every box
_base_ = './faster_rcnn.py'
model = dict(
    type='MaskRCNN',
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
        num_classes=81))
train_cfg = dict(rcnn=dict(mask_size=28))
test_cfg = dict(rcnn=dict(mask_thr_binary=0.5))
