"""From decoded frames to network input: the only place that normalises and pads."""
from typing import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mmdet.utils.errors import BadType


class FramePreprocessor:
    """Normalise, stack and pad frames on whatever device they lie.

    Args:
        mean: three channel means, in the order of the network's channels.
        std: three channel deviations.
        to_rgb: frames come as BGR and the network wants RGB.
        size_divisor: the padded height and width are multiples of it.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float],
                 to_rgb: bool = True, size_divisor: int | None = 32) -> None:
        self.mean = torch.tensor(mean, dtype=torch.float32).view(3, 1, 1)
        self.std = torch.tensor(std, dtype=torch.float32).view(3, 1, 1)
        self._sent: dict[torch.device, tuple[Tensor, Tensor]] = {}
        self.to_rgb = to_rgb
        self.size_divisor = size_divisor or 1

    def __call__(self, frames: Sequence[Tensor]) -> Tensor:
        """Turn N frames into one batch.

        Args:
            frames: N uint8 tensors (h, w, 3), or float32 after augmentation, all on one
                device; sizes may differ.

        Returns:
            (N, 3, H, W) float32: H and W are the largest h and w rounded up to
            ``size_divisor``; the padding, right and below, is 0.

        Raises:
            TypeError: a frame is neither uint8 nor float32 (h, w, 3).
        """
        for frame in frames:
            if (frame.dtype not in (torch.uint8, torch.float32) or frame.dim() != 3
                    or frame.shape[2] != 3):
                raise BadType('expected uint8 or float32 frames (h, w, 3), got '
                                f'{frame.dtype} {tuple(frame.shape)}')
        height = self._round_up(max(frame.shape[0] for frame in frames))
        width = self._round_up(max(frame.shape[1] for frame in frames))
        batch = [self._normalize(frame) for frame in frames]
        return torch.stack([
            F.pad(x, (0, width - x.shape[2], 0, height - x.shape[1])) for x in batch])

    def _normalize(self, frame: Tensor) -> Tensor:
        x = frame.permute(2, 0, 1).float()
        if self.to_rgb:
            x = x.flip(0)
        mean, std = self._constants(x.device)
        return (x - mean) / std

    def _constants(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Mean and deviation on a device, sent there once."""
        if device not in self._sent:
            self._sent[device] = self.mean.to(device), self.std.to(device)
        return self._sent[device]

    def _round_up(self, size: int) -> int:
        return -(-size // self.size_divisor) * self.size_divisor
