"""A tracking head without weights: any detector tracks as it is."""
from collections.abc import Sequence
from typing import NoReturn

from torch import Tensor, nn
from torch.nn import functional as F

from mmdet.core.track import MatchCoeff
from mmdet.models.registry import HEADS
from mmdet.ops.precision import without_autocast
from mmdet.utils.errors import BadType, BadValue


@HEADS.register_module
class RoICosineTrackHead(nn.Module):
    """Compare RoIs by the cosine between the features the box head looks at.

    There is nothing to train and nothing to load. It takes the place of :class:`TrackHead`, the
    options of ``test_cfg.track`` work as with that. With the defaults an object is continued by
    a detection of its class whose cosine is above 0.7, or above 0.5 where boxes coincide.

    Args:
        with_avg_pool: compare the mean over the RoI; False: cell by cell, which tells more of
            the shape and suffers more when a box is off.
        new_object: cosine at which an object seen before and a new one are equally likely, as
            far as features tell.
        temperature: how much more cosine multiplies the odds by e; positive.
        match_coeff: weights of detection score, IoU and label in the matching score; None:
            features alone.
        bbox_dummy_iou: IoU that "new object" gets in that score.

    Raises:
        ValueError: a number is out of range, or ``match_coeff`` has not three.
    """

    def __init__(self, with_avg_pool: bool = True, new_object: float = 0.7,
                 temperature: float = 0.1, match_coeff: Sequence[float] | None = (1, 2, 10),
                 bbox_dummy_iou: float = 0) -> None:
        super().__init__()
        if match_coeff is not None and len(match_coeff) != 3:
            raise BadValue('match_coeff has three numbers (score, IoU, label), '
                           f'got {match_coeff}')
        if not -1 <= new_object <= 1:
            raise BadValue(f'RoICosineTrackHead: new_object is a cosine, from -1 to 1, not '
                           f'{new_object}')
        if not temperature > 0:
            raise BadValue(f'RoICosineTrackHead: temperature must be above 0, got {temperature}')
        self.with_avg_pool, self.new_object = with_avg_pool, new_object
        self.temperature, self.bbox_dummy_iou = temperature, bbox_dummy_iou
        self.match_coeff = None if match_coeff is None else MatchCoeff(*match_coeff)

    def init_weights(self) -> None:
        """There are none."""

    def forward(self, x: Tensor) -> Tensor:
        """(R, C, s, s) RoI features -> (R, D) embeddings: D = C, or C * s * s cell by cell."""
        return x.mean((2, 3)) if self.with_avg_pool else x.flatten(1)

    def match(self, embeddings: Tensor, ref_embeddings: Tensor) -> Tensor:
        """Compare N RoIs with M reference objects.

        Returns:
            (N, M + 1) logits ``(cosine - new_object) / temperature``; column 0, "new object",
            is all zeros.
        """
        with without_autocast(embeddings):
            cosine = F.normalize(embeddings.float()) @ F.normalize(ref_embeddings.float()).t()
        return F.pad((cosine - self.new_object) / self.temperature, (1, 0))

    def get_targets(self, *args: object) -> NoReturn:
        """TypeError: there is nothing to train."""
        raise BadType('RoICosineTrackHead has nothing to learn; train with track_head=None '
                      'to have the detector alone, or with a TrackHead')
