"""A GPU in pretence: tensors in host memory that report another device.

Everything that fails on a GPU because of where data lies fails here too: operations on tensors
of two devices, conversion to NumPy, reading host memory. Everything that makes the host wait for
the device is counted with the line that asked for it. What a kernel computes is the CPU's answer.

How: a wrapper subclass runs each operation on the host tensor inside; a function mode serves
what never reaches a dispatcher (factories, ``.to``, ``tolist``). PyTorch needs a registered
backend for the name (device guards, autograd's queue); since 2.10 it makes one from Python.
"""
import contextlib
import functools
import inspect
import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import backend_registration
from torch.utils._pytree import tree_flatten, tree_map

NAME = 'pretend'
MMDET = str(Path(__file__).parents[1] / 'mmdet')
aten = torch.ops.aten


def missing() -> str | None:
    """Why this PyTorch cannot pretend; None if it can."""
    if hasattr(backend_registration, '_setup_privateuseone_for_python_backend'):
        return None
    return f'torch {torch.__version__} cannot register a device from Python; a newer one can'


class _Backend(backend_registration._DummyBackendModule if missing() is None else object):
    """What ``torch.pretend`` answers."""

    @staticmethod
    def get_amp_supported_dtype() -> list[torch.dtype]:
        return [torch.bfloat16, torch.float16]

    @staticmethod
    def get_rng_state(device: Any = None) -> torch.Tensor:
        return torch.get_rng_state()  # it draws from the host's generator

    @staticmethod
    def set_rng_state(state: torch.Tensor, device: Any = None) -> None:
        torch.set_rng_state(state)


@functools.cache
def register() -> tuple[torch.library.Library, ...]:
    """Make the name known; once a process, and it stays."""
    backend_registration._setup_privateuseone_for_python_backend(NAME, backend_module=_Backend())
    return _autocast()


# What autocast does to an operation, as for CPU tensors.
_LOWER = ('conv1d', 'conv2d', 'conv3d', 'conv_transpose2d.input', 'bmm', 'mm', 'linear', 'addmm',
          'baddbmm', 'matmul')
_FLOAT = ('binary_cross_entropy_with_logits', 'cross_entropy_loss', 'nll_loss', 'smooth_l1_loss')


def _autocast() -> tuple[torch.library.Library, ...]:
    """PyTorch leaves the autocast of a backend to the backend."""
    others = torch.library.Library('_', 'IMPL', 'AutocastPrivateUse1')
    others.fallback(torch.library.fallthrough_kernel)
    library = torch.library.Library('aten', 'IMPL', 'AutocastPrivateUse1')
    for full in _LOWER + _FLOAT:
        name, _, overload = full.partition('.')
        op = getattr(getattr(aten, name), overload or 'default')
        library.impl(full, functools.partial(_cast_and_run, op, full in _LOWER))
    return library, others


def _cast_and_run(op: Any, lower: bool, *args: Any, **kwargs: Any) -> Any:
    dtype = torch.get_autocast_dtype(NAME) if lower else torch.float32

    def cast(x: Any) -> Any:
        return x.to(dtype) if isinstance(x, PretendTensor) and x.is_floating_point() else x

    key = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)
    with torch._C._ExcludeDispatchKeyGuard(key):
        return op(*tree_map(cast, args), **tree_map(cast, kwargs))


class Sync(NamedTuple):
    """The host waited for the device.

    Attributes:
        kind: ``'to host'``, ``'to device'`` (pageable memory) or ``'size'`` (of a result).
        what: the operation.
        where: file and line of ours that asked.
    """
    kind: str
    what: str
    where: str


class PretendTensor(torch.Tensor):
    """A tensor on the pretended device; ``host`` holds its values."""
    waits: list[Sync] = []

    @staticmethod
    def __new__(cls, host: torch.Tensor) -> 'PretendTensor':
        self = torch.Tensor._make_wrapper_subclass(
            cls, host.shape, strides=host.stride(), storage_offset=host.storage_offset(),
            dtype=host.dtype, device=torch.device(NAME, 0))
        self.host = host
        return self

    def __reduce_ex__(self, protocol: int) -> Any:
        return self.host.__reduce_ex__(protocol)  # saved as what it holds

    def __repr__(self, **kwargs: Any) -> str:
        return f'PretendTensor({self.host})'

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: tuple = (),
                           kwargs: dict | None = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (aten._to_copy.default, aten.copy_.default):
            return _copy(func, args, kwargs)
        _refuse_mixture(func, args, kwargs)
        _count(func, args)
        if kwargs.get('device') is not None:
            kwargs['device'] = torch.device('cpu')
        out = func(*tree_map(_inside, args), **tree_map(_inside, kwargs))
        return _wrapped(func, args, kwargs, out)


