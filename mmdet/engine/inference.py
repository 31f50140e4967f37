"""A detector made ready to be used: the same numbers, or nearly, in less time."""
import copy
from typing import Any

import torch
from torch import Tensor, nn

from mmdet.models.fuse import FusedConv2d, can_fuse_relus, fold_norms, fuse_relus
from mmdet.utils import nearest
from mmdet.utils.errors import BadKey, BadValue
from mmdet.utils.logger import get_root_logger

DTYPES = dict(float16=torch.float16, bfloat16=torch.bfloat16)
HALF_LAYERS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, FusedConv2d)


def prepare_inference(detector: nn.Module, amp: bool | str = False,
                      compile: bool = False) -> nn.Module:
    """A copy of a detector that is faster and cannot be trained.

    Batch norms are folded into convolutions, on a CPU oneDNN applies the ReLU and the sum behind
    one, weights are laid out channels-last and take no gradient. Results differ by rounding only,
    unless ``amp`` is on. The detector given keeps its weights, its mode and its layout.

    Args:
        detector: any registered detector, on the device it will run on.
        amp: compute in half precision: ``'bfloat16'``, ``'float16'`` (GPU only), or True: float16
            on a GPU, bfloat16 on a CPU that has instructions for it; another one goes on in
            float32, which is faster there, and says so.
        compile: let Inductor compile backbone, neck and RPN, with the weights as constants.
            Takes a minute or so, once for every size of frame.

    Returns:
        the copy, in evaluation mode.

    Raises:
        KeyError: ``amp`` is no dtype known here.
        ValueError: float16 on a CPU.
    """
    device = next(detector.parameters()).device
    dtype = amp_dtype(amp, device)
    ready = copy.deepcopy(detector).eval()
    for module, method in _same_in_every_frame(ready):
        vars(module).pop(method, None)  # of one that was compiled
    fold_norms(ready)
    if device.type == 'cpu' and not compile and can_fuse_relus():  # Inductor does it itself
        fuse_relus(ready)
    lay_out(ready, dtype)
    if compile:
        _compile(ready)
    return ready


def amp_dtype(amp: bool | str, device: torch.device) -> torch.dtype | None:
    """The half precision that ``amp`` means on a device; None for float32."""
    on_cpu = device.type == 'cpu'
    if amp is True and on_cpu and not _has_bfloat16():
        get_root_logger().warning('amp: this CPU has no instructions for bfloat16, which would be '
                                  'slower than float32; computing in float32')
        return None
    if isinstance(amp, bool):
        return (torch.bfloat16 if on_cpu else torch.float16) if amp else None
    if amp not in DTYPES:
        raise BadKey(f'amp is True, False, "bfloat16" or "float16", got {amp!r}'
                     f'{nearest(str(amp), DTYPES)}')
    if on_cpu and amp == 'float16':
        raise BadValue('amp="float16" needs a GPU; on a CPU set True or "bfloat16"')
    return DTYPES[amp]


def _has_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 (AVX-512 BF16, AMX, Arm BF16)."""
    return any(has for name, has in torch.cpu.get_capabilities().items() if 'bf16' in name)


def lay_out(model: nn.Module, dtype: torch.dtype | None) -> None:
    """Lay weights out channels-last, without gradient, and cast those of plain layers, in place.

    With a ``dtype`` every module that has weights casts its input to theirs, so that parts of
    both kinds mix. Unlike under autocast nothing is cast that is no layer (boxes, scores,
    matching), and weights are cast once, not for every frame.
    """
    for module in model.modules():
        weights = list(module.named_parameters(recurse=False))
        for name, weight in weights:
            layout = torch.channels_last if weight.dim() == 4 else torch.preserve_format
            own = dtype if dtype and type(module) in HALF_LAYERS else weight.dtype
            setattr(module, name, nn.Parameter(
                weight.detach().to(own, memory_format=layout), requires_grad=False))
        if weights and dtype:
            module.register_forward_pre_hook(_cast_input)


def _cast_input(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
    dtype = next(module.parameters(recurse=False)).dtype
    return tuple(x.to(dtype) if isinstance(x, Tensor) and x.is_floating_point() else x
                 for x in args)


def _compile(detector: nn.Module) -> None:
    import torch._inductor.config as inductor  # takes a moment, and only this needs it

    # Weights become constants, packed as oneDNN or cuDNN like them. Dynamo asks the setting itself,
    # not the options of torch.compile, so it is on while these functions run and no longer.
    frozen = inductor.patch(freezing=True)
    for module, method in _same_in_every_frame(detector):
        setattr(module, method, frozen(torch.compile(getattr(module, method))))


def _same_in_every_frame(detector: nn.Module) -> list[tuple[nn.Module, str]]:
    """The methods to compile, with their modules: shapes are the same in every frame of a video."""
    rpn_head = getattr(detector, 'rpn_head', None)  # None in Fast R-CNN
    return [(detector, 'extract_feat'), *([(rpn_head, 'forward')] if rpn_head else [])]
