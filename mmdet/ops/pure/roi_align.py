"""RoIAlign as two matrix products: interpolation and averaging are linear per axis."""
import torch
from torch import Tensor

from mmdet.ops.precision import without_autocast

ROIS_AT_ONCE = 32  # bounds the intermediate of one product to C * H * 32 * out values


def axis_weights(start: Tensor, extent: Tensor, bins: int, sample_num: int,
                 length: int) -> Tensor:
    """How much every pixel of one axis counts in every bin.

    Args:
        start: (R,) first coordinate of the RoIs in feature pixels.
        extent: (R,) their size, not negative.
        bins: output size along this axis.
        sample_num: points a bin; 0 takes ``ceil(extent / bins)``.
        length: feature size along this axis.

    Returns:
        (R, bins, length): bilinear weights averaged over the points of a bin;
        points beyond one pixel outside, and NaN, count as zero.
    """
    bin_size = extent / bins
    if sample_num > 0:
        count = torch.full_like(start, sample_num)
    else:
        count = torch.ceil(bin_size).nan_to_num(0, 0, 0)
    step = bin_size / count
    corner = torch.arange(bins, device=start.device) * bin_size[:, None] + start[:, None]
    most = int(count.max()) if start.numel() else 0
    sample = torch.arange(most if sample_num else min(most, 2 * length + 8), device=start.device)
    sample = sample.expand(len(start), bins, -1)  # (R, bins, most)
    if most > sample.shape[2]:  # of a huge box, only the points that can lie inside
        first = torch.floor((-1 - corner) / step[:, None]).nan_to_num(0, 0, 0) - 1
        sample = sample + first.clamp(min=0)[:, :, None]
    pos = corner[:, :, None] + (sample + 0.5) * step[:, None, None]
    valid = (pos >= -1) & (pos <= length) & (sample < count[:, None, None])
    pos = pos.nan_to_num(0).clamp(0, length - 1)
    low = pos.long().clamp(max=max(length - 2, 0))
    frac = pos - low
    share = valid / count[:, None, None].clamp(min=1)
    weights = start.new_zeros(len(start), bins, length)
    weights.scatter_add_(2, low, (1 - frac) * share)
    return weights.scatter_add_(2, (low + 1).clamp(max=length - 1), frac * share)


def check_range(what: str, values: Tensor, end: int) -> None:
    """Refuse an image index or level that does not exist, NaN included."""
    wrong = values[~((values >= 0) & (values < end))]
    if len(wrong):
        raise ValueError(f'{what} of a RoI is {wrong[0].item():g}, expected [0, {end})')


def roi_align(features: Tensor, rois: Tensor, out_size: tuple[int, int],
              spatial_scale: float, sample_num: int) -> Tensor:
    """See ``mmdet.ops.roi_align``; differentiable by autograd."""
    with without_autocast(features):  # as the compiled one computes
        return _roi_align(features, rois, out_size, spatial_scale, sample_num)


def _roi_align(features: Tensor, rois: Tensor, out_size: tuple[int, int], spatial_scale: float,
               sample_num: int) -> Tensor:
    dtype = torch.float64 if features.dtype == torch.float64 else torch.float32
    num, channels, height, width = features.shape
    check_range('roi_align: image index', rois[:, 0], num)
    out = features.new_zeros(len(rois), channels, *out_size, dtype=dtype)
    boxes = rois[:, 1:].detach().to(dtype)
    x1, y1, x2, y2 = (boxes + boxes.new_tensor([0, 0, 1, 1])).mul(spatial_scale).unbind(1)
    rows = axis_weights(y1, (y2 - y1).clamp(min=0), out_size[0], sample_num, height)
    cols = axis_weights(x1, (x2 - x1).clamp(min=0), out_size[1], sample_num, width)
    for image in range(num):
        mine = (rois[:, 0] == image).nonzero()[:, 0]
        for part in mine.split(ROIS_AT_ONCE) if len(mine) else ():
            plane = torch.einsum('chw,rqw->rchq', features[image].to(dtype), cols[part])
            pooled = torch.einsum('rph,rchq->rcpq', rows[part], plane)
            out = out.index_copy(0, part, pooled)
    return out.to(features.dtype)


def multi_level_roi_align(feats: tuple[Tensor, ...], rois: Tensor, levels: Tensor,
                          out_size: tuple[int, int], spatial_scales: tuple[float, ...],
                          sample_num: int) -> Tensor:
    """See ``mmdet.ops.multi_level_roi_align``."""
    check_range('roi_align: level', levels, len(feats))
    out = feats[0].new_zeros(len(rois), feats[0].shape[1], *out_size)
    for level, (feat, scale) in enumerate(zip(feats, spatial_scales)):
        mine = (levels == level).nonzero()[:, 0]
        if len(mine):
            pooled = roi_align(feat, rois[mine], out_size, scale, sample_num)
            out = out.index_copy(0, mine, pooled)
    return out
