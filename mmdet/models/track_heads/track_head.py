"""The tracking head of MaskTrack R-CNN (arXiv:1905.04804, section 4.1)."""
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from mmdet.core.loss import accuracy
from mmdet.core.track import MatchCoeff
from mmdet.models.registry import HEADS
from mmdet.ops.precision import without_autocast
from mmdet.utils.errors import BadValue


@HEADS.register_module
class TrackHead(nn.Module):
    """Embed RoIs so that the inner product tells whether two are the same object.

    Args:
        with_avg_pool: average the RoI feature before the layers.
        num_fcs: fully connected layers, ReLU between them.
        in_channels: of the RoI feature.
        roi_feat_size: side of the RoI feature.
        fc_out_channels: D, size of the embedding.
        match_coeff: weights of detection score, IoU and label in the matching
            score at test time; None: embeddings alone.
        bbox_dummy_iou: IoU that "new object" gets in that score.
        dynamic: every image has its own number of objects; nothing else was ever
            possible, kept for classic configs.
        final_relu: ReLU after the last layer too, for weights trained by mmtracking.
        skip_single_positive: leave images with exactly one positive RoI out of the
            loss, as the 2019 code did by mistake.

    Raises:
        ValueError: ``match_coeff`` has not three numbers, or ``dynamic`` is off.
    """

    def __init__(self, with_avg_pool: bool = False, num_fcs: int = 2, in_channels: int = 256,
                 roi_feat_size: int = 7, fc_out_channels: int = 1024,
                 match_coeff: Sequence[float] | None = None, bbox_dummy_iou: float = 0,
                 dynamic: bool = True, final_relu: bool = False,
                 skip_single_positive: bool = False) -> None:
        super().__init__()
        if match_coeff is not None and len(match_coeff) != 3:
            raise BadValue('match_coeff has three numbers (score, IoU, label), '
                             f'got {match_coeff}')
        if not dynamic:
            raise BadValue('TrackHead: dynamic=False never worked; remove the key')
        self.match_coeff = None if match_coeff is None else MatchCoeff(*match_coeff)
        self.bbox_dummy_iou = bbox_dummy_iou
        self.final_relu, self.skip_single_positive = final_relu, skip_single_positive
        self.avg_pool = nn.AvgPool2d(roi_feat_size) if with_avg_pool else nn.Identity()
        dims = in_channels * (1 if with_avg_pool else roi_feat_size**2)
        self.fcs = nn.ModuleList(
            nn.Linear(dims if i == 0 else fc_out_channels, fc_out_channels)
            for i in range(num_fcs))

    def init_weights(self) -> None:
        """Normal weights of deviation 0.01, zero biases."""
        for fc in self.fcs:
            nn.init.normal_(fc.weight, std=0.01)
            nn.init.zeros_(fc.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(R, C, s, s) RoI features -> (R, D) embeddings."""
        x = self.avg_pool(x).flatten(1)
        for i, fc in enumerate(self.fcs):
            x = fc(x)
            if i < len(self.fcs) - 1 or self.final_relu:
                x = F.relu(x)
        return x

    def match(self, embeddings: Tensor, ref_embeddings: Tensor) -> Tensor:
        """Compare N RoIs with M reference objects.

        Returns:
            (N, M + 1) logits; column 0, "new object", is all zeros.
        """
        with without_autocast(embeddings):
            return F.pad(embeddings.float() @ ref_embeddings.float().t(), (1, 0))

    def get_targets(self, pos_assigned_gt_inds: Sequence[Tensor],
                    gt_pids: Sequence[Tensor]) -> list[Tensor]:
        """The column each positive RoI should choose, one (P_i,) int64 tensor per image.

        Args:
            pos_assigned_gt_inds: (P_i,) rows of the ground truth.
            gt_pids: (G_i,) 0 for objects that are not in the reference frame, else
                1 + row of the object there.
        """
        return [pids[inds] for pids, inds in zip(gt_pids, pos_assigned_gt_inds)]

    def loss(self, match_logits: Sequence[Tensor], targets: Sequence[Tensor],
             pos_weight: float = -1) -> dict[str, Tensor]:
        """Cross entropy averaged over the positives of an image, then over images.

        Args:
            match_logits: one (P_i, M_i + 1) tensor per image.
            targets: one (P_i,) tensor per image.
            pos_weight: weight of positives, as in the box head; not positive: 1.

        Returns:
            ``loss_match`` and ``match_acc`` in percent, 0-d each; 0 without positives.
        """
        least = 2 if self.skip_single_positive else 1
        loss = sum(logits.sum() * 0 for logits in match_logits)
        hits = loss.detach()
        total = 0
        for logits, target in zip(match_logits, targets):
            if len(target) < least:
                continue
            loss = loss + F.cross_entropy(logits, target)
            hits = hits + accuracy(logits, target) * len(target)
            total += len(target)
        loss = loss / len(match_logits) * (pos_weight if pos_weight > 0 else 1)
        return dict(loss_match=loss, match_acc=hits / max(total, 1))
