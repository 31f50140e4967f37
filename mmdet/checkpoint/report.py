"""What became of every tensor of a checkpoint."""
import dataclasses
import re

# What differs by design between COCO or ImageNet weights and a tracker.
_MAY_DIFFER = re.compile(r'(bbox_head\.(\d+\.)?fc_(cls|reg)|mask_head\.(\d+\.)?conv_logits)\.')
_MAY_MISS = re.compile(r'track_head\.')
_MAY_EXCEED = re.compile(r'fc\.(weight|bias)$|layer\d\.')  # of a backbone with fewer stages


@dataclasses.dataclass
class LoadReport:
    """What happened to every tensor of a checkpoint.

    Attributes:
        source: where the weights came from.
        note: what a conversion did, or ''.
        loaded: keys copied into the model.
        shape: (key, shape in the file, shape in the model), not copied.
        missing: keys of the model the file lacks.
        unexpected: keys of the file the model lacks.
        meta: the checkpoint's ``meta`` dict.
    """
    source: str
    note: str = ''
    loaded: list[str] = dataclasses.field(default_factory=list)
    shape: list[tuple[str, tuple, tuple]] = dataclasses.field(default_factory=list)
    missing: list[str] = dataclasses.field(default_factory=list)
    unexpected: list[str] = dataclasses.field(default_factory=list)
    meta: dict = dataclasses.field(default_factory=dict)

    def skipped(self, expected: bool) -> list[str]:
        """One phrase per tensor not loaded, expected ones or the others."""
        found = [(f'{key} is {file} in the file, {model} in the model',
                  bool(_MAY_DIFFER.search(key)))
                 for key, file, model in self.shape]
        found += [(f'{key} is missing', bool(_MAY_MISS.match(key))) for key in self.missing]
        found += [(f'{key} is not in the model', bool(_MAY_EXCEED.match(key)))
                  for key in self.unexpected]
        return [phrase for phrase, usual in found if usual == expected]

    def summary(self) -> str:
        """The report in one line, expected skips by module."""
        parts = [f'{self.source}: loaded {len(self.loaded)} tensors']
        if self.note:
            parts.append(self.note)
        for name, keys in (('other shape', [s[0] for s in self.shape]),
                           ('missing', self.missing),
                           ('unexpected', self.unexpected)):
            if keys:
                modules = sorted({key.rpartition('.')[0] for key in keys})
                parts.append(f'{name}: {", ".join(modules[:8])}' +
                             (', ...' if len(modules) > 8 else ''))
        return '; '.join(parts)
