"""How long do image detectors take beside torchvision's of the same backbone?

    python tools/analysis/benchmark_detectors.py
    python tools/analysis/benchmark_detectors.py --only SSD300 --steps 20 --device cuda

Trains (forward and backward) and tests Faster R-CNN and RetinaNet, both with ResNet-50-FPN, and
SSD300 with VGG16 on made-up pictures in memory, in turn with torchvision's. Both have the same
numbers: pictures, objects, classes, proposals, samples, thresholds, frozen layers. Weights are
random, so hardly any box reaches the score threshold, and the RPNs propose anchors as they are.
Prints medians and their ratio.
"""
import argparse
import pathlib
import sys
import time
from collections.abc import Callable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

import mmdet  # noqa: E402,F401  before torch: sets how its threads wait

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
from mmengine.config import Config  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torchvision.models import detection  # noqa: E402

from mmdet.models import build_detector  # noqa: E402
from mmdet.utils import load_config  # noqa: E402
from mmdet.utils.cli import ToolParser, run_tool, width_x_height  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLASSES = 81


def faster_rcnn(cfg: Config, shape: tuple) -> nn.Module:
    """torchvision's with the numbers of the config."""
    rpn, rcnn = cfg.test_cfg.rpn, cfg.test_cfg.rcnn
    return detection.fasterrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=CLASSES, min_size=min(shape),
        max_size=max(shape), rpn_pre_nms_top_n_train=rpn.nms_pre,
        rpn_post_nms_top_n_train=rpn.max_num, rpn_pre_nms_top_n_test=rpn.nms_pre,
        rpn_post_nms_top_n_test=rpn.max_num, rpn_nms_thresh=rpn.nms_thr,
        rpn_batch_size_per_image=cfg.train_cfg.rpn.sampler.num,
        box_batch_size_per_image=cfg.train_cfg.rcnn.sampler.num,
        box_score_thresh=rcnn.score_thr, box_nms_thresh=rcnn.nms.iou_thr,
        box_detections_per_img=rcnn.max_per_img)


def retinanet(cfg: Config, shape: tuple) -> nn.Module:
    """torchvision's with the numbers of the config."""
    return detection.retinanet_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=CLASSES, min_size=min(shape),
        max_size=max(shape), score_thresh=cfg.test_cfg.score_thr,
        nms_thresh=cfg.test_cfg.nms.iou_thr, detections_per_img=cfg.test_cfg.max_per_img,
        topk_candidates=cfg.test_cfg.nms_pre)


def ssd300(cfg: Config, shape: tuple) -> nn.Module:
    """torchvision's with the numbers of the config."""
    return detection.ssd300_vgg16(
        weights=None, weights_backbone=None, num_classes=CLASSES,
        score_thresh=cfg.test_cfg.score_thr, nms_thresh=cfg.test_cfg.nms.iou_thr,
        detections_per_img=cfg.test_cfg.max_per_img)


DETECTORS = {'Faster R-CNN': ('faster_rcnn_r50_fpn_1x.py', faster_rcnn),
             'RetinaNet': ('retinanet_r50_fpn_1x.py', retinanet),
             'SSD300': ('ssd300_coco.py', ssd300)}


def freeze_as_here(model: nn.Module) -> None:
    """Stem, first stage and batch norms of a ResNet, as ``frozen_stages=1`` and ``norm_eval``."""
    body = getattr(model.backbone, 'body', None)
    if body is not None:
        for name, parameter in body.named_parameters():
            if 'bn' in name or 'downsample.1' in name or name.startswith(('conv1', 'layer1')):
                parameter.requires_grad_(False)
        body.eval()


def leave_anchors(here: nn.Module, peer: nn.Module) -> None:
    """Both RPNs propose anchors as they are: as many regions for both, whatever the weights."""
    if hasattr(peer, 'rpn'):
        for conv in (here.rpn_head.rpn_reg, peer.rpn.head.bbox_pred):
            nn.init.zeros_(conv.weight)
            nn.init.zeros_(conv.bias)


