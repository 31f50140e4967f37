"""RoI max pooling, one RoI at a time."""
import torch
from torch import Tensor

from mmdet.ops.pure.roi_align import check_range


def _edges(start: float, extent: float, bins: int, length: int) -> list[tuple[int, int]]:
    """First and past-the-last pixel of every bin along one axis."""
    size = extent / bins
    index = torch.arange(bins, dtype=start.dtype)
    low = torch.floor(index * size + start).clamp(0, length).long()
    high = torch.ceil((index + 1) * size + start).clamp(0, length).long()
    return list(zip(low.tolist(), high.tolist()))


def roi_pool(features: Tensor, rois: Tensor, out_size: tuple[int, int],
             spatial_scale: float) -> Tensor:
    """See ``mmdet.ops.roi_pool``; differentiable by autograd."""
    dtype = torch.float64 if features.dtype == torch.float64 else torch.float32
    channels, height, width = features.shape[1:]
    check_range('roi_pool: image index', rois[:, 0], len(features))
    boxes = rois.detach().to('cpu', dtype)
    pooled = []
    for image, x1, y1, x2, y2 in boxes.unbind(0) if len(boxes) else ():
        x1, y1 = x1 * spatial_scale, y1 * spatial_scale
        w, h = (x2 + 1) * spatial_scale - x1, (y2 + 1) * spatial_scale - y1
        inside = bool((w > 0) & (h > 0))
        rows = _edges(y1, h, out_size[0], height) if inside else [(0, 0)] * out_size[0]
        cols = _edges(x1, w, out_size[1], width) if inside else [(0, 0)] * out_size[1]
        plane = features[int(image)]
        pooled += [plane[:, a:b, c:d].flatten(1).max(1).values if a < b and c < d
                   else plane.new_zeros(channels) for a, b in rows for c, d in cols]
    if not pooled:
        return features.new_zeros(0, channels, *out_size) + 0 * features.sum()
    return torch.stack(pooled).view(len(rois), *out_size, channels).permute(0, 3, 1, 2).contiguous()
