"""Anchors on a regular grid."""
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.utils import _pair


class AnchorGenerator(nn.Module):
    """The anchors of one pyramid level; a module, so that they follow its owner to a device.

    Args:
        base_size: side of the square that scales and ratios act on, in pixels.
        scales: multiples of ``base_size``.
        ratios: height / width.
        scale_major: order anchors by ratio, then scale (as in 2019).
        ctr: centre (x, y) of the base anchors; the middle of the first
            ``base_size`` pixels, ``0.5 * (base_size - 1)``, by default.

    Attributes:
        base_anchors: (A, 4) float32 xyxy, the anchors of the first cell.
    """
    base_anchors: Tensor

    def __init__(self, base_size: int, scales: Sequence[float], ratios: Sequence[float],
                 scale_major: bool = True, ctr: tuple[float, float] | None = None) -> None:
        super().__init__()
        self.base_size = base_size
        self.scales = torch.tensor(scales, dtype=torch.float32)
        self.ratios = torch.tensor(ratios, dtype=torch.float32)
        self.scale_major = scale_major
        self.ctr = ctr
        self.register_buffer('base_anchors', self._base_anchors(), persistent=False)

    @property
    def num_base_anchors(self) -> int:
        """Anchors at every position of the grid."""
        return self.base_anchors.shape[0]

    def _base_anchors(self) -> Tensor:
        x_ctr, y_ctr = self.ctr or (0.5 * (self.base_size - 1),) * 2
        h_ratios = torch.sqrt(self.ratios)
        w_ratios = 1 / h_ratios
        if self.scale_major:
            ws = (self.base_size * w_ratios[:, None] * self.scales[None]).flatten()
            hs = (self.base_size * h_ratios[:, None] * self.scales[None]).flatten()
        else:
            ws = (self.base_size * self.scales[:, None] * w_ratios[None]).flatten()
            hs = (self.base_size * self.scales[:, None] * h_ratios[None]).flatten()
        return torch.stack([
            x_ctr - 0.5 * (ws - 1), y_ctr - 0.5 * (hs - 1),
            x_ctr + 0.5 * (ws - 1), y_ctr + 0.5 * (hs - 1)], dim=1).round()

    def grid_anchors(self, featmap_size: tuple[int, int],
                     stride: int | tuple[int, int]) -> Tensor:
        """All anchors of a feature map, row by row, the A anchors of a cell together.

        Args:
            featmap_size: (h, w) in cells.
            stride: pixels a cell, one number or (vertical, horizontal).

        Returns:
            (h * w * A, 4) float32 xyxy in network pixels.
        """
        h, w = featmap_size
        device = self.base_anchors.device
        down, right = _pair(stride)
        y = torch.arange(h, device=device, dtype=torch.float32) * down
        x = torch.arange(w, device=device, dtype=torch.float32) * right
        yy, xx = torch.meshgrid(y, x, indexing='ij')
        shifts = torch.stack([xx, yy, xx, yy], dim=-1).view(-1, 1, 4)
        return (shifts + self.base_anchors).view(-1, 4)

    def valid_flags(self, featmap_size: tuple[int, int],
                    valid_size: tuple[int, int]) -> Tensor:
        """Which grid anchors belong to cells inside the padded image.

        Args:
            featmap_size: (h, w) of the feature map.
            valid_size: (h, w) of the part that this image covers.

        Returns:
            (h * w * A,) bool.
        """
        h, w = featmap_size
        device = self.base_anchors.device
        rows = torch.arange(h, device=device) < valid_size[0]
        cols = torch.arange(w, device=device) < valid_size[1]
        cells = (rows[:, None] & cols[None]).view(-1, 1)
        return cells.expand(-1, self.num_base_anchors).reshape(-1)
