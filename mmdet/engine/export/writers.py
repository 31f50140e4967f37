"""Tracing a network and writing it down."""
import json
import os
import warnings
from collections.abc import Sequence

import torch
from torch import nn

from mmdet.datasets.transforms import View
from mmdet.engine.export.network import Found, Network
from mmdet.utils.errors import BadValue, MissingPackage
from mmdet.utils.fileio import write_bytes

FORMATS = dict(onnx='.onnx', torch='.pt2')  # and how their files end
INPUTS = ('image', 'scale_factor')


def write_network(detector: nn.Module, view: View, path: str | os.PathLike, kind: str,
                  classes: Sequence[str] | None = None) -> int:
    """Write the network of a tracking detector for frames of one size.

    Args:
        detector: with its weights; stays as it is.
        view: how frames are resized and padded.
        path: of the file.
        kind: ``'onnx'`` or ``'torch'``.
        classes: names by label, kept in the file.

    Returns:
        bytes written.

    Raises:
        TypeError, ValueError: no standard operators compute this detector, or nobody knows the
            format.
        ImportError: packages of the extra ``export`` are missing.
        OSError: the file cannot be written.
    """
    if kind not in FORMATS:
        raise BadValue(f'format "{kind}": expected {" or ".join(FORMATS)}')
    model_bytes = _writer(kind)
    network = Network(detector, view.img_shape)
    inputs = torch.zeros(1, 3, *view.pad_shape[:2]), torch.ones(4)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of the tracers, about themselves
        program = torch.export.export(network, inputs, strict=False)
        content = model_bytes(program, metadata(view, detector.num_classes, classes), INPUTS,
                              Found._fields)
    write_bytes(content, path)
    return len(content)


def _writer(kind: str):
    """What turns a traced network into bytes; imports what only it needs."""
    if kind == 'torch':
        from mmdet.engine.export.torch_file import model_bytes
        return model_bytes
    try:
        from mmdet.engine.export.onnx_file import model_bytes
    except ImportError as error:
        raise missing(error) from None
    return model_bytes


def missing(error: ImportError) -> MissingPackage:
    """The sentence about packages of the extra ``export``."""
    return MissingPackage('ONNX files need the packages onnx, onnxscript and onnxruntime: '
                          f'pip install onnx onnxscript onnxruntime ({error})')


def metadata(view: View, num_classes: int, classes: Sequence[str] | None) -> dict[str, str]:
    """What is written beside the network, each value as json."""
    return dict(img_shape=json.dumps(list(view.img_shape[:2])),
                pad_shape=json.dumps(list(view.pad_shape[:2])),
                num_classes=json.dumps(num_classes),
                classes=json.dumps(None if classes is None else list(classes)))
