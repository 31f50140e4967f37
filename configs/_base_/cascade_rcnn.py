# Cascade R-CNN: three box heads, each for better boxes than the one before
_base_ = './faster_rcnn.py'
deviations = ([0.1, 0.1, 0.2, 0.2], [0.05, 0.05, 0.1, 0.1], [0.033, 0.033, 0.067, 0.067])
model = dict(
    type='CascadeRCNN',
    num_stages=3,
    bbox_head=[
        dict(
            type='SharedFCBBoxHead',
            num_fcs=2,
            in_channels=256,
            fc_out_channels=1024,
            roi_feat_size=7,
            num_classes=81,
            target_means=[0., 0., 0., 0.],
            target_stds=stds,
            reg_class_agnostic=True) for stds in deviations
    ])
train_cfg = dict(
    rcnn=[
        dict(
            assigner=dict(
                type='MaxIoUAssigner',
                pos_iou_thr=iou_thr,
                neg_iou_thr=iou_thr,
                min_pos_iou=iou_thr,
                ignore_iof_thr=-1),
            sampler=dict(
                type='RandomSampler',
                num=512,
                pos_fraction=0.25,
                neg_pos_ub=-1,
                add_gt_as_proposals=True),
            mask_size=28,  # where there are masks
            pos_weight=-1,
            debug=False) for iou_thr in (0.5, 0.6, 0.7)
    ],
    stage_loss_weights=[1, 0.5, 0.25])
test_cfg = dict(keep_all_stages=False)
