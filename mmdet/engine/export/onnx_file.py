"""A network as ONNX: this repository's operators as ``RoiAlign`` and ``NonMaxSuppression``."""
from collections.abc import Sequence

import torch
from onnxscript import BOOL, FLOAT, INT64
from onnxscript import opset18 as op
from torch.export import ExportedProgram

OPSET = 18


def model_bytes(program: ExportedProgram, metadata: dict[str, str], names: Sequence[str],
                outputs: Sequence[str]) -> bytes:
    """The content of a file, weights included.

    Args:
        program: a traced network.
        metadata: goes into the file.
        names, outputs: of what goes in and comes out.
    """
    written = torch.onnx.export(
        program, dynamo=True, opset_version=OPSET, verbose=False, input_names=list(names),
        output_names=list(outputs), custom_translation_table={
            torch.ops.mmdet.roi_align.default: roi_align,
            torch.ops.mmdet.nms_mask.default: nms_mask,
            torch.ops.aten.sort.stable: stable_sort})
    written.model.metadata_props.update(metadata)
    return written.model_proto.SerializeToString()


def roi_align(feats: Sequence[FLOAT], rois: FLOAT, levels: INT64 | None, out_height: int,
              out_width: int, spatial_scales: Sequence[float], sample_num: int) -> FLOAT:
    """``mmdet::roi_align``: each level pools its regions.

    ``half_pixel`` is the mode that does not force a width of 1; it takes off half a pixel, which
    is added before, in the pixels of the features.
    """
    num, channels = op.Shape(rois, start=0, end=1), op.Shape(feats[0], start=1, end=2)
    out = op.Expand(floats(0.), op.Concat(num, channels, ints(out_height, out_width), axis=0))
    if levels is None:  # there is one
        levels = op.Expand(ints(0), num)
    corner, far = op.Slice(rois, [1], [3], [1]), op.Slice(rois, [3], [5], [1])
    for level, (feat, scale) in enumerate(zip(feats, spatial_scales)):
        start = op.Mul(corner, floats(scale))
        end = op.Max(start, op.Mul(op.Add(far, floats(1.)), floats(scale)))
        boxes = op.Add(op.Concat(start, end, axis=1), floats(0.5))
        mine = op.Transpose(op.NonZero(op.Equal(levels, ints(level))))
        rows = op.Squeeze(mine, [1])
        pooled = op.RoiAlign(
            feat, op.Gather(boxes, rows), op.Mul(rows, ints(0)),
            coordinate_transformation_mode='half_pixel', mode='avg', output_height=out_height,
            output_width=out_width, sampling_ratio=sample_num, spatial_scale=1.)
        out = op.ScatterND(out, mine, pooled)
    return out


def floats(*values: float) -> FLOAT:
    """A constant (n,)."""
    return op.Constant(value_floats=list(values))


def ints(*values: int) -> INT64:
    """A constant (n,)."""
    return op.Constant(value_ints=list(values))


def nms_mask(boxes: FLOAT, scores: FLOAT, iou_thr: float, score_thr: float,
             max_num: int) -> BOOL:
    """``mmdet::nms_mask``: rows are images to ``NonMaxSuppression``; x and y may change places."""
    ends = op.Add(boxes, floats(0., 0., 1., 1.))
    chosen = op.NonMaxSuppression(
        ends, op.Unsqueeze(scores, [1]), ints(max_num),
        floats(iou_thr), floats(score_thr))
    places = op.Gather(chosen, ints(0, 2), axis=1)
    ones = op.Expand(floats(1.), op.Shape(chosen, start=0, end=1))
    zeros = op.Mul(op.Cast(op.IsNaN(scores), to=FLOAT.dtype), floats(0.))
    return op.Cast(op.ScatterND(zeros, places, ones), to=BOOL.dtype)


def stable_sort(self: FLOAT, stable: bool = False, dim: int = -1,
                descending: bool = False) -> tuple[FLOAT, INT64]:
    """``aten::sort.stable``, which PyTorch does not translate: ``TopK`` keeps equals in order."""
    length = op.Gather(op.Shape(self), ints(dim))
    return op.TopK(self, length, axis=dim, largest=int(descending), sorted=1)
