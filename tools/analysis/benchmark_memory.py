#!/usr/bin/env python
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

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mmdet.utils.cli import ConfigOptions, ToolParser, run_tool  # noqa: E402  (no torch yet)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
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
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    import torch

    from mmdet.core.bbox import Detections
    from mmdet.core.track import TrackMemory
    from mmdet.engine.replay import build_tracker
    from mmdet.evaluation.report import text_table
    from mmdet.utils.config import load_config
    from mmdet.utils.errors import BadValue

    for name in ('detections', 'frames', 'max_age'):
        if getattr(args, name) < 1:
            raise BadValue(f'--{name.replace("_", "-")} {getattr(args, name)}: expected 1 or more')
    if min(args.objects) < args.detections:
        raise BadValue(f'--objects {min(args.objects)}: expected {args.detections} or more, the '
                       'detections of a frame')
    if args.device != 'cpu' and not torch.cuda.is_available():
        raise BadValue(f'--device {args.device}: there is no GPU that torch can use')
    device = torch.device(args.device)

    def frame(count, embedding_size):
        corner = torch.rand(count, 2, device=device) * torch.tensor([1200., 600], device=device)
        boxes = torch.cat([corner, corner + 20 + 60 * torch.rand(count, 2, device=device)], dim=1)
        dets = Detections(
            boxes, torch.full((count, ), .9, device=device),
            torch.randint(0, 40, (count, ), device=device), torch.tensor(True, device=device),
            masks=torch.rand(count, 28, 28, device=device) < .7)
        return dets, torch.randn(count, embedding_size, device=device)

    def remember(tracker, count, embedding_size):
        """The memory after so many objects, and the last of them as a frame.

        Where all are remembered, one update makes the memory of many.
        """
        blend, memory = tracker.tracking.embedding, None
        step = count if tracker.tracking.max_age is None else args.detections
        while memory is None or memory.total < count:
            left = count - (memory.total if memory else 0)
            dets, embeddings = frame(min(step, left), embedding_size)
            if memory is None:
                memory = TrackMemory.empty(embeddings, blend.empty(embeddings) if blend else (),
                                           tracker.tracking.reads)
            total = memory.total + len(dets)
            ids = torch.arange(memory.total, total, device=device)
            memory = tracker.without_old(memory.update(
                ids, dets.boxes, dets.labels, embeddings, num_objects=total, scores=dets.scores,
                blend=blend, masks=dets.masks))
        last = torch.arange(max(len(dets) - args.detections, 0), len(dets), device=device)
        return memory, dets[last], embeddings[last]

    def kept_bytes(memory):
        parts = [part for part in (*vars(memory).values(), *memory.state)
                 if isinstance(part, torch.Tensor)]
        return sum(part.numel() * part.element_size() for part in parts)

    @torch.no_grad()
    def row(objects, max_age):
        cfg = load_config(args.config, args.cfg_options)
        cfg.test_cfg.track = {**(cfg.test_cfg.get('track') or {}), 'max_age': max_age}
        tracker = build_tracker(cfg)
        memory, dets, embeddings = remember(tracker, objects,
                                            cfg.model.track_head.get('fc_out_channels', 1024))
        remembered, times = len(memory), []
        for number in range(args.frames + 5):
            if device.type == 'cuda':
                torch.cuda.synchronize()
                before = torch.cuda.memory_allocated()
                torch.cuda.reset_peak_memory_stats()
            start = time.perf_counter()
            _, _, memory = tracker.associate(dets, embeddings, memory)
            if device.type == 'cuda':
                torch.cuda.synchronize()
            if number >= 5:
                times.append(time.perf_counter() - start)
        assert memory.total == objects  # all were known again
        peak = (torch.cuda.max_memory_allocated() - before) / 2**20 if device.type == 'cuda' else 0
        return [f'{objects}', 'none' if max_age is None else f'{max_age}', f'{remembered}',
                f'{1000 * statistics.median(times):.2f}', f'{kept_bytes(memory) / 2**20:.1f}',
                *([f'{peak:.1f}'] if peak else [])]

    torch.manual_seed(0)
    rows = [row(objects, age) for age in (None, args.max_age) for objects in args.objects]
    head = ['objects ever seen', 'max_age', 'remembered', 'ms per frame', 'MiB kept',
            'MiB on top, in a frame'][:len(rows[0])]
    print(text_table(f'{args.detections} detections per frame, {args.device}, '
                     f'{torch.get_num_threads()} threads', [head, *rows]))


if __name__ == '__main__':
    run_tool(main)
