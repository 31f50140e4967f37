"""A test without the network: ids over saved detections, then all that a test makes of them."""
import dataclasses
import time

from mmdet.apis.test import Prepared, TestOptions, report, track_score
from mmdet.datasets import build_dataset
from mmdet.engine import checks
from mmdet.engine.environment import this_device
from mmdet.engine.replay import build_tracker, check_fits, check_masks, replay_dataset
from mmdet.formats.detections import DetectionFile
from mmdet.formats.result_files import dump_results
from mmdet.formats.results import check_results, check_track_score
from mmdet.utils.config import load_config, require
from mmdet.utils.errors import BadValue
from mmdet.utils.logger import get_root_logger


@dataclasses.dataclass
class ReplayOptions(TestOptions):
    """The options of ``tools/analysis/replay.py``: those of a test, but for the network."""
    checkpoint: str | None = None
    out: str = ''
    detections: str = ''


def prepare(options: ReplayOptions) -> tuple[Prepared, DetectionFile]:
    """Build everything, and find out now what would fail later.

    Raises:
        FileNotFoundError, PermissionError, ValueError, TypeError, KeyError: one
            sentence that says what to correct.
    """
    cfg = load_config(options.config, options.cfg_options)
    require(cfg, 'model', 'test_cfg', 'data.test')
    checks.check_output(options.out)
    check_track_score(track_score(cfg))
    file = DetectionFile(options.detections)
    dataset = build_dataset({**cfg.data.test, 'test_mode': True})
    checks.check_single(dataset)
    if not dataset.is_video:
        raise BadValue(f'{type(dataset).__name__}: has no videos to follow objects through; set '
                       'data.test to the YTVOSDataset that was tested')
    check_fits(file, dataset, options.allow_partial)
    if options.show:
        checks.check_frames(dataset)
    tracker = build_tracker(cfg)
    check_masks(file, tracker)
    return Prepared(cfg, dataset, tracker), file


def run(options: ReplayOptions) -> dict:
    """Track, write ``X.pkl`` and ``X.pkl.json``, score and draw as the options say.

    Returns:
        evaluation type to metrics.
    """
    logger = get_root_logger()
    prepared, file = prepare(options)
    start = time.perf_counter()
    results = replay_dataset(prepared.detector, file, prepared.dataset,
                             this_device(prepared.cfg.get('device')))
    seconds = time.perf_counter() - start
    logger.info('%s: %d frames tracked in %.1f s, %.0f a second', file.path, len(results), seconds,
                len(results) / seconds)
    check_results(prepared.dataset, results)
    dump_results(results, options.out)
    return report(options, prepared, results, logger)
