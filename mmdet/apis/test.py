"""A whole test: config and checkpoint in, result files, scores and drawings out."""
import dataclasses
import functools
import logging
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmengine.config import Config
from torch import nn

from mmdet.checkpoint import load_checkpoint
from mmdet.datasets import build_dataset
from mmdet.datasets.base import BaseDataset
from mmdet.engine import checks, classic
from mmdet.engine.distribution import init_dist, rank_and_world
from mmdet.engine.drawing import draw_dataset, draw_images
from mmdet.engine.environment import check_count, set_threads, this_device
from mmdet.engine.finished_videos import FinishedVideos
from mmdet.engine.inference import prepare_inference
from mmdet.engine.launch import run_copies
from mmdet.engine.recording import Recorder
from mmdet.engine.sharding import check_gpus, use_gpus
from mmdet.engine.test_loop import choose_loop, given_types
from mmdet.formats.result_files import dump_results, load_results
from mmdet.formats.results import by_stage, check_results, check_track_score, from_classic
from mmdet.formats.submission import write_submission
from mmdet.models import build_detector
from mmdet.utils.config import load_config, require
from mmdet.utils.errors import BadValue
from mmdet.utils.fileio import write_here_or_elsewhere
from mmdet.utils.logger import get_root_logger
from mmdet.visualization.encoders import check_codec


@dataclasses.dataclass
class TestOptions:
    """The options of ``tools/test_video.py`` and ``tools/test.py``, which explain each."""
    config: str
    checkpoint: str | None
    out: str | None = None
    eval: Sequence[str] = ()
    load_result: bool = False
    show: bool = False
    save_path: str | None = None
    show_format: str = 'mp4'
    show_score_thr: float = 0.3
    codec: str = 'auto'
    format_only: bool = False
    gpus: int = 1
    proc_per_gpu: int = 1
    launcher: str = 'none'
    workers: int | None = None
    allow_partial: bool = False
    save_detections: str | None = None
    resume: bool = False
    amp: bool | None = None
    compile: bool | None = None
    cfg_options: dict | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        self.show = self.show or self.save_path is not None
        self.save_path = self.save_path or f'{os.path.splitext(self.out or "test")[0]}_show'


class Prepared(NamedTuple):
    """Config, data set in test mode, detector without weights (None if not needed)."""
    cfg: Config
    dataset: BaseDataset
    detector: nn.Module | None


def track_score(cfg: Config) -> str:
    """How frames make the score of a track: ``test_cfg.track.track_score``."""
    return ((cfg.get('test_cfg') or {}).get('track') or {}).get('track_score', 'mean')


def prepare(options: TestOptions) -> Prepared:
    """Build everything, and find out now what would fail later.

    Raises:
        FileNotFoundError, PermissionError, ValueError, TypeError, KeyError: one
            sentence that says what to correct.
    """
    cfg = load_config(options.config, options.cfg_options)
    require(cfg, 'model', 'test_cfg', 'data.test')
    cfg.device = options.device or cfg.get('device')
    this_device(cfg.device)
    check_gpus(options.gpus, options.proc_per_gpu, cfg.device)
    check_count(options.workers or 0, '--workers', least=0)
    if options.out is not None:
        checks.check_output(options.out)
    elif options.eval or options.format_only or options.load_result or not options.show:
        raise BadValue('--out X.pkl is missing: the results go there, and the scores come from the '
                       'json beside it; only --show works without')
    check_track_score(track_score(cfg))
    if options.show:
        check_codec(options.codec)
    if not options.load_result:
        checks.check_checkpoint(options.checkpoint)
    dataset = build_dataset({**cfg.data.test, 'test_mode': True})
    checks.check_single(dataset)
    if options.show or not options.load_result:
        checks.check_frames(dataset)
    if options.format_only and not dataset.is_video:
        raise BadValue('--format-only packs tracks of videos; for images X.pkl.json is all '
                       'servers need')
    if options.resume and options.save_detections:
        raise BadValue('--resume: --save-detections keeps all videos of one test; leave one '
                       'of them out')
    if options.save_detections and (options.load_result or not dataset.is_video):
        raise BadValue('--save-detections keeps what a tracker sees in videos; it needs a '
                       'YTVOSDataset and a checkpoint, not --load_result')
    if options.load_result:
        checks.check_types(options.eval, dataset.result_types, dataset)
        return Prepared(cfg, dataset, None)
    cfg.model.pretrained = None  # the checkpoint has the backbone
    detector = build_detector(cfg.model, test_cfg=cfg.test_cfg)
    checks.check_classes(detector, dataset)
    checks.check_inputs(detector, dataset)
    choose_loop(detector, dataset)
    checks.check_types(options.eval, given_types(detector), dataset)
    return Prepared(cfg, dataset, detector)


def launch(options: TestOptions) -> int:
    """Look for mistakes, then test here or in several processes; returns the exit status."""
    processes = options.gpus * options.proc_per_gpu
    prepared = prepare(options)
    if processes > 1 and options.launcher == 'none' and not options.load_result:
        use_gpus(options.gpus)
        return run_copies([sys.executable, *sys.argv, '--launcher', 'pytorch'], processes)
    run(options, prepared)
    return 0