def _inside(value: Any) -> Any:
    return value.host if isinstance(value, PretendTensor) else value


def _tensors(*trees: Any) -> list[torch.Tensor]:
    return [x for x in tree_flatten(trees)[0] if isinstance(x, torch.Tensor)]


def _refuse_mixture(func: Any, args: tuple, kwargs: dict) -> None:
    """As CUDA: a host tensor beside one of the device is an error unless it is one number."""
    for tensor in _tensors(args, kwargs):
        if not isinstance(tensor, PretendTensor) and tensor.dim() > 0:
            if func in (aten.index.Tensor, aten.index_put_.default, aten.index_put.default):
                _say('to device', f'{func} with an index on the host')
                continue
            raise RuntimeError(f'Expected all tensors to be on the same device, but found {NAME}:0 '
                               f'and {tensor.device} in {func}')


# Results whose size depends on values: the host has to ask.
_SIZED = {aten.nonzero.default, aten.masked_select.default, aten._unique2.default,
          aten.unique_dim.default, aten.unique_consecutive.default, aten.bincount.default,
          aten.repeat_interleave.Tensor}
_READ = {aten._local_scalar_dense.default, aten.equal.default, aten.is_nonzero.default}


def _count(func: Any, args: tuple) -> None:
    if func in _READ:
        _say('to host', str(func))
    elif func is aten.repeat_interleave.Tensor and len(args) == 1:
        _say('size', str(func))
    elif func in _SIZED and func is not aten.repeat_interleave.Tensor:
        _say('size', str(func))
    elif func is aten.index.Tensor or func in (aten.index_put_.default, aten.index_put.default):
        masks = [i for i in args[1] if i is not None and i.dtype in (torch.bool, torch.uint8)]
        number = func is not aten.index.Tensor and args[2].numel() == 1  # a masked fill
        if masks and not number:
            _say('size', f'{func} with a mask')
    elif str(func).startswith('mmdet.nms'):
        _say('size', str(func))


def _say(kind: str, what: str) -> None:
    frames = [f for f in traceback.extract_stack() if f.filename not in (__file__, '<string>')
              and os.sep + 'torch' + os.sep not in f.filename]
    here = frames[-1]
    where = f'{here.filename.removeprefix(MMDET + os.sep)}:{here.lineno} {here.name}'
    PretendTensor.waits.append(Sync(kind, what, where))


def _copy(func: Any, args: tuple, kwargs: dict) -> Any:
    """Copies between host and device, and conversions that stay where they are."""
    if func is aten.copy_.default:
        target, source = args[:2]
        there, here = isinstance(target, PretendTensor), isinstance(source, PretendTensor)
        if there != here and source.numel() > 0 and (here or source.dim() > 0):
            _say('to host' if here else 'to device', str(func))
        _inside(target).copy_(_inside(source))
        return target
    device = kwargs.pop('device', None)
    kwargs.pop('non_blocking', None)
    out = func(args[0].host, **kwargs)
    if device is None or torch.device(device).type == NAME:
        return PretendTensor(out)
    _say('to host', str(func))
    return out.clone() if out is args[0].host else out


