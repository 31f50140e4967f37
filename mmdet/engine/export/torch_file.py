"""A network as a ``torch.export`` archive of PyTorch's and torchvision's operators alone."""
import io
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.nn import functional as F
from torchvision.ops import nms as torchvision_nms
from torchvision.ops import roi_align as torchvision_roi_align


def lower(program: ExportedProgram) -> ExportedProgram:
    """Replace this repository's operators."""
    return program.run_decompositions({
        torch.ops.mmdet.roi_align.default: roi_align,
        torch.ops.mmdet.nms_mask.default: nms_mask})


def model_bytes(program: ExportedProgram, metadata: dict[str, str], names: Sequence[str],
                outputs: Sequence[str]) -> bytes:
    """The content of a file; ``torch.export.load`` reads it where torchvision was imported.

    Args:
        program: a traced network; its own names of what goes in and comes out stay.
        metadata: goes into the file, a text file each.
        names, outputs: not needed, as in the other formats.
    """
    buffer = io.BytesIO()
    torch.export.save(lower(program), buffer, extra_files=dict(metadata))
    return buffer.getvalue()


def roi_align(feats: list[Tensor], rois: Tensor, levels: Tensor | None, out_height: int,
              out_width: int, scales: list[float], sample_num: int) -> Tensor:
    """``mmdet::roi_align``: every region from every level, of which one is chosen.

    torchvision's takes off half a pixel where it does not force a width of 1, so half a pixel
    is added in the pixels of the features.
    """
    pooled = None
    for level, (feat, scale) in enumerate(zip(feats, scales)):
        start, end = rois[:, 1:3] * scale, (rois[:, 3:] + 1) * scale
        moved = torch.cat([rois[:, :1], start + 0.5, torch.maximum(start, end) + 0.5], dim=1)
        out = torchvision_roi_align(feat, moved, (out_height, out_width), 1., sample_num or -1,
                                    aligned=True)
        if pooled is None:
            pooled = out
        else:
            pooled = torch.where((levels == level)[:, None, None, None], out, pooled)
    return pooled


def nms_mask(boxes: Tensor, scores: Tensor, iou_thr: float, score_thr: float,
             max_num: int) -> Tensor:
    """``mmdet::nms_mask`` in one suppression: rows lie far apart, in float64 without rounding.

    torchvision tells tracers that two boxes or more survive; two that lie alone see to it.
    """
    num_rows, num = scores.shape
    wide = torch.cat([boxes[..., :2].double(), boxes[..., 2:].double() + 1], dim=2)
    span = wide.abs().amax() * 2 + 1
    row = torch.arange(num_rows, device=boxes.device)
    apart = (wide + (row * span)[:, None, None]).flatten(0, 1)
    alone = torch.arange(2, device=boxes.device)[:, None] - 3 + wide.new_zeros(2, 4)
    left = (scores > score_thr).flatten().nonzero().squeeze(1)
    left = torch.cat([left, torch.arange(2, device=boxes.device) + num_rows * num])
    apart = torch.cat([apart, alone * span])
    flat = F.pad(scores.flatten().double(), (0, 2))
    keep = left[torchvision_nms(apart[left], flat[left], iou_thr)]
    mask = torch.zeros_like(flat, dtype=torch.bool).scatter(0, keep, True)
    mask = mask[:-2].view(num_rows, num)
    if max_num >= num:
        return mask
    kept = torch.where(mask, scores, -torch.inf)
    order = kept.sort(dim=1, descending=True, stable=True)[1]
    return mask & torch.zeros_like(mask).scatter(1, order[:, :max_num], True)
