"""One page to paste into a report: does this GPU compute what the CPU does, and how fast?

    python tools/analysis/gpu_check.py

Compares every compiled operator and the losses of a training step of the tracker with the
CPU's, times a frame and a step and says how much memory they take, and how close RoIAlign
comes to the bandwidth of the memory. Data are made up, weights are random; it takes a few
minutes. Exit status 1: there is no GPU, or something differs.
"""
import argparse
import contextlib
import math
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

import mmdet  # noqa: E402  before torch: sets how its threads wait

import benchmark  # noqa: E402
import benchmark_ops  # noqa: E402
import benchmark_train  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from terminaltables import AsciiTable  # noqa: E402
from torch import Tensor  # noqa: E402

from mmdet import ops  # noqa: E402
from mmdet.datasets import build_dataloader  # noqa: E402
from mmdet.engine.trainer import to_device, total_loss  # noqa: E402
from mmdet.models import build_detector  # noqa: E402
from mmdet.ops import library  # noqa: E402
from mmdet.utils import load_config  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool, width_x_height  # noqa: E402

CONFIG = pathlib.Path(__file__).parents[2] / 'configs/masktrack_rcnn_r50_fpn_1x_youtubevos.py'
CPU = torch.device('cpu')
# Sums in another order; 16-bit results may round to the neighbour. Values are about 1, sums
# of gradients up to 10.
LIMITS = {torch.float64: 1e-10, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: .2}
LOSS_LIMIT = 1e-3  # relative: float32 convolutions; a proposal may win or lose by a hair
FRAMES, STEPS, WARMUP = 20, 10, 5


class Compared(NamedTuple):
    """What was compared with the CPU, how far it is off and how far it may be."""
    name: str
    difference: float
    limit: float

    @property
    def fine(self) -> bool:
        return self.difference <= self.limit


