from mmdet.utils import Registry

ASSIGNERS = Registry('assigner')
SAMPLERS = Registry('sampler')
