"""How long does a training step take, where, and how does it compare with torchvision?

    python tools/analysis/benchmark_train.py configs/masktrack_rcnn_r50_fpn_1x_youtubevos.py

Trains on pairs of frames of made-up JPEG videos and prints the median time of
every stage of a step: waiting for data, forward, backward, update. In the same
run, step by step in turn, torchvision's maskrcnn_resnet50_fpn trains on the key
frames alone, that is on half the frames, with its own numbers of proposals and
samples and with ours; stem and first stage are frozen in both. Then it times
the reading of frames, which is what a data worker does.
"""
import argparse
import copy
import pathlib
import sys
import tempfile
import time
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
from mmengine.config import Config, DictAction  # noqa: E402
from terminaltables import AsciiTable  # noqa: E402

import mmdet  # noqa: E402,F401  before torch: sets how its threads wait
from mmdet.curation.shapes import ShapesSpec, make_shapes  # noqa: E402
from mmdet.datasets import build_dataloader, build_dataset  # noqa: E402
from mmdet.engine import classic  # noqa: E402
from mmdet.engine.environment import set_threads  # noqa: E402
from mmdet.engine.trainer import to_device, total_loss  # noqa: E402
from mmdet.engine.updater import Updater  # noqa: E402
from mmdet.models import build_detector  # noqa: E402
from mmdet.utils import load_config  # noqa: E402
from mmdet.utils.cli import ConfigOptions, ToolParser, run_tool, width_x_height  # noqa: E402

STAGES = ('data', 'forward', 'backward', 'update')


def make_dataset(cfg: Config, folder: str, args: argparse.Namespace):
    """Videos of moving shapes as the training set of the config."""
    spec = ShapesSpec(train_videos=4, val_videos=0, length=8, size=args.video_size, objects=4)
    make_shapes(f'{folder}/shapes', spec)
    train = copy.deepcopy(cfg.data.train)
    train.update(ann_file=f'{folder}/shapes/annotations/instances_train.json',
                 img_prefix=f'{folder}/shapes/train/JPEGImages')
    if args.size:
        train['img_scale'] = args.size
    return build_dataset(train)


def endless(loader) -> Iterator[dict]:
    """Batches of one epoch after the other."""
    epoch = 0
    while True:
        loader.sampler.set_epoch(epoch)
        yield from loader
        epoch += 1


class Clock:
    """Seconds a stage; ``tick`` ends one."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.spent, self.last = device, {}, 0.

    def now(self) -> float:
        if self.device.type == 'cuda':
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def start(self) -> None:
        self.spent, self.last = {}, self.now()

    def tick(self, stage: str) -> None:
        now = self.now()
        self.spent[stage] = now - self.last
        self.last = now


class Ours:
    """Training steps of a config."""

    def __init__(self, cfg: Config, dataset, device: torch.device) -> None:
        model_cfg = dict(cfg.model, pretrained=None)
        model = build_detector(model_cfg, train_cfg=cfg.train_cfg, test_cfg=cfg.test_cfg)
        self.model = classic.prepare_model(cfg, model.to(device)).train()
        self.updater = classic.updater(cfg, self.model, device)
        self.format = (torch.channels_last if cfg.get('channels_last')
                       else torch.contiguous_format)
        self.preprocess = dataset.preprocessor()
        self.device, self.clock = device, Clock(device)

    def __call__(self, batch: dict) -> None:
        batch = to_device(batch, self.device)
        frames = {key: self.preprocess(batch.pop(key)).contiguous(memory_format=self.format)
                  for key in ('img', 'ref_img') if key in batch}
        with self.updater.forward_context(self.model):
            losses = self.model(**frames, **batch, return_loss=True)
        total, _ = total_loss(losses)
        self.clock.tick('forward')
        self.updater.backward(total)
        self.clock.tick('backward')
        self.updater.step()
        self.clock.tick('update')


class Peer:
    """torchvision's Mask R-CNN on the key frames."""

    def __init__(self, ours: Ours, cfg: Config, shape: tuple, numbers_as_here: bool) -> None:
        numbers = {}
        if numbers_as_here:
            proposals = cfg.test_cfg.rpn.max_num
            numbers = dict(rpn_pre_nms_top_n_train=cfg.test_cfg.rpn.nms_pre,
                           rpn_post_nms_top_n_train=proposals,
                           rpn_batch_size_per_image=cfg.train_cfg.rpn.sampler.num,
                           box_batch_size_per_image=cfg.train_cfg.rcnn.sampler.num)
        model = torchvision.models.detection.maskrcnn_resnet50_fpn(
            weights=None, weights_backbone=None, min_size=min(shape), max_size=max(shape),
            num_classes=ours.model.bbox_head.num_classes, **numbers)
        for name, parameter in model.backbone.body.named_parameters():
            if 'bn' in name or name.startswith(('conv1', 'layer1')):
                parameter.requires_grad_(False)
        self.model = model.to(ours.device).train()
        model.backbone.body.eval()
        parameters = [p for p in model.parameters() if p.requires_grad]
        self.updater = Updater(torch.optim.SGD(parameters, lr=1e-4, momentum=.9),
                               device_type=ours.device.type, dtype=ours.updater.dtype)
        self.clock, self.device = Clock(ours.device), ours.device

    def __call__(self, batch: dict) -> None:
        batch = to_device(batch, self.device)
        images = [x.permute(2, 0, 1).flip(0).float().div(255) for x in batch['img']]
        targets = [
            dict(boxes=boxes + boxes.new_tensor([0, 0, 1, 1]), labels=labels,
                 masks=masks[:, :image.shape[1], :image.shape[2]])
            for boxes, labels, masks, image in zip(
                batch['gt_bboxes'], batch['gt_labels'], batch['gt_masks'], images)]
        with self.updater.forward_context(self.model):
            losses = self.model(images, targets)
        total = sum(losses.values())
        self.clock.tick('forward')
        self.updater.backward(total)
        self.clock.tick('backward')
        self.updater.step()
        self.clock.tick('update')


