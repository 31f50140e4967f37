from mmdet.core.loss.classification import (accuracy, mask_cross_entropy, one_hot,
                                            sigmoid_focal_loss, weighted_binary_cross_entropy,
                                            weighted_cross_entropy, weighted_nll_loss,
                                            weighted_sigmoid_focal_loss)
from mmdet.core.loss.regression import smooth_l1_loss, weighted_smoothl1

__all__ = [
    'accuracy', 'mask_cross_entropy', 'one_hot', 'sigmoid_focal_loss', 'smooth_l1_loss',
    'weighted_binary_cross_entropy', 'weighted_cross_entropy', 'weighted_nll_loss',
    'weighted_sigmoid_focal_loss', 'weighted_smoothl1'
]