def run(options: TestOptions, prepared: Prepared | None = None) -> dict | None:
    """Test, write ``X.pkl`` and ``X.pkl.json``, score and draw as the options say.

    Args:
        options: see ``tools/test_video.py --help``.
        prepared: from :func:`prepare`; made here if None.

    Returns:
        evaluation type to metrics, ``STAGE_TYPE`` where a cascade keeps its stages; None on other
        processes than the first.
    """
    if options.launcher != 'none':
        init_dist(options.launcher, backend='gloo')
    logger = get_root_logger()
    prepared = prepared or prepare(options)
    _announce(prepared.dataset, options.out, logger)
    if not options.load_result:
        results = _find(options, prepared, logger)
    elif rank_and_world()[0] == 0:
        results = read_results(options.out, prepared.dataset)
    else:
        results = None
    return None if results is None else report(options, prepared, results, logger)


def _announce(dataset: BaseDataset, out: str | None, logger: logging.Logger) -> None:
    """Say what will be tested, and what cannot be scored."""
    what = f'{len(dataset.vid_infos)} videos, {len(dataset)} frames' if dataset.is_video else (
        f'{len(dataset)} images')
    logger.info('%s: %s, %d classes', dataset.ann_file, what, len(dataset.CLASSES or ()))
    if out is not None and not dataset.has_annotations():
        logger.warning(
            '%s has no annotations (the public validation and test files have none), so nothing '
            'can be scored; only the json for submission, %s.json, will be written. For a score '
            'at home see tools/convert_datasets/split_videos.py', dataset.ann_file, out)


def _find(options: TestOptions, prepared: Prepared, logger: logging.Logger) -> list | None:
    """Run the detector and write ``X.pkl``; None on other processes than the first."""
    cfg, dataset, detector = prepared
    report = load_checkpoint(detector, options.checkpoint, strict=True, logger=logger,
                             allow_partial=options.allow_partial)
    checks.check_trained_classes(report.meta.get('CLASSES'), dataset, logger)
    torch.backends.cudnn.benchmark = bool(cfg.get('cudnn_benchmark'))
    device = this_device(cfg.device)
    set_threads(0, cfg.get('num_threads'), device)
    loop = choose_loop(detector, dataset)
    finished = None
    if dataset.is_video and options.out is not None:
        finished = FinishedVideos(options.out, dataset, made_with(options, cfg), options.resume)
        if finished.found:
            logger.info('%d of %d videos are finished already', len(finished.found),
                        len(dataset.videos()))
        loop = functools.partial(loop, finished=finished)
    if options.save_detections:
        loop = functools.partial(loop, recorder=Recorder(options.save_detections, dataset))
    detector = prepare_inference(
        detector.to(device), **classic.inference(cfg, amp=options.amp, compile=options.compile))
    results = loop(detector, dataset, device, options.workers, logger)
    if results is not None and options.out is not None:
        write_here_or_elsewhere(lambda path: dump_results(results, path), options.out)
        logger.info('%s: results of %d %s', options.out, len(results),
                    'frames' if dataset.is_video else 'images')
    if finished is not None:
        finished.remove()
    return results


def made_with(options: TestOptions, cfg: Config) -> str:
    """What results depend on: the config, the weights, the options that change numbers."""
    path = os.path.expanduser(options.checkpoint)
    stat = os.stat(path) if os.path.isfile(path) else None
    weights = [options.checkpoint, stat and [stat.st_size, stat.st_mtime_ns]]
    return repr([weights, options.amp, options.compile, cfg.model, cfg.test_cfg, cfg.data.test])


def read_results(path: str, dataset: BaseDataset) -> list:
    """Read an ``X.pkl`` or ``X.jsonl``; boxes and masks can be drawn then.

    Raises:
        FileNotFoundError, ValueError: there is none, or it is not of this data set.
    """
    results = load_results(path)
    results = from_classic(results) if dataset.is_video else results
    for part in by_stage(results).values():
        check_results(dataset, part)
    return results


def report(options: TestOptions, prepared: Prepared, results: list,
           logger: logging.Logger) -> dict:
    """Write the json, score it, then draw; returns evaluation type to metrics."""
    metrics = {}
    for stage, part in by_stage(results).items() if options.out else ():
        scores = _score(options, prepared, stage, part, logger)
        metrics |= {f'{stage}_{kind}' if stage else kind: s for kind, s in scores.items()}
    if options.show:
        draw = (functools.partial(draw_dataset, codec=check_codec(options.codec))
                if prepared.dataset.is_video else draw_images)
        draw(prepared.dataset, results, options.save_path, options.show_format == 'png',
             score_thr=options.show_score_thr, logger=logger)
    return metrics


def _score(options: TestOptions, prepared: Prepared, stage: str, results: list,
           logger: logging.Logger) -> dict:
    """One stage of a cascade, or all there is: the json, what is packed, the scores."""
    cfg, dataset, _ = prepared
    name = f'{options.out}.{stage}.json' if stage else f'{options.out}.json'
    files = dataset.write(results, name, track_score(cfg))
    logger.info('written: %s', ', '.join(dict.fromkeys(files.values())))
    if options.format_only:
        folder = os.path.dirname(os.path.abspath(options.out))
        packed = write_submission(files['segm'], dataset.ytvos, folder, logger)
        logger.info('for submission: %s', packed)
    return dataset.score(files, options.eval, logger) if dataset.has_annotations() else {}
