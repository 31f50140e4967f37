"""Where does the time of a frame go, and how does it compare with torchvision?

    python tools/analysis/benchmark.py configs/masktrack_rcnn_r50_fpn_1x_youtubevos.py

Runs the whole test path of a config over the frames of a made-up JPEG video and
prints the median time of every stage: reading and resizing, backbone + FPN, RPN,
box head, tracking, mask head, masks to run-length codes. In the same run, frame
by frame in turn, torchvision's maskrcnn_resnet50_fpn does what it can do (detect
and segment, no tracking) at the same size. Weights are random, thresholds 0, so
that every frame has max_per_img objects for both. At its best torchvision runs channels-last and,
where the machine has it, in half precision.

With --pipeline it is the demo that is measured: reading, network, drawing, encoding, each
alone, then all of it, and what that takes beyond the network.
"""
import argparse
import contextlib
import copy
import ctypes
import gc
import pathlib
import sys
import tempfile
import time
from collections import defaultdict

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

import mmdet  # noqa: E402,F401  before torch: sets how its threads wait

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
from terminaltables import AsciiTable  # noqa: E402

from mmdet.core.track import TrackMemory  # noqa: E402
from mmdet.datasets import build_dataset  # noqa: E402
from mmdet.checkpoint import load_checkpoint  # noqa: E402
from mmdet.curation.shapes import ShapesSpec, make_shapes  # noqa: E402
from mmdet.engine.inference import amp_dtype, prepare_inference  # noqa: E402
from mmdet.models import build_detector  # noqa: E402
from mmdet.models.mask_heads import fcn_mask_head  # noqa: E402
from mmdet.utils import load_config  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool, width_x_height  # noqa: E402

STAGES = ('data', 'backbone + FPN', 'RPN', 'box', 'track', 'mask', 'RLE')


class StageClock:
    """Attributes time to the innermost stage that runs."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.stack, self.spent = device, [], defaultdict(float)

    def now(self) -> float:
        """Seconds, with the device idle."""
        if self.device.type == 'cuda':
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    @contextlib.contextmanager
    def stage(self, name: str):
        """Everything inside counts for ``name``, but not for the stage around it."""
        start = self.now()
        self.stack.append(0.0)
        yield
        total = self.now() - start
        self.spent[name] += total - self.stack.pop()
        if self.stack:
            self.stack[-1] += total

    def watch(self, owner: object, method: str, name: str) -> None:
        """Make every call of a method (or function of a module) a stage."""
        inner = getattr(owner, method)

        def timed(*args, **kwargs):
            with self.stage(name):
                return inner(*args, **kwargs)

        setattr(owner, method, timed)

    def lap(self) -> dict[str, float]:
        """Seconds a stage since the last lap."""
        spent, self.spent = self.spent, defaultdict(float)
        return spent


def watch_detector(clock: StageClock, model: torch.nn.Module) -> None:
    """Name the parts of a detector."""
    clock.watch(model, 'extract_feat', 'backbone + FPN')
    clock.watch(model.rpn_head, 'forward', 'RPN')
    clock.watch(model.rpn_head, 'get_proposals', 'RPN')
    clock.watch(model, 'detect_boxes', 'box')
    if hasattr(model, 'track'):
        clock.watch(model, 'embed', 'track')
        clock.watch(model, 'match', 'track')
        clock.watch(TrackMemory, 'update', 'track')
    if hasattr(model, 'detect_masks'):
        clock.watch(model, 'detect_masks', 'mask')
        clock.watch(fcn_mask_head, 'mask_to_rle', 'RLE')


class Ours:
    """The test path of a config, one frame a call."""

    def __init__(self, cfg, dataset, device: torch.device, checkpoint: str | None,
                 amp: bool = False, compiled: bool = False) -> None:
        model_cfg = copy.deepcopy(cfg.model)
        model_cfg['pretrained'] = None
        self.model = build_detector(model_cfg, test_cfg=cfg.test_cfg).to(device).eval()
        if checkpoint:
            load_checkpoint(self.model, checkpoint)
        elif hasattr(self.model, 'track'):  # all objects are new: none is lost, each gets a mask
            head = self.model.track_head
            head.match_coeff = None
            if hasattr(head, 'fcs'):
                torch.nn.init.zeros_(head.fcs[-1].weight)
            else:
                head.new_object = 1.  # the largest cosine there is
        self.model = prepare_inference(self.model, amp, compiled)
        self.dataset, self.device, self.memory = dataset, device, None
        self.preprocess = dataset.preprocessor()
        self.clock = StageClock(device)
        watch_detector(self.clock, self.model)

    def __call__(self, index: int) -> float:
        """Seconds for one frame; the stages are in the clock's lap."""
        start = self.clock.now()
        with self.clock.stage('data'):
            item = self.dataset[index]
            img = self.preprocess([item['img'].to(self.device)])
        if hasattr(self.model, 'track'):
            result, self.memory = self.model.track(img, item['img_meta'], self.memory)
            self.objects = len(result.obj_ids)
            self.memory = None if index == len(self.dataset) - 1 else self.memory
        else:
            boxes, _ = self.model.detect(img, item['img_meta'])
            self.objects = sum(len(b) for b in boxes)
        return self.clock.now() - start


