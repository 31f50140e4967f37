from mmdet.core.post_processing.bbox_nms import check_nms_cfg, multiclass_nms
from mmdet.core.post_processing.merge_augs import (merge_aug_bboxes, merge_aug_masks,
                                                   merge_aug_proposals, merge_aug_scores)

__all__ = [
    'check_nms_cfg', 'merge_aug_bboxes', 'merge_aug_masks', 'merge_aug_proposals',
    'merge_aug_scores', 'multiclass_nms'
]
