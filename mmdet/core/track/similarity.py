"""From inner products of embeddings to the probability of being the same object."""
import math

import torch
from torch import Tensor
from torch.nn import functional as F

from mmdet.core.track.registry import SIMILARITIES


@SIMILARITIES.register_module
def softmax(logits: Tensor) -> Tensor:
    """(N, M + 1) log-probabilities that each detection is each object; rows sum to 1.

    Source: arXiv:1905.04804, section 4.1.
    """
    return logits.log_softmax(dim=1)


@SIMILARITIES.register_module
def bisoftmax(logits: Tensor) -> Tensor:
    """The mean of "this detection is that object" and "that object is this detection".

    So two detections that resemble one object share it, and what is like everything is like
    nothing. The second softmax runs over the detections and "not in this frame", whose logit is 0
    like that of "new object"; column 0 has the first direction only.

    Args:
        logits: (N, M + 1), column 0 is "new object", minus infinity for forgotten objects.

    Source: bi-directional softmax of QDTrack, arXiv:2006.06664, section 3.3.
    """
    forward = logits.log_softmax(dim=1)
    backward = F.pad(logits[:, 1:], (0, 0, 1, 0)).log_softmax(dim=0)[1:]
    both = torch.logaddexp(forward[:, 1:], backward) - math.log(2)
    return torch.cat([forward[:, :1], both], dim=1)
