"""Floating-point operations and parameters of a detector, part by part.

    python tools/analysis/get_flops.py CONFIG
    python tools/analysis/get_flops.py CONFIG --shape 1280x800 --json flops.json

One picture, or of a tracker the second frame of a video, goes through the test path with random
weights and no score threshold, so that as many objects are looked at as the config allows. Counted
are convolutions and matrix products, two operations for each multiply-add (published numbers often
count one); not counted are RoIAlign, NMS, resizing and what is done value by value.
Options may be spelt with - or _.
"""
import argparse
import inspect
import pathlib
import sys
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

import mmdet  # noqa: E402,F401  before torch: sets how its threads wait

import torch  # noqa: E402
from mmengine.config import Config, ConfigDict  # noqa: E402
from terminaltables import AsciiTable  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from mmdet.datasets.transforms import View, check_scales  # noqa: E402
from mmdet.formats.json_files import write_json  # noqa: E402
from mmdet.models import build_detector  # noqa: E402
from mmdet.utils import load_config  # noqa: E402
from mmdet.utils.cli import ConfigOptions, ToolParser, run_tool, width_x_height  # noqa: E402
from mmdet.utils.errors import BadValue  # noqa: E402

REST = 'the rest'


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('config', help='config file; it is Python and will be run')
    add('--shape', type=width_x_height, metavar='WIDTHxHEIGHT',
        help='size of the frame after resizing, in pixels (default: data.test.img_scale)')
    add('--json', metavar='OUT.json', help='write the numbers, too')
    add('--cfg-options', nargs='+', action=ConfigOptions, default={},
        metavar='KEY=VALUE', help='change the config, e.g. model.backbone.depth=101')
    return parser.parse_args(argv)


def without_threshold(cfg: Any) -> Any:
    """``test_cfg`` with every ``score_thr`` 0: random weights find as much as they may."""
    if isinstance(cfg, dict):
        return ConfigDict({key: 0. if key == 'score_thr' else without_threshold(value)
                           for key, value in cfg.items()})
    return cfg


def parts_of(detector: nn.Module) -> dict[str, nn.Module]:
    """The detector's modules by name, stages of a list each for itself."""
    parts = {}
    for name, module in detector.named_children():
        stages = module.named_children() if isinstance(module, nn.ModuleList) else [(None, module)]
        parts |= {name if stage is None else f'{name}.{stage}': part for stage, part in stages}
    return parts


class Meter:
    """Counts the operations of every part while a detector runs.

    Args:
        parts: modules by name.

    Attributes:
        flops: operations by part; :data:`REST` is what no part did.
        inputs: shape of the first tensor that every part was given last.
    """

    def __init__(self, parts: dict[str, nn.Module]) -> None:
        self.counter = FlopCounterMode(display=False)
        self.flops, self.inputs = dict.fromkeys(parts, 0), {}
        self.started: dict[str, int] = {}
        self.hooks = []
        for name, part in parts.items():
            self.hooks.append(part.register_forward_pre_hook(self._start(name)))
            self.hooks.append(part.register_forward_hook(self._end(name)))

    def _start(self, name: str) -> Any:
        def hook(module: nn.Module, args: tuple) -> None:
            self.started[name] = self.counter.get_total_flops()
            first = args[0]
            while isinstance(first, (tuple, list)):
                first = first[0]
            self.inputs[name] = tuple(first.shape)
        return hook

    def _end(self, name: str) -> Any:
        def hook(module: nn.Module, args: tuple, output: Any) -> None:
            self.flops[name] += self.counter.get_total_flops() - self.started[name]
        return hook

    def __enter__(self) -> 'Meter':
        self.counter.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.counter.__exit__(*error)
        self.flops[REST] = self.counter.get_total_flops() - sum(self.flops.values())
        for hook in self.hooks:
            hook.remove()


@torch.no_grad()
def measure(detector: nn.Module, cfg: Config, size: tuple[int, int]) -> list[dict[str, Any]]:
    """A row per part: ``part``, ``input``, ``flops``, ``params``, ``trained`` (parameters).

    Args:
        detector: in evaluation mode.
        cfg: its config.
        size: (width, height) of the frame in network pixels.
    """
    view = View.of(size[::-1], size, False, cfg.data.test.get('size_divisor'), keep_ratio=False)
    img, meta = torch.randn(1, 3, *view.pad_shape[:2]), view.meta((*size[::-1], 3))
    parts = parts_of(detector)
    if hasattr(detector, 'track'):
        _, memory = detector.track(img, meta)
        with Meter(parts) as meter:
            detector.track(img, meta, memory)
    else:
        with Meter(parts) as meter:
            detector.detect(img, meta, **some_inputs(detector, cfg, size))
    return [dict(part=name, input=meter.inputs.get(name), flops=flops,
                 params=count(parts.get(name)), trained=count(parts.get(name), trained=True))
            for name, flops in meter.flops.items()]


def some_inputs(detector: nn.Module, cfg: Config, size: tuple[int, int]) -> dict[str, Tensor]:
    """Where a detector has no RPN, as many random proposals as the config takes, (n, 4) xyxy."""
    proposals = inspect.signature(detector.detect).parameters.get('proposals')
    if proposals is None or proposals.default is not proposals.empty:
        return {}
    corners = torch.rand(cfg.data.test.get('num_max_proposals') or 1000, 2, 2).sort(dim=1)[0]
    return dict(proposals=(corners * torch.tensor(size)).flatten(1))


def count(part: nn.Module | None, trained: bool = False) -> int:
    """Numbers among the parameters of a part; only those with a gradient if ``trained``."""
    parameters = () if part is None else part.parameters()
    return sum(p.numel() for p in parameters if p.requires_grad or not trained)


def table(rows: list[dict[str, Any]]) -> str:
    """For the terminal, with sums."""
    total = {key: sum(row[key] for row in rows) for key in ('flops', 'params', 'trained')}
    cells = [[row['part'], 'x'.join(map(str, row['input'] or ())), f'{row["flops"] / 1e9:.3f}',
              f'{row["flops"] / 2e9:.3f}', f'{row["params"] / 1e6:.3f}',
              f'{row["trained"] / 1e6:.3f}']
             for row in [*rows, dict(total, part='all', input=())]
             if row['flops'] or row['params']]
    shown = AsciiTable([['part', 'input', 'GFLOPs', 'G multiply-adds', 'M parameters',
                         'M trained'], *cells])
    shown.inner_footing_row_border = True
    shown.justify_columns = dict.fromkeys(range(2, 6), 'right')
    return shown.table


def main(argv: list[str] | None = None) -> None:
    """Build, run once, print."""
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    torch.manual_seed(0)
    detector = build_detector({**cfg.model, 'pretrained': None},
                              train_cfg=cfg.get('train_cfg'),
                              test_cfg=without_threshold(cfg.test_cfg)).eval()
    size = args.shape or check_scales(cfg.data.test.img_scale, 'data.test')[0]
    try:
        rows = measure(detector, cfg, size)
    except RuntimeError as error:  # from a convolution
        raise BadValue(f'{args.config}: {type(detector).__name__} cannot take a frame of '
                       f'{size[0]}x{size[1]} ({error}); give a larger --shape') from None
    print(f'{args.config}: {type(detector).__name__}, {size[0]}x{size[1]}')
    print(table(rows))
    if args.json:
        write_json(dict(config=args.config, width=size[0], height=size[1], parts=rows), args.json)


if __name__ == '__main__':
    run_tool(main)
