"""Whether an exported network finds what the detector finds."""
import copy
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmdet.core.post_processing import merge_aug_masks
from mmdet.engine.export.exported import ExportedTracker
from mmdet.engine.export.network import Found

# As of the golden files: pixels, probabilities; embeddings as a share of the largest number.
LIMITS = dict(boxes=0.02, scores=1e-3, probs=1e-3, embeddings=1e-3, masks=1e-3)


class Difference(NamedTuple):
    """Of one frame.

    Attributes:
        expected, got: numbers of detections.
        same_labels: as many detections, each with its label.
        largest: field of :class:`Found` to the largest difference, embeddings as a share;
            empty without ``same_labels``.
    """
    expected: int
    got: int
    same_labels: bool
    largest: dict[str, float]

    @property
    def fits(self) -> bool:
        """Within :data:`LIMITS`."""
        return self.same_labels and all(
            value <= LIMITS[name] for name, value in self.largest.items())


@torch.no_grad()
def detector_finds(detector: nn.Module, img: Tensor, img_meta: dict) -> Found:
    """What PyTorch finds in a frame, with this repository's code and operators."""
    views = detector.views(img, img_meta)
    dets = detector.detect_boxes(views)
    boxes = views[0].to_network(dets.boxes)
    masks = boxes.new_zeros(len(dets), 0, 0)
    if detector.mask_head is not None:
        masks = merge_aug_masks([stage.predict_masks(views[0].feats, boxes, dets.labels)
                                 for stage in detector.stages], [img_meta] * len(detector.stages))
    return Found(dets.boxes, dets.scores, dets.labels, dets.probs,
                 detector.embed_views(views, dets.boxes), masks, dets.finite)


def compare(detector: nn.Module, exported: ExportedTracker,
            frames: Iterable[tuple[Tensor, dict]]) -> list[Difference]:
    """A difference per frame.

    Args:
        detector: on the CPU, not prepared for inference.
        exported: of the same weights.
        frames: network input (1, 3, H, W) and ``img_meta``.

    Raises:
        ValueError: a frame is of another size than was exported.
    """
    detector = copy.deepcopy(detector).eval()
    return [difference(detector_finds(detector, *frame), exported.find(*frame))
            for frame in frames]


def difference(want: Found, got: Found) -> Difference:
    """The largest differences between two lists of detections."""
    same = want.labels.shape == got.labels.shape and bool((want.labels == got.labels).all())
    largest = {name: _largest(getattr(want, name), getattr(got, name)) for name in LIMITS
               } if same else {}
    if largest and len(want.embeddings):
        largest['embeddings'] /= max(float(want.embeddings.abs().max()), 1e-12)
    return Difference(len(want.labels), len(got.labels), same, largest)


def _largest(want: Tensor, got: Tensor) -> float:
    return float((want - got).abs().max()) if want.numel() else 0.