@contextlib.contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """Inside, operators may have to give the same bits every time."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(wanted)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def farthest(got: list[Tensor], wanted: list[Tensor]) -> float:
    """Largest absolute difference; infinite where one is NaN."""
    pairs = [(a.detach().cpu().double(), b.detach().double()) for a, b in zip(got, wanted)]
    return max((a - b).abs().nan_to_num(math.inf).max().item() for a, b in pairs)


def compare_align(device: torch.device, dtype: torch.dtype) -> list[Compared]:
    """Two levels, two images, fixed and adaptive grids, both layouts."""
    rois = benchmark_ops.make_rois(200, 2, 'cpu') * torch.tensor([1, .2, .2, .2, .2])
    levels = torch.randint(0, 2, (200,))
    worst = {'forward': 0., 'backward': 0., 'backward, deterministic': 0.}
    for layout in (torch.contiguous_format, torch.channels_last):
        maps = [torch.randn(2, 40, side, side + 9).to(dtype).contiguous(memory_format=layout)
                for side in (64, 32)]
        for sample_num in (0, 2):
            wanted = align(CPU, maps, rois, levels, sample_num)
            got = align(device, maps, rois, levels, sample_num)
            with deterministic(True):
                ordered = align(device, maps, rois, levels, sample_num)
            for name, mine, right in (('forward', got[:1], wanted[:1]),
                                      ('backward', got[1:], wanted[1:]),
                                      ('backward, deterministic', ordered[1:], wanted[1:])):
                worst[name] = max(worst[name], farthest(mine, right))
    return [Compared(f'RoIAlign {name}, {short(dtype)}', value, LIMITS[dtype])
            for name, value in worst.items()]


def align(device: torch.device, maps: list[Tensor], rois: Tensor, levels: Tensor,
          sample_num: int) -> list[Tensor]:
    """Output and gradients of the maps."""
    maps = [one.to(device).requires_grad_() for one in maps]
    out = ops.multi_level_roi_align(maps, rois.to(device), levels.to(device), 7, (.25, .125),
                                    sample_num)
    # The same gradient on every device: made on the CPU.
    grad = torch.linspace(-1, 1, out.numel()).view(out.shape).to(out.dtype)
    return [out, *torch.autograd.grad(out, maps, grad.to(device))]


def compare_pool(device: torch.device, dtype: torch.dtype) -> list[Compared]:
    """The maximum itself is equal; its gradients are sums."""
    rois = benchmark_ops.make_rois(200, 2, 'cpu') * torch.tensor([1, .2, .2, .2, .2])
    feats = torch.randn(2, 40, 64, 73).to(dtype)

    def run(where: torch.device) -> list[Tensor]:
        there = feats.to(where).requires_grad_()
        out = ops.roi_pool(there, rois.to(where), 7, .25)
        grad = torch.linspace(-1, 1, out.numel()).view(out.shape).to(out.dtype)
        return [out, *torch.autograd.grad(out, there, grad.to(where))]

    wanted, got = run(CPU), run(device)
    with deterministic(True):
        ordered = run(device)
    return [Compared(f'RoIPool forward, {short(dtype)}', farthest(got[:1], wanted[:1]), 0),
            Compared(f'RoIPool backward, {short(dtype)}', farthest(got[1:], wanted[1:]),
                     LIMITS[dtype]),
            Compared(f'RoIPool backward, deterministic, {short(dtype)}',
                     farthest(ordered[1:], wanted[1:]), 0)]


def compare_nms(device: torch.device, num: int) -> list[Compared]:
    """How many indices differ: none may."""
    corner = torch.rand(num, 2) * 30 * num ** .5
    boxes = torch.cat([corner, corner + torch.rand(num, 2) * 60], 1)
    scores, labels = torch.rand(num).mul(500).round() / 500, torch.randint(0, 5, (num,))

    def differ(max_num: int, *args: Tensor) -> float:
        wanted = ops.batched_nms(*args, .5, max_num)
        got = ops.batched_nms(*(one.to(device) for one in args), .5, max_num).cpu()
        return float(len(set(got.tolist()) ^ set(wanted.tolist()))
                     or not torch.equal(got, wanted))

    return [Compared(f'NMS, {num} boxes', differ(-1, boxes, scores, labels * 0), 0),
            Compared(f'NMS, {num} boxes of 5 classes, best 100',
                     differ(100, boxes, scores, labels), 0)]


def compare_operators(device: torch.device) -> list[Compared]:
    """Every compiled operator that has a kernel for a GPU."""
    torch.manual_seed(0)
    rows = []
    for dtype in LIMITS:
        rows += compare_align(device, dtype) + compare_pool(device, dtype)
    for num in (100, 1000, 4097, 20000):
        rows += compare_nms(device, num)
    return rows


def short(dtype: torch.dtype) -> str:
    """``float32``, without the name of the library."""
    return str(dtype).removeprefix('torch.')


def without_chance(config: str) -> Config:
    """The config, taking all samples: draws on two devices differ."""
    cfg = load_config(config)
    cfg.train_cfg.rpn.sampler.num = cfg.train_cfg.rcnn.sampler.num = 10**6
    return cfg


def training_step(cfg: Config, dataset, batch: dict, device: torch.device) -> dict[str, float]:
    """Losses and the norm of the gradient of one step from the same random weights."""
    torch.manual_seed(0)
    model = build_detector(dict(cfg.model, pretrained=None), train_cfg=cfg.train_cfg,
                           test_cfg=cfg.test_cfg).to(device).train()
    batch = to_device(dict(batch), device)
    preprocess = dataset.preprocessor()
    frames = {key: preprocess(batch.pop(key)) for key in ('img', 'ref_img') if key in batch}
    losses = model(**frames, **batch, return_loss=True)
    total_loss(losses)[0].backward()
    squares = [p.grad.square().sum() for p in model.parameters() if p.grad is not None]
    return {**{name: float(value.detach()) for name, value in losses.items() if 'loss' in name},
            'gradient norm': float(torch.stack(squares).sum().sqrt())}


def compare_training(config: str, device: torch.device, size: tuple[int, int]) -> list[Compared]:
    """The losses of a step, relative to the CPU's; call it with TF32 off."""
    cfg = without_chance(config)
    with tempfile.TemporaryDirectory() as folder:
        dataset = training_set(cfg, folder, size)
        loader = build_dataloader(dataset, 2, 0, dist=False, seed=0)
        batch = next(benchmark_train.endless(loader))
        wanted = training_step(cfg, dataset, batch, CPU)
        got = training_step(cfg, dataset, batch, device)
    return [Compared(f'training step, {name} = {value:.4g}', relative(got[name], value), LOSS_LIMIT)
            for name, value in wanted.items()]


def relative(got: float, wanted: float) -> float:
    """Of a loss; of a very small one, to a hundredth."""
    return abs(got - wanted) / max(abs(wanted), 1e-2)


def training_set(cfg: Config, folder: str, size: tuple[int, int]):
    """Videos of moving shapes, frames of the size of the network input."""
    return benchmark_train.make_dataset(cfg, folder,
                                        argparse.Namespace(video_size=size, size=size))


def time_steps(config: str, device: torch.device, size: tuple[int, int], pairs: int,
               options: dict | None = None) -> list[str]:
    """A row: median milliseconds of a training step without its data, and peak MiB."""
    cfg = load_config(config, options)
    with tempfile.TemporaryDirectory() as folder:
        dataset = training_set(cfg, folder, size)
        loader = build_dataloader(dataset, pairs, 0, dist=False, seed=0)
        run = benchmark_train.Ours(cfg, dataset, device)
        laps = []
        memory = benchmark.peak_memory(device, lambda: laps.extend(
            benchmark_train.measure({'ours': run}, loader, WARMUP, STEPS)['ours']))
    seconds = np.median([sum(lap.values()) - lap['data'] for lap in laps])
    name = 'training step' + ''.join(f', {value}' for value in (options or {}).values())
    return [f'{name}, {pairs} pairs', f'{1000 * seconds:.1f}', f'{memory:.0f}']


