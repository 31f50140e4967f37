# MaskTrack R-CNN with the tracking options that were measured better than those of 2019 on made-up
# videos (.github/docs/study.md); on YouTube-VIS nobody has measured them yet. Checkpoints are
# those of the config of 2019: nothing that is trained differs.
_base_ = './masktrack_rcnn_r50_fpn_1x_youtubevos.py'
test_cfg = dict(
    track=dict(
        embedding=dict(type='EmbeddingBank', size=20, decay=1.0),
        assigner='hungarian',
        second_round=dict(score_thr=0.3)))
work_dir = './work_dirs/masktrack_rcnn_r50_fpn_1x_youtubevos_modern'
