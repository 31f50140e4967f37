"""One sentence for every wrong argument of an operator: what was expected, what came."""
from collections.abc import Sequence

from torch import Tensor
from torch.nn.modules.utils import _pair


def _is_tensor(op: str, name: str, value: object) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f'{op}: {name} must be a tensor, got {type(value).__name__}')


def features(op: str, value: Tensor, name: str = 'features') -> None:
    """(N, C, H, W), floating point, H and W not 0."""
    _is_tensor(op, name, value)
    if value.dim() != 4 or 0 in value.shape[2:]:
        raise ValueError(f'{op}: {name} must be (N, C, H, W) with pixels, got {tuple(value.shape)}')
    if not value.is_floating_point():
        raise TypeError(f'{op}: {name} must be floating point, got {value.dtype}')


def pyramid(op: str, feats: Sequence[Tensor], scales: Sequence[float]) -> None:
    """Levels agree in images, channels, dtype and device; one scale each."""
    if not feats or len(feats) != len(scales):
        raise ValueError(f'{op}: expected one spatial scale per level and at least one level, '
                         f'got {len(feats)} levels and {len(scales)} scales')
    for number, feat in enumerate(feats):
        features(op, feat, f'feats[{number}]')
        same_place(op, f'feats[{number}]', feat, 'feats[0]', feats[0])
        if feat.shape[:2] != feats[0].shape[:2] or feat.dtype != feats[0].dtype:
            raise ValueError(
                f'{op}: all levels must share N, C and dtype, got {tuple(feat.shape)} '
                f'{feat.dtype} at level {number} and {tuple(feats[0].shape)} {feats[0].dtype} at 0')


def rois(op: str, value: Tensor, feats: Tensor) -> None:
    """(R, 5) floating point on the device of the features."""
    _is_tensor(op, 'rois', value)
    if value.dim() != 2 or value.shape[1] != 5:
        raise ValueError(f'{op}: rois must be (R, 5) rows of image index, x1, y1, x2, y2, '
                         f'got {tuple(value.shape)}')
    if not value.is_floating_point():
        raise TypeError(f'{op}: rois must be floating point, got {value.dtype}')
    same_place(op, 'rois', value, 'features', feats)


def same_place(op: str, name: str, value: Tensor, other_name: str, other: Tensor) -> None:
    """Two tensors live on one device."""
    if value.device != other.device:
        raise ValueError(f'{op}: {name} and {other_name} must be on one device, '
                         f'got {value.device} and {other.device}')


def index(op: str, name: str, value: Tensor, per_row_of: Tensor) -> None:
    """(n,) int64, one entry a row of another tensor."""
    _is_tensor(op, name, value)
    if value.shape != per_row_of.shape[:1]:
        raise ValueError(f'{op}: {name} must be ({len(per_row_of)},), got {tuple(value.shape)}')
    if value.is_floating_point() or value.is_complex():
        raise TypeError(f'{op}: {name} must be integers, got {value.dtype}')
    same_place(op, name, value, 'the boxes', per_row_of)


def boxes(op: str, value: Tensor, columns: int) -> None:
    """(n, columns) floating point."""
    _is_tensor(op, 'boxes', value)
    if value.dim() != 2 or value.shape[1] != columns:
        raise ValueError(f'{op}: expected boxes (n, {columns}), got {tuple(value.shape)}')
    if not value.is_floating_point():
        raise TypeError(f'{op}: boxes must be floating point, got {value.dtype}')


def scores(op: str, value: Tensor, per_row_of: Tensor) -> None:
    """(n,) floating point, one a box."""
    _is_tensor(op, 'scores', value)
    if value.shape != per_row_of.shape[:1]:
        raise ValueError(f'{op}: scores must be ({len(per_row_of)},), got {tuple(value.shape)}')
    if not value.is_floating_point():
        raise TypeError(f'{op}: scores must be floating point, got {value.dtype}')
    same_place(op, 'scores', value, 'boxes', per_row_of)


def out_size(op: str, value: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width), both positive."""
    size = tuple(int(v) for v in _pair(value))
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f'{op}: out_size must be one or two positive numbers, got {value}')
    return size