def pictures(num: int, shape: tuple, device: torch.device) -> tuple[Tensor, list, list]:
    """(num, 3, h, w) in [0, 1], and eight boxes with labels in each."""
    generator = torch.Generator().manual_seed(0)
    h, w = shape
    images = torch.rand(num, 3, h, w, generator=generator)
    boxes, labels = [], []
    for _ in range(num):
        sides = 16 + torch.rand(8, 2, generator=generator) * torch.tensor([w / 2, h / 2])
        corner = torch.rand(8, 2, generator=generator) * (torch.tensor([w - 1., h - 1.]) - sides)
        boxes.append(torch.cat([corner, corner + sides], dim=1).to(device))
        labels.append(torch.randint(1, CLASSES, (8,), generator=generator).to(device))
    return images.to(device), boxes, labels


def steps_of(name: str, args: argparse.Namespace) -> dict[str, dict[str, Callable]]:
    """What is timed: ``{'train': {'here': ..., 'torchvision': ...}, 'test': ...}``."""
    config, make_peer = DETECTORS[name]
    cfg = load_config(str(ROOT / 'configs' / config))
    cfg.model.pretrained = None
    torch.manual_seed(0)
    shape = (300, 300) if name == 'SSD300' else args.size[::-1]
    device = torch.device(args.device)
    here = build_detector(cfg.model, cfg.train_cfg, cfg.test_cfg).to(device)
    peer = make_peer(cfg, shape).to(device)
    leave_anchors(here, peer)
    images, boxes, labels = pictures(args.images, shape, device)
    meta = dict(img_shape=(*shape, 3), ori_shape=(*shape, 3), pad_shape=(*shape, 3),
                scale_factor=1.0, flip=False)
    targets = [dict(boxes=b, labels=label) for b, label in zip(boxes, labels)]

    def train(model: nn.Module, losses: Callable[[], dict]) -> Callable:
        def step() -> None:
            model.train()
            if model is peer:
                freeze_as_here(model)
            model.zero_grad()
            sum(value for key, value in losses().items() if 'loss' in key).backward()
        return step

    def test(model: nn.Module, detect: Callable) -> Callable:
        def step() -> None:
            model.eval()
            with torch.no_grad():
                detect()
        return step

    return dict(
        train={'here': train(here, lambda: here(
                   images, [meta] * args.images, gt_bboxes=boxes, gt_labels=labels)),
               'torchvision': train(peer, lambda: {
                   f'loss_{key}': value for key, value in peer(list(images), targets).items()})},
        test={'here': test(here, lambda: here.detect(images[:1], meta)),
              'torchvision': test(peer, lambda: peer([images[0]]))})


def seconds(step: Callable, device: torch.device, clock: Callable[[], float]) -> float:
    """How long a step takes, with the device idle before and after."""
    begin = clock()
    step()
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
    return clock() - begin


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('--only', nargs='+', default=list(DETECTORS), choices=list(DETECTORS), metavar='NAME',
        help='out of ' + ', '.join(DETECTORS))
    add('--size', type=width_x_height, default='640x384', metavar='WxH',
        help='of the pictures; SSD300 has its own')
    add('--images', type=int, default=2, help='pictures per training step')
    add('--steps', type=int, default=7, help='steps measured')
    add('--warmup', type=int, default=2, help='steps before')
    add('--threads', type=int, help='CPU threads (default: all)')
    add('--cpu-time', action='store_true',
        help='count the seconds that this process computes, where others share the machine')
    add('--device', default='cuda' if torch.cuda.is_available() else 'cpu', help='where it runs')
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    device = torch.device(args.device)
    clock = time.process_time if args.cpu_time else time.perf_counter
    print(f'{args.images} pictures of {args.size[0]}x{args.size[1]} per training step, one per '
          f'test, {args.device}, {torch.get_num_threads()} threads, torch {torch.__version__}, '
          f'torchvision {torchvision.__version__}, medians of {args.steps}')
    print(f'{"":20}{"here, ms":>10}{"torchvision, ms":>18}{"time, here = 1":>17}', flush=True)
    for name in args.only:
        for what, runs in steps_of(name, args).items():
            laps: dict[str, list[float]] = {run: [] for run in runs}
            for i in range(args.warmup + args.steps):
                for run, step in runs.items():
                    spent = seconds(step, device, clock)
                    if i >= args.warmup:
                        laps[run].append(1000 * spent)
            here, peer = np.median(laps['here']), np.median(laps['torchvision'])
            print(f'{name + ", " + what:20}{here:10.0f}{peer:18.0f}{peer / here:17.2f}', flush=True)


if __name__ == '__main__':
    run_tool(main)
