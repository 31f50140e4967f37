from .assigners import AssignResult, MaxIoUAssigner
from .geometry import bbox_overlaps
from .registry import ASSIGNERS, SAMPLERS
from .samplers import (CombinedSampler, InstanceBalancedPosSampler,
                       IoUBalancedNegSampler, PseudoSampler, RandomSampler,
                       SamplingResult)
from .assign_sampling import assign_and_sample, build_assigner, build_sampler
from .bbox_target import BBoxTargets, bbox_targets
from .transforms import (bbox2delta, bbox2result, bbox2roi, bbox_flip, bbox_mapping,
                         bbox_mapping_back, delta2bbox)

__all__ = [
    'ASSIGNERS', 'SAMPLERS', 'AssignResult', 'BBoxTargets', 'CombinedSampler',
    'InstanceBalancedPosSampler', 'IoUBalancedNegSampler', 'MaxIoUAssigner',
    'PseudoSampler', 'RandomSampler', 'SamplingResult', 'assign_and_sample',
    'bbox2delta', 'bbox2result', 'bbox2roi', 'bbox_flip', 'bbox_mapping',
    'bbox_mapping_back', 'bbox_overlaps', 'bbox_targets', 'build_assigner',
    'build_sampler', 'delta2bbox'
]
