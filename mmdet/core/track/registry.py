"""Parts of tracking that a config names under ``test_cfg.track``; add your own the same way."""
from collections.abc import Callable
from typing import Any

from mmdet.utils.errors import BadKey
from mmdet.utils.registry import Registry, nearest

# Functions: (N, M + 1) logits -> (N, M + 1) log-probabilities; column 0 is "new object".
SIMILARITIES = Registry('similarity')
# Functions: (N, M + 1) match scores -> (N,) int64 rows, see :func:`assign_ids`.
ID_ASSIGNERS = Registry('id assigner')
# Classes: how the embeddings of an object become the one it is matched by.
EMBEDDING_MEMORIES = Registry('embedding memory')
# Classes: (detections, memory) -> (N, M) added to the match scores, times ``weight``.
CUES = Registry('cue')
# Classes: a finished video's tracks -> the same with other ids and labels.
AFTER_VIDEO = Registry('after_video')


def named_function(registry: Registry, name: str, where: str) -> Callable[..., Any]:
    """A registered function.

    Raises:
        KeyError: there is none of that name.
    """
    found = registry.module_dict.get(name) if isinstance(name, str) else None
    if found is None:
        raise BadKey(f'{where} has no "{name}"{nearest(name, registry.module_dict)}')
    return found
