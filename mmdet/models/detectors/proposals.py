"""Regions from a region proposal network, for the detectors that have one."""
from collections.abc import Sequence

from torch import Tensor, nn

from mmdet.core.post_processing import merge_aug_proposals
from mmdet.models.detectors.view import View

RPN_TRAIN_KEYS = ('assigner', 'sampler', 'allowed_border', 'pos_weight', 'smoothl1_beta', 'debug')
RPN_TEST_KEYS = ('nms_across_levels', 'nms_pre', 'nms_post', 'max_num', 'nms_thr',
                 'min_bbox_size', 'merge_views')


def merged_proposals(rpn_head: nn.Module, views: Sequence[View], cfg: dict) -> Tensor:
    """Proposals for one image out of several flips and scales of it.

    Args:
        cfg: see :meth:`RPNHead.get_proposals`; ``merge_views=False`` takes those of the first
            view alone, as the 2019 code did by mistake.

    Returns:
        (n, 5) xyxy in original pixels, score; best first.
    """
    used = views if cfg.get('merge_views', True) else views[:1]
    return merge_aug_proposals(
        [view_proposals(rpn_head, view, cfg) for view in used], [view.meta for view in used], cfg)


def view_proposals(rpn_head: nn.Module, view: View, cfg: dict) -> Tensor:
    """(n, 5) xyxy in network pixels of the view, score; best first."""
    return rpn_head.get_proposals(*rpn_head(view.feats), [view.meta], cfg)[0]
