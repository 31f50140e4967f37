"""Time and memory of tracking in a frame, by the number of objects a video has shown so far.

    python tools/analysis/benchmark_memory.py configs/masktrack_rcnn_r50_fpn_1x_youtubevos.py

Only ids are given: no network runs, objects are random numbers. Every object is seen once; the
frames that are timed show the last ones again. Without max_age all are
remembered, with it those of the last frames. On a GPU the peak of a frame is printed too.
"""
import argparse
import pathlib
import statistics
import sys
import time

import torch
from torch import Tensor, nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.core.bbox import Detections  # noqa: E402
from mmdet.core.track import TrackMemory  # noqa: E402
from mmdet.engine.replay import build_tracker  # noqa: E402
from mmdet.evaluation.report import text_table  # noqa: E402
from mmdet.utils.cli import ConfigOptions, ToolParser, run_tool  # noqa: E402
from mmdet.utils.config import load_config  # noqa: E402
from mmdet.utils.errors import BadValue  # noqa: E402

WARM_UP = 5  # frames
HEAD = ('objects ever seen', 'max_age', 'remembered', 'ms per frame', 'MiB kept',
        'MiB on top, in a frame')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line.

    Raises:
        ValueError: a number is too small, or there is no such device.
    """
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('config', help='config file; it is Python and will be run')
    add('--objects', nargs='+', type=int, default=[100, 1000, 10000], metavar='N',
        help='objects ever seen')
    add('--max-age', type=int, default=30, metavar='FRAMES', help='of the second half of the rows')
    add('--detections', type=int, default=10, metavar='N', help='in every frame')
    add('--frames', type=int, default=20, metavar='N', help='that are timed; medians are printed')
    add('--device', default='cpu', help='cpu or cuda')
    add('--cfg-options', nargs='+', action=ConfigOptions, default={},
        metavar='KEY=VALUE', help='override the config, e.g. test_cfg.track.assigner=hungarian')
    args = parser.parse_args(argv)
    for name in ('detections', 'frames', 'max_age'):
        if getattr(args, name) < 1:
            raise BadValue(f'--{name.replace("_", "-")} {getattr(args, name)}: expected 1 or more')
    if min(args.objects) < args.detections:
        raise BadValue(f'--objects {min(args.objects)}: expected {args.detections} or more, the '
                       'detections of a frame')
    if args.device != 'cpu' and not torch.cuda.is_available():
        raise BadValue(f'--device {args.device}: there is no GPU that torch can use')
    return args


def made_up(count: int, embedding_size: int, device: torch.device) -> tuple[Detections, Tensor]:
    """Detections of a frame with masks, and their embeddings (count, embedding_size)."""
    corner = torch.rand(count, 2, device=device) * torch.tensor([1200., 600], device=device)
    boxes = torch.cat([corner, corner + 20 + 60 * torch.rand(count, 2, device=device)], dim=1)
    dets = Detections(
        boxes, torch.full((count, ), .9, device=device),
        torch.randint(0, 40, (count, ), device=device), torch.tensor(True, device=device),
        masks=torch.rand(count, 28, 28, device=device) < .7)
    return dets, torch.randn(count, embedding_size, device=device)


def remember(tracker: nn.Module, objects: int, detections: int, embedding_size: int,
             device: torch.device) -> tuple[TrackMemory, Detections, Tensor]:
    """The memory after so many objects, and the last of them as a frame.

    Where all are remembered, one update makes the memory of many.
    """
    tracking = tracker.tracking
    step = objects if tracking.max_age is None else detections
    memory, total = None, 0
    while total < objects:
        dets, embeddings = made_up(min(step, objects - total), embedding_size, device)
        if memory is None:
            state = tracking.embedding.empty(embeddings) if tracking.embedding else ()
            memory = TrackMemory.empty(embeddings, state, tracking.reads)
        ids = torch.arange(total, total + len(dets), device=device)
        total += len(dets)
        memory = tracker.without_old(memory.update(
            ids, dets.boxes, dets.labels, embeddings, num_objects=total, scores=dets.scores,
            blend=tracking.embedding, masks=dets.masks))
    last = torch.arange(max(len(dets) - detections, 0), len(dets), device=device)
    return memory, dets[last], embeddings[last]


def kept_bytes(memory: TrackMemory) -> int:
    """What is kept from frame to frame."""
    parts = [part for part in (*vars(memory).values(), *memory.state) if isinstance(part, Tensor)]
    return sum(part.numel() * part.element_size() for part in parts)


@torch.no_grad()
def timed(tracker: nn.Module, memory: TrackMemory, dets: Detections, embeddings: Tensor,
          frames: int) -> tuple[float, int]:
    """Median seconds of a frame that shows objects known already; peak bytes of it on a GPU."""
    on_gpu, objects, times, peak = embeddings.is_cuda, memory.total, [], 0
    for number in range(WARM_UP + frames):
        if on_gpu:
            torch.cuda.synchronize()
            before = torch.cuda.memory_allocated()
            torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        _, _, memory = tracker.associate(dets, embeddings, memory)
        if on_gpu:
            torch.cuda.synchronize()
            peak = torch.cuda.max_memory_allocated() - before
        if number >= WARM_UP:
            times.append(time.perf_counter() - start)
    assert memory.total == objects  # all were known again
    return statistics.median(times), peak


def row(args: argparse.Namespace, objects: int, max_age: int | None) -> list[str]:
    """The cells of :data:`HEAD`; the last one on a GPU only."""
    cfg = load_config(args.config, args.cfg_options)
    cfg.test_cfg.track = {**(cfg.test_cfg.get('track') or {}), 'max_age': max_age}
    tracker = build_tracker(cfg)
    memory, dets, embeddings = remember(
        tracker, objects, args.detections, cfg.model.track_head.get('fc_out_channels', 1024),
        torch.device(args.device))
    kept = len(memory), kept_bytes(memory)
    seconds, peak = timed(tracker, memory, dets, embeddings, args.frames)
    return [f'{objects}', 'none' if max_age is None else f'{max_age}', f'{kept[0]}',
            f'{1000 * seconds:.2f}', f'{kept[1] / 2**20:.1f}',
            *([f'{peak / 2**20:.1f}'] if embeddings.is_cuda else [])]


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    args = parse_args(argv)
    torch.manual_seed(0)
    rows = [row(args, objects, age) for age in (None, args.max_age) for objects in args.objects]
    print(text_table(f'{args.detections} detections per frame, {args.device}, '
                     f'{torch.get_num_threads()} threads', [HEAD[:len(rows[0])], *rows]))


if __name__ == '__main__':
    run_tool(main)