class Peer:
    """torchvision's Mask R-CNN on the same frames (without their reading).

    Args:
        best: channels-last, and in half precision under autocast where the machine has it.
    """

    def __init__(self, ours: Ours, max_per_img: int, proposals: int, best: bool = False) -> None:
        shape = ours.dataset[0]['img_meta']['img_shape']
        self.model = torchvision.models.detection.maskrcnn_resnet50_fpn(
            weights=None, weights_backbone=None, min_size=min(shape[:2]), max_size=max(shape[:2]),
            num_classes=ours.model.bbox_head.num_classes, box_score_thresh=0.0,
            box_detections_per_img=max_per_img, rpn_post_nms_top_n_test=proposals,
            rpn_pre_nms_top_n_test=proposals).to(ours.device).eval()
        self.ours, self.dtype = ours, amp_dtype(best, ours.device)
        if best:
            self.model.to(memory_format=torch.channels_last)

    @torch.no_grad()
    def __call__(self, index: int) -> float:
        item = self.ours.dataset[index]
        frame = item['img'].to(self.ours.device)
        start = self.ours.clock.now()
        image = frame.permute(2, 0, 1).flip(0).float().div(255)
        with torch.autocast(image.device.type, self.dtype, enabled=self.dtype is not None):
            self.model([image])
        return self.ours.clock.now() - start


