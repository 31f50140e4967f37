"""Which settings a search tries: texts such as ``test_cfg.track.max_age=None,5,10``."""
import ast
import copy
import inspect
import itertools
import json
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import Config

from mmdet.core.track import EMBEDDING_MEMORIES
from mmdet.utils.errors import BadKey, BadValue

EMBEDDING = 'test_cfg.track.embedding.'  # the part of which there are several types

# What changes tracking and needs no other weights: cues, and every option of TrackOptions.
DEFAULT = ('model.track_head.match_coeff.0=0:4', 'model.track_head.match_coeff.1=0:8',
           'model.track_head.match_coeff.2=0:16', 'model.track_head.bbox_dummy_iou=0:1',
           'test_cfg.track.max_age=None,5,10,20', 'test_cfg.track.label_memory=first,latest',
           'test_cfg.track.track_score=mean,max,median,coverage',
           'test_cfg.track.similarity=softmax,bisoftmax',
           *(['test_cfg.track.assigner=greedy,hungarian',
              'test_cfg.track.backward.iou_thr=1,0.5,0.3'] if find_spec('scipy') else []),
           f'{EMBEDDING}type=LastEmbedding,MomentumEmbedding,EmbeddingBank',
           f'{EMBEDDING}momentum=0.3,0.5,0.7', f'{EMBEDDING}size=5,10,20',
           f'{EMBEDDING}decay=0.9,1',
           'test_cfg.track.cues.MotionIoU.weight=0:4',
           'test_cfg.track.cues.MotionMaskIoU.weight=0:4',
           'test_cfg.track.start_thr=0,0.1,0.2,0.3,0.5',
           'test_cfg.track.second_round.score_thr=0,0.1,0.2,0.3,0.5',
           'test_cfg.track.second_round.iou_thr=0.3,0.5',
           'test_cfg.track.after_video.DropDuplicates.iou_thr=1,0.8,0.6,0.4',
           'test_cfg.track.after_video.LinkTracks.max_gap=0,5,10,20',
           'test_cfg.track.after_video.VoteClass.by=frames,score')


class Axis(NamedTuple):
    """One setting: some values, or all numbers between two."""
    key: str
    choices: tuple = ()
    low: float = 0
    high: float = 0

    def draw(self, rng: np.random.Generator) -> Any:
        """A value at random."""
        if self.choices:
            return self.choices[int(rng.integers(len(self.choices)))]
        return round(float(rng.uniform(self.low, self.high)), 4)

    def grid(self, steps: int) -> Sequence:
        """All values, or so many at equal distances."""
        return self.choices or np.linspace(self.low, self.high, steps).round(4).tolist()


def parse_axis(text: str) -> Axis:
    """``KEY=A,B,C`` or ``KEY=LOW:HIGH``; a number in the key is a place in a list.

    Raises:
        ValueError: it is neither.
    """
    key, _, values = text.partition('=')
    low, colon, high = values.partition(':')
    try:
        if colon:
            axis = Axis(key, low=float(low), high=float(high))
        else:
            axis = Axis(key, tuple(map(_literal, values.split(','))))
        if not key or not (axis.choices or axis.low < axis.high) or '' in axis.choices:
            raise ValueError
    except ValueError:
        raise BadValue(f'--space {text}: expected KEY=A,B,C or KEY=LOW:HIGH, e.g. {DEFAULT[4]}'
                       ) from None
    return axis


def parse_setting(text: str) -> tuple[str, Any]:
    """``KEY=VALUE`` as key and value.

    Raises:
        ValueError: it is something else.
    """
    key, _, value = text.partition('=')
    if not key or not value:
        raise BadValue(f'{text}: expected KEY=VALUE, e.g. test_cfg.track.max_age=10')
    return key, _literal(value)


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def with_settings(cfg: Config, settings: dict[str, Any]) -> Config:
    """A copy of a config with other values; see :func:`parse_axis` for the keys.

    A part of ``test_cfg.track`` that gets another ``type`` loses the arguments of the one before.

    Raises:
        KeyError: the config has no place for one.
    """
    cfg = copy.deepcopy(cfg)
    for key, value in sorted(settings.items(), key=_outer_first):
        *path, last = key.split('.')
        place: Any = cfg
        try:
            for name in path:
                if isinstance(place, list):
                    place = place[int(name)]
                    continue
                if place.get(name) is None:
                    place[name] = {}
                if isinstance(place[name], tuple):
                    place[name] = list(place[name])
                place = place[name]
            if changes_type(key, value, place):
                place.clear()
            if last.isdigit() and not isinstance(place, list):  # a list that is a default
                raise ValueError
            place[int(last) if isinstance(place, list) else last] = value
        except (ValueError, IndexError, AttributeError, TypeError):
            raise BadKey(f'{key}: the config has no such place; look at it with '
                         'tools/analysis/print_config.py') from None
    return cfg


