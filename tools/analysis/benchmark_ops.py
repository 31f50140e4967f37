"""Time the operators beside torchvision's (and mmcv's where it has operators).

    python tools/analysis/benchmark_ops.py
    python tools/analysis/benchmark_ops.py --threads 1 2 --seconds 2 --only nms

Calls are interleaved and medians compared, so a busy machine disturbs both
alike. On a GPU the achieved bandwidth is printed beside that of a copy.
"""
import argparse
import importlib
import pathlib
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Callable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

import mmdet  # noqa: E402,F401  before torch: sets how its threads wait

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
import torchvision.ops as peer  # noqa: E402
from pycocotools import mask as coco_mask  # noqa: E402
from terminaltables import AsciiTable  # noqa: E402
from torch import Tensor  # noqa: E402

from mmdet import ops  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402

SCALE = 1 / 16


@dataclass
class Case:
    """One row: the calls to compare and what is asked of ours on the CPU."""
    name: str
    ours: Callable
    theirs: Callable
    target: float | None = None
    mmcv: Callable | None = None
    traffic: int = 0  # bytes read and written at least


def mmcv_ops():
    """mmcv's compiled operators, or None (mmcv-lite has none)."""
    try:
        return importlib.import_module('mmcv.ops')
    except ImportError:
        return None


def make_rois(num: int, images: int, device: str) -> Tensor:
    corner = torch.rand(num, 2) * torch.tensor([2000., 1200])
    size = torch.rand(num, 2) * 400 + 30
    image = torch.randint(0, images, (num, 1)).float()
    return torch.cat([image, corner, corner + size], 1).to(device)


def align_cases(device: str) -> list[Case]:
    """RoIAlign at the sizes of one frame, of a training batch and of the mask head."""
    cases = []
    for images, num, size in ((1, 200, 7), (8, 1024, 7), (1, 10, 14)):
        feats = torch.randn(images, 256, 96, 160, device=device)
        cases += _align_rows(feats, make_rois(num, images, device), size)
    return cases


def _align_rows(feats: Tensor, rois: Tensor, size: int) -> list[Case]:
    last = feats.contiguous(memory_format=torch.channels_last)
    name = f'{len(feats)}x256x96x160, {len(rois)} RoIs, {size}x{size}'
    with_grad = feats.clone().requires_grad_()
    last_grad = last.clone(memory_format=torch.channels_last).requires_grad_()
    out = ops.roi_align(with_grad, rois, size, SCALE, 2)
    out_last = ops.roi_align(last_grad, rois, size, SCALE, 2)
    out_peer = peer.roi_align(with_grad, rois, size, SCALE, 2)
    grad = torch.randn_like(out)
    traffic = 4 * (feats.numel() + out.numel())
    lib = mmcv_ops()

    def theirs():
        return peer.roi_align(feats, rois, size, SCALE, 2)

    def theirs_back():
        return torch.autograd.grad(out_peer, with_grad, grad, retain_graph=True)

    return [
        Case(f'RoIAlign forward {name}', lambda: ops.roi_align(feats, rois, size, SCALE, 2),
             theirs, 4, lib and (lambda: lib.roi_align(feats, rois, size, SCALE, 2)), traffic),
        Case(f'RoIAlign forward, channels-last {name}',
             lambda: ops.roi_align(last, rois, size, SCALE, 2), theirs, 6, traffic=traffic),
        Case(f'RoIAlign backward {name}',
             lambda: torch.autograd.grad(out, with_grad, grad, retain_graph=True), theirs_back, 6,
             traffic=traffic),
        Case(f'RoIAlign backward, channels-last {name}',
             lambda: torch.autograd.grad(out_last, last_grad, grad, retain_graph=True),
             theirs_back, 6, traffic=traffic)]


