from mmdet.core.bbox.assign_sampling import (assign_and_sample, assign_and_sample_images,
                                             build_assigner, build_sampler)
from mmdet.core.bbox.assigners import AssignResult, MaxIoUAssigner
from mmdet.core.bbox.bbox_target import BBoxTargets, bbox_targets
from mmdet.core.bbox.detections import Detections
from mmdet.core.bbox.geometry import bbox_overlaps
from mmdet.core.bbox.registry import ASSIGNERS, SAMPLERS
from mmdet.core.bbox.samplers import (CombinedSampler, InstanceBalancedPosSampler,
                                      IoUBalancedNegSampler, OHEMSampler, PseudoSampler,
                                      RandomSampler, SamplingResult)
from mmdet.core.bbox.transforms import (bbox2delta, bbox2result, bbox2roi, bbox_flip, bbox_mapping,
                                        bbox_mapping_back, boxes_to_network, boxes_to_original,
                                        clip_boxes, delta2bbox)
from mmdet.core.names_of_2019 import BBOX
from mmdet.utils.lazy import lazy_exports

__all__ = [
    'ASSIGNERS', 'SAMPLERS', 'AssignResult', 'BBoxTargets', 'CombinedSampler', 'Detections',
    'InstanceBalancedPosSampler', 'IoUBalancedNegSampler', 'MaxIoUAssigner', 'OHEMSampler',
    'PseudoSampler', 'RandomSampler', 'SamplingResult', 'assign_and_sample',
    'assign_and_sample_images',
    'bbox2delta', 'bbox2result', 'bbox2roi', 'bbox_flip', 'bbox_mapping',
    'bbox_mapping_back', 'bbox_overlaps', 'bbox_targets', 'boxes_to_network',
    'boxes_to_original', 'build_assigner',
    'build_sampler', 'clip_boxes', 'delta2bbox'
]
__getattr__ = lazy_exports(__name__, {'mmdet.core.utils': ['roi2bbox']}, BBOX)[0]
