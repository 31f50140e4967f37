"""Checkpoints of other code bases as files of this one, and of runs as weights to publish."""
import dataclasses
import re
from typing import Any

from torch import Tensor

from mmdet.checkpoint.convert import ssd_background_first, to_classic
from mmdet.checkpoint.weights import weights_of
from mmdet.utils.errors import BadValue

KEPT_META = 'CLASSES', 'epoch', 'iter', 'seed', 'best', 'metrics', 'mmdet_version'
CONVENTIONS = (
    'boxes end on their last pixel here and were half-open there, anchors stand half a pixel '
    'further, RoIs are sampled without the half-pixel shift: scores differ a little until some '
    'epochs are trained with this code')


@dataclasses.dataclass
class Upgraded:
    """What became of a checkpoint.

    Attributes:
        checkpoint: ``meta`` and ``state_dict``, nothing else.
        origin: which code wrote the file, in words.
        renamed: keys that have another name now, by their new one.
        changed: keys whose rows were moved, added or taken out.
        dropped: keys, and entries beside the weights, that were left out.
        notes: what to know about the weights.
    """
    checkpoint: dict[str, Any]
    origin: str
    renamed: dict[str, str]
    changed: list[str]
    dropped: list[str]
    notes: list[str]

    def summary(self) -> str:
        """A line for each of these."""
        kept = len(self.checkpoint['state_dict'])
        lines = [f'written by {self.origin}', f'{kept} tensors, {len(self.renamed)} renamed']
        if self.renamed:
            new, old = next(iter(self.renamed.items()))
            lines[-1] += f', e.g. {old} is {new}'
        for title, names in (('rows moved, added or taken out', self.changed),
                             ('left out', self.dropped)):
            if names:
                more = f' and {len(names) - 8} more' if len(names) > 8 else ''
                lines.append(f'{title}: {", ".join(names[:8])}{more}')
        return '\n'.join(lines + self.notes)


def weights_only(checkpoint: dict, source: str) -> dict[str, Any]:
    """Weights and what a user of them asks for; optimiser, counters and averages are left out.

    Raises:
        ValueError: there are no weights.
    """
    state = weights_of(checkpoint)
    if not state:
        raise BadValue(f'{source}: holds no weights ("state_dict"); give a checkpoint of a run')
    found = dict(checkpoint.get('meta') or {})
    dataset = found.get('dataset_meta') or {}  # of mmdetection 3
    classes = found.get('CLASSES') or dataset.get('classes') or dataset.get('CLASSES')
    meta = {key: found[key] for key in KEPT_META if key in found}
    if classes:
        meta['CLASSES'] = list(classes)
    return dict(meta=meta, state_dict=state)


def upgrade(checkpoint: dict, source: str) -> Upgraded:
    """Weights of mmdetection 1, 2 or 3, mmtracking or torchvision with the classic keys.

    Args:
        checkpoint: from :func:`mmdet.checkpoint.read_checkpoint`; it is not changed.
        source: for messages.

    Raises:
        ValueError: it holds no weights, or none of a detector.
    """
    published, meta = weights_only(checkpoint, source), checkpoint.get('meta') or {}
    before = {key: value for key, value in published['state_dict'].items()
              if not key.startswith('data_preprocessor.')}
    after, note = to_classic(before)
    if _ssd_of_2(before, meta):
        after, note = ssd_background_first(before), 'converted from mmdetection 2'
    if not any(key.startswith('backbone.') for key in after):
        raise BadValue(f'{source}: holds {", ".join(list(before)[:3])}, ..., no detector of '
                       'mmdetection, mmtracking or torchvision; weights of a backbone alone go '
                       'into "pretrained" of a config as they are')
    dropped = [key for key in published['state_dict'] if key not in before]
    dropped += [f'"{key}"' for key in checkpoint
                if key not in ('meta', 'state_dict') and 'state_dict' in checkpoint]
    published['state_dict'] = after
    foreign = bool(note) and 'torchvision' not in note or _major(meta) > 1
    if foreign or _major(meta):
        published['meta'].pop('mmdet_version', None)  # theirs
    return Upgraded(
        published, _origin(note, meta), *_compare(before, after), dropped,
        [text for text in (note.partition('; ')[2], CONVENTIONS if foreign else '') if text])


def _major(meta: dict) -> int:
    """1, 2 or 3 of mmdetection; 0 where this code or none it knows wrote the file."""
    found = re.match(r'\d+', str(meta.get('mmdet_version', '')))
    theirs = 'mmcv_version' in meta or 'dataset_meta' in meta
    return int(found[0]) if found and theirs else 0


def _ssd_of_2(state: dict[str, Tensor], meta: dict) -> bool:
    """Whether SSD has the classic keys, but its background last."""
    return _major(meta) == 2 and 'bbox_head.cls_convs.0.weight' in state


def _origin(note: str, meta: dict) -> str:
    if 'mmtracking' in note:
        return f'mmtracking {meta.get("mmtrack_version", "")}'.rstrip()
    if _major(meta):
        return f'mmdetection {meta["mmdet_version"]}'
    return note.partition('; ')[0].removeprefix('converted from ').removesuffix(' keys') or (
        'the 2019 code, mmdetection 0 or 1, or this code')


def _compare(before: dict[str, Tensor], after: dict[str, Tensor]
             ) -> tuple[dict[str, str], list[str]]:
    """What is renamed and what is changed; a conversion hands on the tensors that it only names."""
    place = {value.data_ptr(): key for key, value in before.items() if value.numel()}
    renamed = {key: place[value.data_ptr()] for key, value in after.items()
               if place.get(value.data_ptr(), key) != key}
    changed = [key for key, value in after.items()
               if value.numel() and value.data_ptr() not in place]
    return renamed, changed