def measure(runs: dict, loader, warmup: int, steps: int) -> dict[str, list[dict]]:
    """Stage times of ``steps`` steps of each run, in turn on the same batches."""
    laps = {name: [] for name in runs}
    batches = endless(loader)
    for step in range(warmup + steps):
        begin = time.perf_counter()
        batch = next(batches)
        data = time.perf_counter() - begin
        for name, run in runs.items():
            run.clock.start()
            run(dict(batch))
            if step >= warmup:
                laps[name].append({'data': data, **run.clock.spent})
    return laps


def read_speed(dataset, count: int) -> float:
    """Frames a second that one process reads, resizes and flips."""
    begin = time.perf_counter()
    frames = sum(1 + ('ref_img' in dataset[i % len(dataset)]) for i in range(count))
    return frames / (time.perf_counter() - begin)


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    parser.add_argument('config')
    parser.add_argument('--pairs', type=int, default=2, help='pairs of frames a step')
    parser.add_argument('--size', type=width_x_height, metavar='WxH',
                        help='of the network input (default: the config)')
    parser.add_argument('--steps', type=int, default=10, help='steps measured')
    parser.add_argument('--warmup', type=int, default=2, help='steps before')
    parser.add_argument('--workers', type=int, default=0, help='data workers')
    parser.add_argument('--video-size', type=width_x_height, default='1280x720', metavar='WxH',
                        help='of the JPEG videos')
    parser.add_argument('--threads', type=int, help='CPU threads (default: as in training)')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu',
                        help='where it runs')
    parser.add_argument('--tf32', action='store_true', help='TF32 products (GPU)')
    parser.add_argument('--no-peer', action='store_true', help='do not run torchvision')
    parser.add_argument('--variants', nargs='+', default=[], metavar='KEY=VALUE',
                        help='options of the config to run beside it, each alone')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE',
                        help='e.g. fp16.dtype=bfloat16 channels_last=True compile=True')
    return parser.parse_args()


def table(laps: dict[str, list[dict]]) -> str:
    """Median milliseconds a stage, and the ratio to ours without the data."""
    totals = {name: np.median([sum(lap.values()) - lap['data'] for lap in all_laps])
              for name, all_laps in laps.items()}
    rows = [['stage, ms', *laps]]
    for stage in STAGES:
        rows.append([stage] + [f'{1000 * np.median([lap[stage] for lap in all_laps]):.0f}'
                               for all_laps in laps.values()])
    rows.append(['step without data'] + [f'{1000 * t:.0f}' for t in totals.values()])
    rows.append(['our step / this step'] + [f'{totals["ours"] / t:.2f}' for t in totals.values()])
    return AsciiTable(rows).table


def main() -> None:
    """Measure and print."""
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    set_threads(args.workers, args.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = args.tf32
    device = torch.device(args.device)
    with tempfile.TemporaryDirectory() as folder:
        dataset = make_dataset(cfg, folder, args)
        loader = build_dataloader(dataset, args.pairs, args.workers, dist=False, seed=0)
        shape = dataset[0]['img_meta']['img_shape'][:2]
        runs = {'ours': Ours(cfg, dataset, device)}
        for variant in args.variants:
            key, _, value = variant.partition('=')
            changed = load_config(args.config, {
                **(args.cfg_options or {}), key: DictAction._parse_iterable(value)})
            runs[variant] = Ours(changed, dataset, device)
        if not args.no_peer:
            runs['torchvision'] = Peer(runs['ours'], cfg, shape, False)
            runs['torchvision, our numbers'] = Peer(runs['ours'], cfg, shape, True)
        laps = measure(runs, loader, args.warmup, args.steps)
        speed = read_speed(dataset, 2 * len(dataset))
    width, height = args.video_size
    print(f'{args.config}: {args.pairs} pairs a step at {shape[1]}x{shape[0]} from JPEG '
          f'{width}x{height}, {device}, {torch.get_num_threads()} threads, torch '
          f'{torch.__version__}, medians of {args.steps} steps')
    print(table(laps))
    ours = laps['ours']
    waits = sum(lap['data'] for lap in ours) / sum(sum(lap.values()) for lap in ours)
    print(f'our steps wait for data {waits:.1%} of the time with {args.workers} workers; one '
          f'process reads {speed:.0f} frames a second')
    if device.type == 'cuda':
        print('peak GPU memory of all of them: '
              f'{torch.cuda.max_memory_allocated() / 2**20:.0f} MiB; measure one with --no-peer')


if __name__ == '__main__':
    run_tool(main)