def _wrapped(func: Any, args: tuple, kwargs: dict, out: Any) -> Any:
    """Results on the device; an operation in place gives back what it was given."""
    given = {id(t.host): t for t in _tensors(args, kwargs) if isinstance(t, PretendTensor)}

    def wrap(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        return given.get(id(value)) if id(value) in given else PretendTensor(value)

    return tree_map(wrap, out)


# Functions that make a tensor from nothing, and those that read or copy Python values.
_FACTORIES = {torch.arange, torch.empty, torch.empty_like, torch.empty_strided, torch.eye,
              torch.full, torch.full_like, torch.linspace, torch.ones, torch.ones_like,
              torch.rand, torch.rand_like, torch.randint, torch.randn, torch.randn_like,
              torch.randperm, torch.zeros, torch.zeros_like, torch.scalar_tensor}
_FROM_VALUES = {torch.tensor, torch.as_tensor, torch.asarray}


def _is_here(device: Any) -> bool:
    return device is not None and not isinstance(device, int) and torch.device(device).type == NAME


def _asked_device(args: tuple, kwargs: dict) -> Any:
    """The device in the arguments of ``Tensor.to``."""
    if 'device' in kwargs:
        return kwargs['device']
    first = args[1] if len(args) > 1 else None
    if isinstance(first, (str, torch.device)):
        return first
    return first.device if isinstance(first, torch.Tensor) else None


class PretendMode(TorchFunctionMode):
    """Serves what would reach a backend without passing a wrapper."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (),
                           kwargs: dict | None = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in _FACTORIES and _is_here(kwargs.get('device')):
            return self._make(func, args, kwargs)
        if func in _FROM_VALUES and _is_here(kwargs.get('device')):
            return self._from_values(func, args, kwargs)
        handler = _HANDLERS.get(func)
        if handler is not None:
            done = handler(func, args, kwargs)
            if done is not NotImplemented:
                return done
        return func(*args, **kwargs)

    @staticmethod
    def _make(func: Any, args: tuple, kwargs: dict) -> torch.Tensor:
        kwargs['device'] = 'cpu'
        wanted = kwargs.pop('requires_grad', False)
        with torch._C.DisableTorchFunction():
            return PretendTensor(func(*tree_map(_inside, args), **kwargs)).requires_grad_(wanted)

    @staticmethod
    def _from_values(func: Any, args: tuple, kwargs: dict) -> torch.Tensor:
        device = kwargs.pop('device')
        if isinstance(args[0], torch.Tensor) and func is not torch.tensor:
            moved = dict(kwargs, device=device)
            done = _to(torch.Tensor.to, args[:1], moved)
            return args[0].to(**moved) if done is NotImplemented else done
        with torch._C.DisableTorchFunction():
            host = func(*args, **kwargs)
        if host.numel():
            _say('to device', func.__name__)
        return PretendTensor(host)


def _to(func: Any, args: tuple, kwargs: dict) -> Any:
    """A host tensor goes to the device; pinned memory does so while the host works on."""
    if isinstance(args[0], PretendTensor) or not _is_here(_asked_device(args, kwargs)):
        return NotImplemented
    asynchronous = kwargs.get('non_blocking') or True in args[2:]
    blocking = not (asynchronous and getattr(args[0], 'pinned', False))
    if args[0].numel() and blocking:
        _say('to device', 'to')
    dtype = next((a for a in [*args[1:], kwargs.get('dtype')] if isinstance(a, torch.dtype)), None)
    if isinstance(args[1] if len(args) > 1 else None, torch.Tensor):
        dtype = args[1].dtype
    return _Upload.apply(args[0] if dtype is None else args[0].to(dtype))


class _Upload(torch.autograd.Function):
    """Host to device, differentiable like the real copy."""

    @staticmethod
    def forward(ctx: Any, host: torch.Tensor) -> torch.Tensor:
        return PretendTensor(host.detach().clone())

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        return grad.cpu()


def _tolist(func: Any, args: tuple, kwargs: dict) -> Any:
    if not isinstance(args[0], PretendTensor):
        return NotImplemented
    _say('to host', 'tolist')
    return args[0].host.tolist()


def _numpy(func: Any, args: tuple, kwargs: dict) -> Any:
    if not isinstance(args[0], PretendTensor):
        return NotImplemented
    raise TypeError(f"can't convert {NAME}:0 device type tensor to numpy. Use Tensor.cpu() to "
                    'copy the tensor to host memory first.')


def _data_ptr(func: Any, args: tuple, kwargs: dict) -> Any:
    if not isinstance(args[0], PretendTensor):
        return NotImplemented
    raise RuntimeError(f'the memory of a {NAME} tensor cannot be read from the host')


def _new_tensor(func: Any, args: tuple, kwargs: dict) -> Any:
    device = kwargs.pop('device', args[0].device)
    if not _is_here(device):
        return NotImplemented
    kwargs.setdefault('dtype', args[0].dtype)
    return PretendMode._from_values(torch.tensor, args[1:], dict(kwargs, device=device))


def _one_hot(func: Any, args: tuple, kwargs: dict) -> Any:
    """CUDA reads the largest class unless it is told."""
    if not isinstance(args[0], PretendTensor):
        return NotImplemented
    classes = args[1] if len(args) > 1 else kwargs.get('num_classes', -1)
    if classes == -1:
        _say('size', 'one_hot')
    return PretendTensor(torch.nn.functional.one_hot(args[0].host, classes))


def _where(func: Any, args: tuple, kwargs: dict) -> Any:
    """Numbers beside a condition travel as arguments of the kernel."""
    if not isinstance(args[0], PretendTensor) or len(args) != 3:
        return NotImplemented
    one, other = args[1:]
    like = one if isinstance(one, torch.Tensor) else other
    if not isinstance(like, torch.Tensor):
        return NotImplemented
    return func(args[0], *(
        x if isinstance(x, torch.Tensor) else torch.full_like(like, x, requires_grad=False).view(
            -1)[:1].view(()) if like.numel() else like for x in (one, other)))


def _index(func: Any, args: tuple, kwargs: dict) -> Any:
    """A list in square brackets becomes a tensor, on the host."""
    parts = args[1] if isinstance(args[1], tuple) else (args[1],)
    if not isinstance(args[0], PretendTensor) or not any(isinstance(p, list) for p in parts):
        return NotImplemented
    parts = tuple(torch.tensor(p) if isinstance(p, list) else p for p in parts)
    return func(args[0], parts, *args[2:])


def _pin(func: Any, args: tuple, kwargs: dict) -> Any:
    if isinstance(args[0], PretendTensor):
        raise RuntimeError('only host memory can be pinned')
    out = args[0].clone()
    out.pinned = True
    return out


def _is_pinned(func: Any, args: tuple, kwargs: dict) -> Any:
    return getattr(args[0], 'pinned', False)


def _batch_norm(func: Any, args: tuple, kwargs: dict) -> Any:
    """The composite chooses a backend by device; the native one does not."""
    given = _BATCH_NORM.bind(*args, **kwargs)
    given.apply_defaults()
    x, mean, var, weight, bias, training, momentum, eps = given.args
    if not isinstance(x, PretendTensor):
        return NotImplemented
    return torch.native_batch_norm(x, weight, bias, mean, var, training, momentum, eps)[0]


_BATCH_NORM = inspect.signature(torch.nn.functional.batch_norm)


_HANDLERS = {
    torch.Tensor.to: _to,
    torch.Tensor.tolist: _tolist,
    torch.Tensor.numpy: _numpy,
    torch.Tensor.__array__: _numpy,
    torch.Tensor.data_ptr: _data_ptr,
    torch.Tensor.new_tensor: _new_tensor,
    torch.nn.functional.one_hot: _one_hot,
    torch.Tensor.__getitem__: _index,
    torch.Tensor.__setitem__: _index,
    torch.where: _where,
    torch.Tensor.pin_memory: _pin,
    torch.Tensor.is_pinned: _is_pinned,
    torch.nn.functional.batch_norm: _batch_norm,
}


class Pretend:
    """What the fixture gives: the device and the waits since it was asked for."""

    def __init__(self) -> None:
        register()
        self.device = torch.device(NAME, 0)

    @property
    def syncs(self) -> list[Sync]:
        """Waits of the host so far."""
        return PretendTensor.waits

    @contextlib.contextmanager
    def counting(self) -> Iterator[list[Sync]]:
        """The waits inside the block; the list is filled as they happen."""
        PretendTensor.waits, before = [], PretendTensor.waits
        try:
            yield PretendTensor.waits
        finally:
            PretendTensor.waits = before

    def put(self, tree: Any) -> Any:
        """Copies of all tensors in a tree on the device; nothing is counted."""
        with self.counting():
            return tree_map(lambda x: x.to(self.device) if isinstance(x, torch.Tensor) else x, tree)

    def get(self, tree: Any) -> Any:
        """The same on the host."""
        return tree_map(_inside, tree)
