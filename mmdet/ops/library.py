"""Loads the compiled operators and tells PyTorch how they differentiate and trace.

The C++ library registers schemas and kernels per device and needs no Python
headers; autograd and fake kernels (shapes for ``torch.compile``) are here.
"""
import json
import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

FOLDER = Path(__file__).parent
_said: set[str] = set()


def say_once(text: str) -> None:
    """Warn through the package's logger, each sentence once a process."""
    if text not in _said:
        _said.add(text)
        logging.getLogger('mmdet').warning(text)


def _load(name: str) -> str | None:
    """Load ``name`` if it was built for this torch; else say why not."""
    path, stamp = FOLDER / f'lib{name}.so', FOLDER / f'lib{name}.json'
    if not path.exists():
        return 'was not built'
    built = json.loads(stamp.read_text())['torch'] if stamp.exists() else 'unknown'
    if built != torch.__version__:
        return f'was built for torch {built}, this is {torch.__version__}'
    try:
        torch.ops.load_library(str(path))
    except OSError as error:
        return f'does not load ({error})'
    return None


_cpu_problem = _load('mmdet_cpu')
_cuda_problem = 'needs the CPU library' if _cpu_problem else (
    _load('mmdet_cuda') if torch.version.cuda else 'needs a torch with CUDA')


def compiled(*tensors: Tensor) -> bool:
    """Whether the compiled operators can take these tensors; says once if not."""
    device = tensors[0].device.type
    problem = {'cpu': _cpu_problem, 'cuda': _cuda_problem}.get(device)
    if device not in ('cpu', 'cuda') and _cpu_problem is None:
        return device == 'meta'
    if problem:
        say_once(f'mmdet.ops: the compiled library for {device} {problem}; using the slower '
                 'PyTorch path (run "bash compile.sh" to build it)')
    return problem is None


def _roi_align_fake(feats, rois, levels, out_height, out_width, scales, sample_num) -> Tensor:
    return feats[0].new_empty(rois.shape[0], feats[0].shape[1], out_height, out_width)


def _roi_align_backward_fake(grad, rois, levels, num_images, sizes, scales, sample_num,
                             channels_last) -> list[Tensor]:
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return [torch.empty((num_images, grad.shape[1], sizes[2 * i], sizes[2 * i + 1]),
                        dtype=grad.dtype, device=grad.device, memory_format=layout)
            for i in range(len(scales))]


def is_channels_last(feat: Tensor) -> bool:
    """Whether gradients should be laid out channels-last, as the features are."""
    return not feat.is_contiguous() and feat.is_contiguous(memory_format=torch.channels_last)


def _roi_align_setup(ctx: Any, inputs: tuple, output: Tensor) -> None:
    feats, rois, levels, _, _, ctx.scales, ctx.sample_num = inputs
    ctx.save_for_backward(rois, levels)
    ctx.num_images = feats[0].shape[0]
    ctx.sizes = [side for feat in feats for side in feat.shape[2:]]
    ctx.channels_last = is_channels_last(feats[0])


def _roi_align_vjp(ctx: Any, grad: Tensor) -> tuple:
    rois, levels = ctx.saved_tensors
    grads = torch.ops.mmdet.roi_align_backward(
        grad, rois, levels, ctx.num_images, ctx.sizes, ctx.scales, ctx.sample_num,
        ctx.channels_last)
    return grads, None, None, None, None, None, None


def _roi_pool_fake(features, rois, out_height, out_width, scale) -> tuple[Tensor, Tensor]:
    out = features.new_empty(rois.shape[0], features.shape[1], out_height, out_width)
    return out, torch.empty_like(out, dtype=torch.int64)


def _roi_pool_backward_fake(grad, argmax, rois, num_images, height, width) -> Tensor:
    return grad.new_empty(num_images, grad.shape[1], height, width)


def _roi_pool_setup(ctx: Any, inputs: tuple, output: tuple[Tensor, Tensor]) -> None:
    features, rois = inputs[:2]
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(output[1], rois)
    ctx.num_images, _, ctx.height, ctx.width = features.shape


def _roi_pool_vjp(ctx: Any, grad: Tensor, _: Any) -> tuple:
    argmax, rois = ctx.saved_tensors
    grad = torch.ops.mmdet.roi_pool_backward(grad, argmax, rois, ctx.num_images, ctx.height,
                                             ctx.width)
    return grad, None, None, None, None


def _nms_fake(boxes, scores, labels, iou_thr, max_num) -> Tensor:
    return boxes.new_empty(torch.library.get_ctx().new_dynamic_size(), dtype=torch.int64)


def _paste_rle_fake(patch, left, top, height, width, threshold) -> Tensor:
    return patch.new_empty(torch.library.get_ctx().new_dynamic_size(), dtype=torch.uint8)


def _register() -> None:
    fakes = dict(roi_align=_roi_align_fake, roi_align_backward=_roi_align_backward_fake,
                 roi_pool=_roi_pool_fake, roi_pool_backward=_roi_pool_backward_fake,
                 nms=_nms_fake, paste_rle=_paste_rle_fake)
    for name, fake in fakes.items():
        torch.library.register_fake(f'mmdet::{name}', fake)
    torch.library.register_autograd('mmdet::roi_align', _roi_align_vjp,
                                    setup_context=_roi_align_setup)
    torch.library.register_autograd('mmdet::roi_pool', _roi_pool_vjp,
                                    setup_context=_roi_pool_setup)


if _cpu_problem is None:
    _register()