def time_frames(config: str, device: torch.device, size: tuple[int, int]) -> list[str]:
    """A row: median milliseconds of a tracked frame without reading it, and peak MiB."""
    cfg = load_config(config)
    cfg.test_cfg.rcnn.score_thr = 0.0
    cfg.data.test.img_scale = size
    with tempfile.TemporaryDirectory() as folder:
        dataset = benchmark.make_dataset(cfg, folder, size, WARMUP + FRAMES)
        run = benchmark.Ours(cfg, dataset, device, None)
        memory = benchmark.peak_memory(device, lambda: [run(i) for i in range(WARMUP)])
        run.clock.lap()
        seconds = []
        for i in range(WARMUP, WARMUP + FRAMES):
            total = run(i)
            seconds.append(total - run.clock.lap()['data'])
    return [f'frame: detect, track, segment, encode {run.objects} objects',
            f'{1000 * np.median(seconds):.1f}', f'{memory:.0f}']


def operator_times(device: torch.device, seconds: float) -> list[list[str]]:
    """Rows of milliseconds, torchvision's, and the share of the bandwidth of a copy."""
    copy = benchmark_ops.copy_rate(seconds, device.type)
    cases = [case for case in benchmark_ops.align_cases(device.type) if '1024' in case.name]
    cases += [case for case in benchmark_ops.nms_cases(device.type) if '10' in case.name]
    rows = [benchmark_ops.gpu_row(case, seconds, copy, device.type) for case in cases]
    with deterministic(True):  # torchvision refuses
        for case in cases:
            if 'backward' in case.name:
                ms, = benchmark_ops.medians([case.ours], seconds, device.type)
                rows.append([f'deterministic {case.name}', f'{ms:.3f}', '', '',
                             benchmark_ops.bandwidth(case, ms, copy)])
    return [['operator', 'ms', 'torchvision', 'times faster', f'bandwidth (copy {copy:.0f} GB/s)'],
            *rows]


def versions(device: torch.device) -> str:
    """What a report must say of the machine."""
    lines = [f'mmdet {mmdet.__version__}, torch {torch.__version__}, '
             f'Python {platform.python_version()}, {platform.platform()}']
    if device.type == 'cuda':
        gpu = torch.cuda.get_device_properties(device)
        lines.append(f'{gpu.name}, sm_{gpu.major}{gpu.minor}, {gpu.total_memory / 2**30:.0f} GiB, '
                     f'{gpu.multi_processor_count} processors, CUDA {torch.version.cuda}, '
                     f'cuDNN {torch.backends.cudnn.version()}, driver {driver()}')
    problem = {'cuda': library._cuda_problem, 'cpu': library._cpu_problem}[device.type]
    lines.append(f'the compiled library for {device.type} {problem}: the slower path is measured'
                 if problem else f'operators: compiled for {device.type}')
    return '\n'.join(lines)


def driver() -> str:
    """Version of the driver, as its own tool says it."""
    if not shutil.which('nvidia-smi'):
        return 'unknown'
    done = subprocess.run(['nvidia-smi', '--query-gpu=driver_version', '--format=csv,noheader'],
                          capture_output=True, text=True)
    return (done.stdout.split() or ['unknown'])[0]


def comparison_table(rows: list[Compared]) -> str:
    """Every row with its verdict."""
    body = [[row.name, f'{row.difference:.2g}', f'{row.limit:g}', 'yes' if row.fine else 'NO']
            for row in rows]
    return AsciiTable([['compared with the CPU', 'off by', 'may be', 'fine'], *body]).table


def check(config: str, device: torch.device, size: tuple[int, int], pairs: int,
          seconds: float) -> int:
    """Print the page as it grows; returns the exit status."""
    # What matters is whether the code is right: products are not rounded to TF32.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    print(versions(device), flush=True)
    rows = compare_operators(device) + compare_training(config, device, size)
    print(comparison_table(rows), flush=True)
    times = [time_frames(config, device, size), time_steps(config, device, size, pairs),
             time_steps(config, device, size, pairs, {'fp16.dtype': 'bfloat16'})]
    print(AsciiTable([['x'.join(map(str, size)), 'ms', 'peak MiB'], *times]).table, flush=True)
    print(AsciiTable(operator_times(device, seconds)).table)
    wrong = [row.name for row in rows if not row.fine]
    print(f'differs from the CPU: {"; ".join(wrong)}' if wrong else 'nothing differs from the CPU')
    return 1 if wrong else 0


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    parser.add_argument('config', nargs='?', default=str(CONFIG), help='a tracker')
    parser.add_argument('--size', type=width_x_height, default='640x352', metavar='WxH',
                        help='of the frames')
    parser.add_argument('--pairs', type=int, default=4, help='pairs of frames a step')
    parser.add_argument('--seconds', type=float, default=1., help='per operator')
    return parser.parse_args()


def main() -> int:
    """Check the first GPU."""
    args = parse_args()
    if not torch.cuda.is_available():
        print('gpu_check: PyTorch sees no GPU here; nothing was checked '
              f'(torch {torch.__version__}, CUDA {torch.version.cuda})')
        return 1
    return check(args.config, torch.device('cuda'), args.size, args.pairs, args.seconds)


if __name__ == '__main__':
    run_tool(main)
