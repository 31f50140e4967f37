"""``test_cfg.track``: how objects are followed; as in 2019 unless a config says otherwise."""
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmdet.core.track.after_video import Step
from mmdet.core.track.assignment import SecondRound, needs_scipy
from mmdet.core.track.backward import Backward
from mmdet.core.track.embedding_memory import EmbeddingMemory
from mmdet.core.track.registry import (AFTER_VIDEO, CUES, EMBEDDING_MEMORIES, ID_ASSIGNERS,
                                       SIMILARITIES, named_function)
from mmdet.utils.errors import BadType, BadValue
from mmdet.utils.registry import Registry, check_keys

Parts = Mapping[str, Mapping[str, Any] | None]


class TrackOptions:
    """The settings of tracking, checked and built.

    Args:
        label_memory: ``'first'`` or ``'latest'``: which label an object is remembered with.
        max_age: frames after which an unseen object is no longer matched; None: never.
        track_score: see :class:`~mmdet.formats.results.TrackWriter`; not used here.
        similarity: name in ``SIMILARITIES``: ``'softmax'``, ``'bisoftmax'``.
        assigner: name in ``ID_ASSIGNERS``: ``'greedy'``, ``'hungarian'``.
        start_thr: least detection score to start an object.
        second_round: arguments of :class:`SecondRound`; None: off.
        embedding: ``dict(type=...)`` of ``EMBEDDING_MEMORIES``: ``LastEmbedding``,
            ``MomentumEmbedding``, ``EmbeddingBank``; None: the last.
        cues: name in ``CUES`` to its arguments, e.g. ``dict(MotionIoU=dict(weight=2))``.
        backward: arguments of :class:`Backward`; None: off.
        after_video: name in ``AFTER_VIDEO`` to its arguments; run in this order over the tracks
            of a finished video. An entry that is None is off, here and in ``cues``.

    Raises:
        TypeError, ValueError, KeyError: a setting is wrong; the sentence names it.
        ImportError: what a setting needs is not installed.
    """

    def __init__(self, label_memory: str = 'first', max_age: int | None = None,
                 track_score: str = 'mean', similarity: str = 'softmax',
                 assigner: str = 'greedy', start_thr: float = 0,
                 second_round: Mapping[str, float] | None = None,
                 embedding: dict[str, Any] | None = None, cues: Parts | None = None,
                 backward: Mapping[str, float] | None = None,
                 after_video: Parts | None = None) -> None:
        if label_memory not in ('first', 'latest'):
            raise BadValue("test_cfg.track.label_memory is 'first' or 'latest', "
                           f'got {label_memory!r}')
        if max_age is not None and (type(max_age) is not int or max_age < 1):
            raise BadValue(f'test_cfg.track.max_age is {max_age!r}; expected a whole number of '
                           'frames from 1 up, or None')
        self.label_memory, self.max_age = label_memory, max_age
        where = 'test_cfg.track.'
        self.similarity = named_function(SIMILARITIES, similarity, f'{where}similarity')
        self.assigner = named_function(ID_ASSIGNERS, assigner, f'{where}assigner')
        if assigner == 'hungarian':
            needs_scipy(f'{where}assigner="hungarian"')
        self.start_thr = _share(start_thr, f'{where}start_thr')
        self.second_round = _second_round(second_round or {}, f'{where}second_round')
        self.backward = _backward(backward, f'{where}backward')
        self.embedding: EmbeddingMemory | None = (
            EMBEDDING_MEMORIES.build(embedding) if embedding else None)
        self.cues: Sequence[Callable] = [
            cue for cue in _parts(CUES, cues, f'{where}cues') if getattr(cue, 'weight', 1)]
        self.reads = frozenset(name for cue in self.cues for name in getattr(cue, 'reads', ()))
        if unknown := self.reads - {'velocities', 'masks'}:
            raise BadValue(f"test_cfg.track.cues: a cue reads {', '.join(sorted(unknown))}; "
                           "expected 'velocities' or 'masks'")
        self.after_video: Sequence[Step] = _parts(AFTER_VIDEO, after_video, f'{where}after_video')

    @property
    def in_rounds(self) -> bool:
        """Whether there is more to assignment than the assigner."""
        return bool(self.start_thr or self.second_round.score_thr)


def _share(value: Any, where: str) -> float:
    """``value`` as a number from 0 to 1; None is 0."""
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise BadValue(f'{where} is {value!r}; expected a number from 0 to 1')
    return float(value)


def _second_round(args: Any, where: str) -> SecondRound:
    check_keys(args, SecondRound._fields, where)
    return SecondRound(**{key: _share(value, f'{where}.{key}') for key, value in args.items()})


def _backward(args: Any, where: str) -> Backward | None:
    if args is None:
        return None
    check_keys(args, Backward._fields, where)
    option = Backward(**{key: _share(value, f'{where}.{key}') for key, value in args.items()})
    if option.iou_thr >= 1:
        return None
    needs_scipy(where)
    return option


def _parts(registry: Registry, parts: Any, where: str) -> list:
    """The parts of a dict from names to arguments."""
    if not isinstance(parts or {}, dict):
        raise BadType(f'{where} is a dict from names to arguments, '
                      f'e.g. dict({next(iter(registry.module_dict))}=dict()), got {parts!r}')
    built = []
    for name, args in (parts or {}).items():
        if args is not None:
            if not isinstance(args, dict):
                raise BadType(f'{where}.{name} must be a dict of arguments, got {args!r}')
            built.append(registry.build({'type': name, **args}))
    return built