def give_back_memory() -> None:
    """Freed memory goes back to the system, where the C library can."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def peak_memory(device: torch.device, run) -> float:
    """Most memory that ``run()`` held at once beyond what was there before, in MiB."""
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)
        run()
        return torch.cuda.max_memory_allocated(device) / 2**20
    status = pathlib.Path('/proc/self/status')
    clear = pathlib.Path('/proc/self/clear_refs')

    def read(key: str) -> float:
        line = next(x for x in status.read_text().splitlines() if x.startswith(key))
        return int(line.split()[1]) / 1024

    try:
        clear.write_text('5')  # the peak starts again from here
    except OSError:
        return float('nan')
    give_back_memory()  # what others used before does not count as there
    before = read('VmRSS')
    run()
    return read('VmHWM') - before


def make_dataset(cfg, folder: str, size: tuple[int, int], frames: int):
    """One video of moving shapes as the test set of the config."""
    spec = ShapesSpec(train_videos=0, val_videos=1, length=frames, size=size)
    folder = f'{folder}/shapes'
    make_shapes(folder, spec)
    test = copy.deepcopy(cfg.data.test)
    test.update(ann_file=f'{folder}/annotations/instances_val.json',
                img_prefix=f'{folder}/val/JPEGImages', test_mode=True)
    return build_dataset(test)


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    parser.add_argument('config')
    parser.add_argument('checkpoint', nargs='?', help='weights (default: random)')
    parser.add_argument('--frames', type=int, default=20, help='frames measured')
    parser.add_argument('--warmup', type=int, default=3, help='frames before')
    parser.add_argument('--video-size', type=width_x_height, default='1280x720', metavar='WxH',
                        help='of the JPEG video')
    parser.add_argument('--threads', type=int, help='CPU threads (default: all)')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu',
                        help='where it runs')
    parser.add_argument('--pipeline', nargs='?', const='', metavar='VIDEO',
                        help='measure tools/demo.py on this video (default: a made-up one)')
    parser.add_argument('--amp', action='store_true', help='this code in half precision')
    parser.add_argument('--compile', action='store_true', help='this code compiled by Inductor')
    parser.add_argument('--no-peer', action='store_true', help='do not run torchvision')
    return parser.parse_args()


def median_row(name: str, seconds: list[float], reference: float) -> list[str]:
    """A table row: milliseconds and share."""
    median = float(np.median(seconds))
    return [name, f'{median * 1000:.1f}', f'{median / reference:.0%}']


def main() -> None:
    """Measure and print."""
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    device = torch.device(args.device)
    cfg = load_config(args.config)
    cfg.test_cfg.rcnn.score_thr = 0.0
    if args.pipeline is not None:
        from benchmark_pipeline import measure  # beside this file
        measure(cfg, args.checkpoint, args.device, args.pipeline or None, args.video_size,
                args.frames, rounds=3, amp=args.amp or None, compiled=args.compile or None)
        return
    with tempfile.TemporaryDirectory() as folder:
        dataset = make_dataset(cfg, folder, args.video_size, args.frames + args.warmup)
        ours = Ours(cfg, dataset, device, args.checkpoint, args.amp, args.compile)
        peers = {}
        if not args.no_peer:
            number, most = cfg.test_cfg.rpn.max_num, cfg.test_cfg.rcnn.max_per_img
            peers = {'torchvision, 1000 proposals (its default)': Peer(ours, most, 1000),
                     f'torchvision, {number} proposals (as here)': Peer(ours, most, number),
                     f'torchvision, {number}, at its best': Peer(ours, most, number, best=True)}
        for run in (ours, *peers.values()):
            run(0)  # what is made once counts for none
        memory = {name: peak_memory(device, lambda run=run: [run(i) for i in range(args.warmup)])
                  for name, run in {'ours': ours, **peers}.items()}
        ours.clock.lap()
        laps, totals, others = [], [], defaultdict(list)
        for i in range(args.warmup, args.warmup + args.frames):
            totals.append(ours(i))
            laps.append(ours.clock.lap())
            for name, peer in peers.items():
                others[name].append(peer(i))
        meta = dataset[0]['img_meta']
    total = float(np.median(totals))
    rows = [['stage', 'ms a frame', 'share']]
    rows += [median_row(s, [lap[s] for lap in laps], total) for s in STAGES]
    rows.append(median_row('all', totals, total))
    width, height = args.video_size
    print(f'{args.config}: {meta["img_shape"][1]}x{meta["img_shape"][0]} from JPEG '
          f'{width}x{height}, {ours.objects} objects in the last frame, {device}, '
          f'{torch.get_num_threads()} threads, torch {torch.__version__}, medians of {args.frames}')
    print(AsciiTable(rows).table)
    network = float(np.median([t - lap['data'] for t, lap in zip(totals, laps)]))
    table = [['without reading the frame', 'ms a frame', 'ours / it', 'peak MiB'],
             ['ours (detect, track, segment, encode)', f'{network * 1000:.1f}', '1.00',
              f'{memory["ours"]:.0f}']]
    for name, seconds in others.items():
        median = float(np.median(seconds))
        table.append([name, f'{median * 1000:.1f}', f'{network / median:.2f}',
                      f'{memory[name]:.0f}'])
    print(AsciiTable(table).table)


if __name__ == '__main__':
    run_tool(main)
