"""What torch says when the machine fails a run, in one sentence each."""
import torch
import torch.distributed as dist

from mmdet.utils.errors import UserError


class OutOfMemory(UserError, RuntimeError):
    """The GPU's memory is full."""


class WorkerDied(UserError, RuntimeError):
    """The system killed a process that loads data."""


class PeerLost(UserError, RuntimeError):
    """Another process of the run ended or cannot be reached."""


def explain(error: BaseException) -> BaseException:
    """The error itself, or what it means for the user."""
    text = str(error)
    if isinstance(error, torch.OutOfMemoryError):
        return OutOfMemory('the GPU\'s memory is full; lower data.imgs_per_gpu, compute in half '
                           'precision (--amp) or again (model.backbone.with_cp=True)')
    if isinstance(error, (ConnectionResetError, EOFError)) or (
            isinstance(error, RuntimeError) and 'DataLoader worker' in text and 'pid' in text):
        return WorkerDied('a data worker was killed, mostly because memory ran out; lower '
                          'data.workers_per_gpu')
    if is_lost_peer(error):
        return PeerLost('another process of the run ended or cannot be reached; what it said '
                        'stands above')
    return error


def is_lost_peer(error: BaseException) -> bool:
    """Whether a collective failed because of another process."""
    if not isinstance(error, RuntimeError) or not dist.is_initialized():
        return False
    text = str(error)
    return isinstance(error, dist.DistError) or any(
        word in text for word in ('gloo', 'NCCL', 'Connection closed', 'Connection reset'))