def pyramid_cases(device: str) -> list[Case]:
    """Four levels in one call against torchvision's module, level mapping included."""
    strides = (4, 8, 16, 32)
    feats = [torch.randn(2, 256, 384 // s, 640 // s, device=device) for s in strides]
    scales = [1 / s for s in strides]
    rois = make_rois(512, 2, device)
    rois[:, 1:] *= .25
    align = peer.MultiScaleRoIAlign(list('0123'), 7, 2)
    named = dict(zip('0123', feats))
    boxes = [rois[rois[:, 0] == i, 1:] for i in range(2)]

    def ours():
        area = (rois[:, 3] - rois[:, 1] + 1) * (rois[:, 4] - rois[:, 2] + 1)
        levels = torch.log2(area.sqrt() / 56 + 1e-6).floor().clamp(0, 3).long()
        return ops.multi_level_roi_align(feats, rois, levels, 7, scales, 2)

    traffic = 4 * (sum(f.numel() for f in feats) + 512 * 256 * 49)
    return [Case('RoIAlign 4 levels, 2 images 384x640, 512 RoIs', ours,
                 lambda: align(named, boxes, [(384, 640)] * 2), traffic=traffic)]


def nms_cases(device: str) -> list[Case]:
    """One class, and 41 classes with and without a limit on the kept boxes."""
    cases, lib = [], mmcv_ops()
    for num in (200, 1000, 2000, 10000):
        boxes, scores, labels, dets = _random_boxes(num, device)
        cases.append(Case(f'NMS {num} boxes', lambda d=dets: ops.nms(d, .5),
                          lambda b=boxes, s=scores: peer.nms(b, s, .5), 3 if num >= 1000 else None,
                          lib and (lambda b=boxes, s=scores: lib.nms(b, s, .5))))
    for num in (1000, 8000):
        boxes, scores, labels, dets = _random_boxes(num, device)
        args = boxes, scores, labels, .5
        cases.append(Case(f'batched NMS {num} boxes, 41 classes',
                          lambda a=args: ops.batched_nms(*a),
                          lambda a=args: peer.batched_nms(*a), 3))
        cases.append(Case(f'batched NMS {num} boxes, best 100',
                          lambda a=args: ops.batched_nms(*a, max_num=100),
                          lambda a=args: peer.batched_nms(*a)[:100], 3))
    return cases


def _random_boxes(num: int, device: str) -> tuple[Tensor, ...]:
    corner, size = torch.rand(num, 2) * 1000, torch.rand(num, 2) * 110 + 10
    boxes = torch.cat([corner, corner + size], 1).to(device)
    scores = torch.rand(num, device=device)
    labels = torch.randint(0, 41, (num,), device=device)
    return boxes, scores, labels, torch.cat([boxes, scores[:, None]], 1)


def pool_cases(device: str) -> list[Case]:
    feats, rois = torch.randn(1, 256, 96, 160, device=device), make_rois(200, 1, device)
    with_grad = feats.clone().requires_grad_()
    out, out_peer = (pool(with_grad, rois, 7, SCALE) for pool in (ops.roi_pool, peer.roi_pool))
    grad = torch.randn_like(out)
    name = '1x256x96x160, 200 RoIs'
    return [Case(f'RoIPool forward {name}', lambda: ops.roi_pool(feats, rois, 7, SCALE),
                 lambda: peer.roi_pool(feats, rois, 7, SCALE)),
            Case(f'RoIPool backward {name}',
                 lambda: torch.autograd.grad(out, with_grad, grad, retain_graph=True),
                 lambda: torch.autograd.grad(out_peer, with_grad, grad, retain_graph=True))]


def rle_cases(device: str) -> list[Case]:
    """Against the plain way: resize, threshold, paste, pycocotools."""
    rng = np.random.default_rng(0)
    noise = cv2.GaussianBlur(rng.random((28, 28), dtype=np.float32), (0, 0), 4)
    probs = np.stack([1 / (1 + np.exp(-60 * (noise - .5)))] * 10).astype(np.float32)
    cases = []
    for side in (100, 200, 400):
        corner = rng.uniform(0, 300, (10, 2))
        boxes = np.concatenate([corner, corner + side], 1).astype(np.float32)
        cases.append(Case(f'mask to RLE, 10 objects of {side}x{side} at 1280x720',
                          lambda b=boxes: ops.mask_to_rle(probs, b, 720, 1280),
                          lambda b=boxes: _paste_and_encode(probs, b, 720, 1280), 10))
    return cases


def _paste_and_encode(probs: np.ndarray, boxes: np.ndarray, height: int, width: int) -> list:
    rles = []
    for prob, (x1, y1, x2, y2) in zip(probs, boxes.astype(int)):
        canvas = np.zeros((height, width), np.uint8)
        mask = cv2.resize(prob, (int(x2 - x1 + 1), int(y2 - y1 + 1))) > .5
        canvas[y1:y2 + 1, x1:x2 + 1] = mask[:height - y1, :width - x1]
        rles.append(coco_mask.encode(np.asfortranarray(canvas)))
    return rles


def medians(calls: list[Callable], seconds: float, device: str) -> list[float]:
    """Median milliseconds of each call, interleaved, after one round to warm up."""
    wait = torch.cuda.synchronize if device == 'cuda' else (lambda: None)
    times, end = [[] for _ in calls], None
    while end is None or len(times[0]) < 3 or time.perf_counter() < end:
        for call, spent in zip(calls, times):
            wait()
            begin = time.perf_counter()
            call()
            wait()
            if end is not None:
                spent.append(time.perf_counter() - begin)
        end = end or time.perf_counter() + seconds
    return [1e3 * statistics.median(spent) for spent in times]


def bandwidth(case: Case, ms: float, copy: float) -> str:
    """GB/s and the share of a device copy's."""
    if not case.traffic:
        return ''
    rate = case.traffic / ms / 1e6
    return f'{rate:.0f} GB/s ({rate / copy:.0%} of a copy)'


def copy_rate(seconds: float, device: str = 'cuda') -> float:
    """GB/s of a device copy, reads and writes counted."""
    source = torch.empty(2**28, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2**29 / medians([lambda: target.copy_(source)], seconds, device)[0] / 1e6


def cpu_row(case: Case, threads: list[int], seconds: float) -> list[str]:
    print(case.name, file=sys.stderr, flush=True)
    row, ours_at = [case.name], []
    for number in threads:
        torch.set_num_threads(number)
        calls = [call for call in (case.ours, case.theirs, case.mmcv) if call]
        ours, theirs, *mmcv = medians(calls, seconds, 'cpu')
        ours_at.append(ours)
        row += [f'{ours:.2f}', f'{theirs:.2f}' + ''.join(f' / {ms:.2f}' for ms in mmcv),
                f'{theirs / ours:.1f}']
    return row + [f'{case.target:g}' if case.target else '', f'{ours_at[0] / ours_at[-1]:.2f}']


def gpu_row(case: Case, seconds: float, copy: float, device: str = 'cuda') -> list[str]:
    print(case.name, file=sys.stderr, flush=True)
    ours, theirs = medians([case.ours, case.theirs], seconds, device)
    return [case.name, f'{ours:.3f}', f'{theirs:.3f}', f'{theirs / ours:.1f}',
            bandwidth(case, ours, copy)]


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    parser.add_argument('--threads', type=int, nargs='+', default=[1, 2], help='of the CPU')
    parser.add_argument('--seconds', type=float, default=1., help='per row and thread count')
    parser.add_argument('--only', default='', help='rows whose name contains this')
    return parser.parse_args()


def main() -> None:
    """Measure and print, the CPU first."""
    args = parse_args()
    torch.manual_seed(0)
    header = ['operator']
    for number in args.threads:
        header += [f'ours, {number} thr (ms)', 'torchvision (ms)', 'times faster']
    rows = [header + ['at least', f'scaling 1 to {args.threads[-1]}']]
    makers = align_cases, pyramid_cases, pool_cases, nms_cases, rle_cases
    for make in makers:
        rows += [cpu_row(case, args.threads, args.seconds) for case in make('cpu')
                 if args.only in case.name]
    print(AsciiTable(rows, f' CPU, torch {torch.__version__} ').table)
    if torch.cuda.is_available():
        copy = copy_rate(args.seconds)
        rows = [['operator', 'ours (ms)', 'torchvision (ms)', 'times faster', 'bandwidth']]
        for make in makers[:-1]:
            rows += [gpu_row(case, args.seconds, copy) for case in make('cuda')
                     if args.only in case.name]
        print(AsciiTable(rows, f' {torch.cuda.get_device_name()}, copy {copy:.0f} GB/s ').table)


if __name__ == '__main__':
    run_tool(main)
