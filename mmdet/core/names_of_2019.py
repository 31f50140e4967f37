"""What :mod:`mmdet.core` exported in 2019 and does not have any more, with what replaced it.

Values are kept image by image today; the functions that filled one padded tensor for a batch took
other arguments, so that an alias would mislead.
"""

ANCHOR = dict(
    anchor_target='use mmdet.core.anchor.anchor_targets(anchors, inside, gt_bboxes, cfg, means, '
                  'stds), which gives the sampled anchors of every image')
BBOX = dict(
    BaseAssigner='derive from mmdet.core.bbox.MaxIoUAssigner, or register a class with '
                 'assign(bboxes, gt_bboxes, gt_bboxes_ignore, gt_labels) in '
                 'mmdet.core.bbox.ASSIGNERS',
    BaseSampler='derive from mmdet.core.bbox.RandomSampler and override sample_pos and sample_neg',
    bbox_target='use mmdet.core.bbox.bbox_targets(samples, means, stds, pos_weight)')
MASK = dict(
    mask_target='use mmdet.core.mask.mask_targets(pos_bboxes, pos_assigned_gt_inds, gt_masks, '
                'mask_size), whose last argument is the number, not the config',
    split_combined_polys='polygons become masks when they are read, by '
                         'mmdet.formats.segmentations')
_HOOK = ('validation is no hook: mmdet.apis.train_detector(..., validate=True), or --validate, '
         'scores what the detector gives')
_PLOT = 'plot what mmdet.evaluation.eval_recalls returns, e.g. with matplotlib'
EVALUATION = dict(
    DistEvalHook=_HOOK, DistEvalRecallHook=_HOOK, CocoDistEvalRecallHook=_HOOK,
    CocoDistEvalmAPHook=_HOOK, plot_num_recall=_PLOT, plot_iou_recall=_PLOT)
_GRADIENTS = ('processes share gradients in torch.nn.parallel.DistributedDataParallel, updates are '
              'made by mmdet.engine.updater.Updater')
UTILS = dict(allreduce_grads=_GRADIENTS, DistOptimizerHook=_GRADIENTS)
CORE = {**ANCHOR, **BBOX, **MASK, **EVALUATION, **UTILS}
