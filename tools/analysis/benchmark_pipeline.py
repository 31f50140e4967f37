"""What a demo takes beyond its network; ``benchmark.py --pipeline`` calls it."""
import os
import pathlib
import tempfile
import time
from collections.abc import Callable

import numpy as np
import torch
from mmengine.config import Config
from terminaltables import AsciiTable
from torch import nn

from mmdet.apis.demo import Demo, DemoOptions
from mmdet.apis.inference import FrameLoader, init_detector, track_frames
from mmdet.curation.shapes import ShapesSpec, draw_video
from mmdet.engine.stops import Stops
from mmdet.engine.test_loop import track_video
from mmdet.formats.sources import open_source
from mmdet.utils.logger import get_root_logger
from mmdet.visualization import VideoWriter, draw_result


def make_video(path: str, size: tuple[int, int], frames: int) -> str:
    """An H.264 video of moving shapes, where no video was named."""
    spec = ShapesSpec(length=frames, size=size, objects=8)
    with VideoWriter(path, fps=25) as writer:
        for frame in draw_video(spec, 'val', 0)[0]:
            writer.write(frame)
    return path


def make_detector(cfg: Config, checkpoint: str | None, device: str, amp: bool | None = None,
                  compiled: bool | None = None) -> nn.Module:
    """With random weights every frame has as many objects as it can, and none is lost."""
    detector = init_detector(cfg, checkpoint, device, amp, compiled)
    if checkpoint is None:
        detector.track_head.match_coeff = None
        nn.init.zeros_(detector.track_head.fcs[-1].weight)
    return detector


def seconds(run: Callable[[], object], device: torch.device) -> float:
    """Wall-clock time, with the device idle before and after."""
    def now() -> float:
        if device.type == 'cuda':
            torch.cuda.synchronize(device)
        return time.perf_counter()

    start = now()
    run()
    return now() - start


class Pipeline:
    """The parts of a demo, each of which can run alone, and all of it.

    Args:
        detector: from :func:`make_detector`.
        video: the file.
        frames: how many of its frames are used.
        folder: for what is written.
    """

    def __init__(self, detector: nn.Module, video: str, frames: int, folder: str) -> None:
        self.detector, self.video, self.most, self.folder = detector, video, frames, folder
        self.device = next(detector.parameters()).device
        self.loader = FrameLoader(detector.cfg)
        self.frames = [frame for frame, _ in zip(self.read(), range(frames))]
        self.items = list(self.loader.items(self.frames))
        self.results = [result for _, result in track_frames(detector, self.frames)]
        self.pictures = self.draw()

    def read(self):
        return open_source(self.video).frames

    def read_all(self) -> None:
        for _ in zip(self.read(), range(self.most)):
            pass

    def resize(self) -> None:
        for _ in self.loader.items(self.frames):
            pass

    def network(self) -> None:
        for _ in track_video(self.detector, self.loader.preprocess, self.items, self.device):
            pass

    def draw(self) -> list[np.ndarray]:
        return [draw_result(frame, result, self.detector.CLASSES, 0)
                for frame, result in zip(self.frames, self.results)]

    def encode(self) -> None:
        with VideoWriter(pathlib.Path(self.folder) / 'alone.mp4', fps=25) as writer:
            for picture in self.pictures:
                writer.write(picture)

    def demo(self) -> None:
        options = DemoOptions('', None, self.video, self.folder, score_thr=0, max_frames=self.most)
        logger = get_root_logger('WARNING')
        with Stops() as stops:
            Demo(self.detector, open_source(self.video), options, stops, logger).run()


def measure(cfg: Config, checkpoint: str | None, device: str, video: str | None,
            size: tuple[int, int], frames: int, rounds: int, amp: bool | None = None,
            compiled: bool | None = None) -> float:
    """Print the table of a demo's parts; returns the share that comes on top of the network."""
    with tempfile.TemporaryDirectory() as folder:
        video = video or make_video(os.path.join(folder, 'shapes.mp4'), size, frames)
        detector = make_detector(cfg, checkpoint, device, amp, compiled)
        pipeline = Pipeline(detector, video, frames, folder)
        count = len(pipeline.frames)
        parts = dict(reading=pipeline.read_all, resizing=pipeline.resize, network=pipeline.network,
                     drawing=pipeline.draw, encoding=pipeline.encode, demo=pipeline.demo)
        times: dict[str, list[float]] = {name: [] for name in parts}
        pipeline.demo()  # the first opens files, starts threads
        for _ in range(rounds):
            for name, part in parts.items():
                times[name].append(seconds(part, pipeline.device) / count)
    network = float(np.median(times['network']))
    over = float(np.median([all_ / alone - 1 for all_, alone
                            in zip(times['demo'], times['network'])]))
    rows = [['part, alone', 'ms a frame', 'network = 1']]
    for name, spent in times.items():
        median = float(np.median(spent))
        rows.append([name if name != 'demo' else 'the whole demo', f'{median * 1000:.1f}',
                     f'{median / network:.3f}'])
    height, width = pipeline.frames[0].shape[:2]
    how = ''.join(f', {name}' for name, on in dict(amp=amp, compiled=compiled).items() if on)
    print(f'{video}: {width}x{height}, {count} frames, {len(pipeline.results[-1])} objects in the '
          f'last, {pipeline.device}{how}, {torch.get_num_threads()} threads, '
          f'torch {torch.__version__}, medians of {rounds}')
    print(AsciiTable(rows).table)
    print(f'the demo takes {over:+.1%} beyond the network')
    return over
