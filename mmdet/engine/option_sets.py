"""Options of tracking by name, as a study compares them."""
from collections.abc import Mapping, Sequence
from typing import Any

from mmdet.engine.search_space import parse_setting
from mmdet.utils.errors import BadValue

Settings = dict[str, Any]

BASELINE = '2019 tracking'
OFF: Settings = {'test_cfg.track': None}  # whatever the config has

# Every option of .github/docs/tracking.md alone, with values that are sensible before any search.
ALONE = (
    'label_memory=latest', 'max_age=10', 'track_score=max', 'track_score=median',
    'track_score=coverage', 'similarity=bisoftmax', 'assigner=hungarian', 'start_thr=0.2',
    'second_round.score_thr=0.3', 'second_round.score_thr=0.5 start_thr=0.5',
    'embedding.type=MomentumEmbedding', 'embedding.type=EmbeddingBank',
    'embedding.type=EmbeddingBank embedding.size=20 embedding.decay=1.0',
    'cues.MotionIoU.weight=2', 'cues.MotionMaskIoU.weight=2',
    'backward.iou_thr=0.3', 'after_video.DropDuplicates.iou_thr=0.6',
    'after_video.LinkTracks.max_gap=10', 'after_video.VoteClass.by=score')


def options_alone() -> dict[str, Settings]:
    """``ALONE`` by its own text."""
    return {text: dict(parse_setting(f'test_cfg.track.{part}') for part in text.split())
            for text in ALONE}


def parse_sets(sets: Sequence[Sequence[str]], taken: Mapping[str, Any]) -> dict[str, Settings]:
    """``NAME KEY=VALUE [KEY=VALUE ...]`` each.

    Raises:
        ValueError: it is something else, or a name is there already.
    """
    found: dict[str, Settings] = {}
    for name, *texts in sets:
        if not texts or name in taken or name in found:
            raise BadValue(f'--set {name}: expected a new name and one KEY=VALUE or more, '
                           'e.g. linked test_cfg.track.after_video.LinkTracks.max_gap=5')
        found[name] = dict(map(parse_setting, texts))
    return found


def with_part(settings: Mapping[str, Any], part: Mapping[str, Any]) -> Settings:
    """Settings and a part that wins; another ``type`` takes no arguments of the one before it."""
    replaced = tuple(key.removesuffix('type') for key in part if key.endswith('.type'))
    return {**{key: value for key, value in settings.items() if not key.startswith(replaced)},
            **part}
