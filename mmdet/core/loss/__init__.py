from mmdet.core.loss.losses import accuracy, mask_cross_entropy, smooth_l1, weighted_cross_entropy

__all__ = ['accuracy', 'mask_cross_entropy', 'smooth_l1', 'weighted_cross_entropy']