def _outer_first(setting: tuple[str, Any]) -> tuple[int, bool]:
    """A whole before its parts, a type before its arguments."""
    return setting[0].count('.'), not setting[0].endswith('.type')


def changes_type(key: str, value: Any, place: Any) -> bool:
    """Whether setting ``key`` makes another part of what stands at its place in a config."""
    return (key.startswith('test_cfg.track.') and key.endswith('.type') and isinstance(place, dict)
            and place.get('type', value) != value)


def tracking_of(cfg: Config, settings: dict[str, Any]) -> dict[str, Any]:
    """``test_cfg.track`` with settings; empty where there is none."""
    return with_settings(cfg, settings).test_cfg.get('track') or {}


def every_value(axes: Sequence[Axis]) -> Iterator[dict[str, Any]]:
    """A few settings in which every choice of every axis comes up."""
    values = {axis.key: axis.choices or (axis.low, axis.high) for axis in axes}
    for kind in values.get(f'{EMBEDDING}type', ('', )):  # each with all of its arguments
        for n in range(max(map(len, values.values()))):
            settings = {key: choices[n % len(choices)] for key, choices in values.items()}
            yield fitting({**settings, f'{EMBEDDING}type': kind} if kind else settings)


def fitting(settings: dict[str, Any]) -> dict[str, Any]:
    """Without arguments of an embedding memory that the chosen type does not take."""
    kind = EMBEDDING_MEMORIES.module_dict.get(settings.get(f'{EMBEDDING}type'))
    if kind is None:
        return settings
    taken = {f'{EMBEDDING}{name}' for name in ('type', *inspect.signature(kind).parameters)}
    return {key: value for key, value in settings.items()
            if not key.startswith(EMBEDDING) or key in taken}


def check_used(axes: Sequence[Axis]) -> None:
    """ValueError where an axis is of no type that is tried."""
    used = set().union(*every_value(axes))
    for axis in axes:
        if axis.key not in used:
            raise BadValue(f'--space {axis.key}: no type that is tried takes it')


def overrides(cfg: Config, keys: Sequence[str]) -> dict[str, Any]:
    """What ``--cfg-options`` takes to set these keys as a config has them; lists are whole."""
    found = {}
    for key in keys:
        path = key.split('.')
        place: Any = cfg
        for depth, name in enumerate(path):
            if isinstance(place, list):
                path = path[:depth]
                break
            place = place.get(name)
        found['.'.join(path)] = place
    return found


def settings_to_try(axes: Sequence[Axis], sampler: str, seed: int, steps: int
                    ) -> Iterator[dict[str, Any]]:
    """One setting after the other, the same ones for the same arguments; see :func:`fitting`.

    Args:
        axes: what is varied.
        sampler: ``'random'``, without an end, or ``'grid'``, in random order.
        seed: of the random numbers.
        steps: of a grid, between two numbers.
    """
    if sampler == 'random':
        for number in itertools.count():
            rng = np.random.default_rng([seed, number])
            yield fitting({axis.key: axis.draw(rng) for axis in axes})
    else:
        grids, seen = [axis.grid(steps) for axis in axes], set[str]()
        for place in _shuffled(int(np.prod([len(grid) for grid in grids])), seed):
            picks = np.unravel_index(place, [len(grid) for grid in grids])
            settings = fitting({axis.key: grid[int(pick)]
                                for axis, grid, pick in zip(axes, grids, picks)})
            if (text := json.dumps(settings)) not in seen:
                yield settings
            seen.add(text)


def _shuffled(count: int, seed: int) -> Iterator[int]:
    if count > 10**7:
        raise BadValue(f'--sampler grid: {count} points; give fewer values, fewer --steps, or take '
                       '--sampler random')
    yield from np.random.default_rng(seed).permutation(count).tolist()
