"""A small data set in YouTube-VIS format, drawn from a seed: moving shapes.

Discs, boxes, triangles and the like drift, bounce, leave and come back over a
textured background and hide each other. It is big enough to train a small
model in minutes on a CPU and to score it on videos it never saw. The preset
``hard`` is for telling trackers apart; see :mod:`mmdet.curation.hard_shapes`.
"""
import dataclasses
import json
import pathlib
import shutil
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from mmdet.curation import hard_shapes
from mmdet.formats.entries import mask_lists
from mmdet.formats.json_files import read_json, write_json
from mmdet.formats.pictures import write_picture
from mmdet.utils.errors import BadValue, FileInTheWay

VERSION = 1  # raise it when the same options draw other pictures
MIN_VISIBLE = 16  # pixels; an object that shows less counts as absent
GRAIN = 24  # the grey levels that change from frame to frame
SPEC_FILE = 'shapes.json'

# Each tells which points belong to the shape; u, v: offset from its centre in
# units of its radius, v points down.
KINDS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    'disc': lambda u, v: u * u + v * v <= 1,
    'box': lambda u, v: (abs(u) <= 1) & (abs(v) <= 0.7),
    'triangle': lambda u, v: (v <= 0.6) & (v >= -1) & (abs(u) <= 0.6 * (v + 1)),
    'ring': lambda u, v: (u * u + v * v <= 1) & (u * u + v * v >= 0.25),
    'cross': lambda u, v: (np.minimum(abs(u), abs(v)) <= 0.35) &
                          (np.maximum(abs(u), abs(v)) <= 1),
    'diamond': lambda u, v: abs(u) + abs(v) <= 1,
}


@dataclasses.dataclass(frozen=True)
class ShapesSpec:
    """Everything the pictures depend on.

    Attributes:
        train_videos, val_videos: how many videos each part has.
        length: frames a video.
        size: (width, height) in pixels.
        objects: objects a video; some may be hidden or outside for a while.
        classes: names out of ``KINDS``; category ids are 1, 2, ... in this order.
        seed: another seed gives other videos.
        preset: ``easy`` or ``hard`` scenes.
    """
    train_videos: int = 160
    val_videos: int = 15
    length: int = 12
    size: tuple[int, int] = (192, 128)
    objects: int = 3
    classes: tuple[str, ...] = ('disc', 'box', 'triangle')
    seed: int = 0
    preset: str = 'easy'

    def __post_init__(self) -> None:
        if self.preset not in ('easy', 'hard'):
            raise BadValue(f'preset: expected easy or hard, got {self.preset}')
        unknown = [name for name in self.classes if name not in KINDS]
        if unknown or not self.classes or len(set(self.classes)) < len(self.classes):
            raise BadValue(f'classes: expected different names out of {", ".join(KINDS)}, '
                           f'got {", ".join(self.classes) or "none"}')
        if min(self.size) < 32:
            raise BadValue('size: expected at least 32x32 pixels, got '
                           f'{self.size[0]}x{self.size[1]}')
        if min(self.length, self.objects) < 1 or min(self.train_videos, self.val_videos) < 0:
            raise BadValue('expected at least one frame and one object a video and no negative '
                           f'number of videos, got {self}')

    def as_json(self) -> dict:
        """The options and the version of the drawing, as written beside the data."""
        content = dict(dataclasses.asdict(self), version=VERSION)
        if self.preset == 'easy':  # as it was written before there was another
            del content['preset']
        return json.loads(json.dumps(content))


PRESETS = {'easy': ShapesSpec(),
           'hard': ShapesSpec(train_videos=120, val_videos=30, length=36, objects=5, preset='hard')}


def _bounce(path: np.ndarray, size: float, margin: float) -> np.ndarray:
    """Fold a straight path back into [margin, size - margin]."""
    span = size - 2 * margin
    return margin + span - abs((path - margin) % (2 * span) - span)


def _path(rng: np.random.Generator, spec: ShapesSpec, radius: float) -> np.ndarray:
    """Centres of one object, float (T, 2) pixels: it drifts, bounces or swings out and back."""
    size = np.array(spec.size, float)
    time = np.arange(spec.length)[:, None]
    start = rng.uniform(0.2, 0.8, 2) * size
    speed = rng.uniform(-0.05, 0.05, 2) * size
    way = rng.choice(['drift', 'bounce', 'swing'])
    path = start + speed * time
    if way == 'bounce':
        path = start + 1.5 * speed * time
        return np.stack([_bounce(path[:, i], size[i], min(radius, size[i] / 3)) for i in (0, 1)], 1)
    if way == 'swing':
        # Beyond the left or right border at the far end of the swing, so the object comes back.
        side = rng.choice([-1, 1])
        turn = np.sin(np.pi * (time[:, 0] + rng.uniform(0, 4)) / max(spec.length, 8))
        path[:, 0] = size[0] / 2 + side * turn * (size[0] / 2 + 1.3 * radius)
    return path


def _texture(rng: np.random.Generator) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A pattern fixed to an object: brightness in (0, 1] for offsets u, v."""
    kind = rng.choice(['plain', 'stripes', 'checks'])
    angle, period = rng.uniform(0, np.pi), rng.uniform(0.3, 0.7)
    cos, sin = np.cos(angle), np.sin(angle)

    def shade(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        if kind == 'plain':
            return np.ones_like(u)
        odd = np.floor((u * cos + v * sin) / period) % 2
        if kind == 'checks':
            odd = (odd + np.floor((v * cos - u * sin) / period)) % 2
        return 1 - 0.15 * odd

    return shade


def _background(rng: np.random.Generator, spec: ShapesSpec) -> np.ndarray:
    """Darker than the objects: blocks under a smooth wash of colour, float (h, w, 3)."""
    width, height = spec.size
    blocks = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3))
    blocks = blocks.repeat(8, 0).repeat(8, 1)[:height, :width]
    wash = cv2.resize(rng.uniform(0, 256, (4, 6, 3)), spec.size, interpolation=cv2.INTER_LINEAR)
    return 0.1 * blocks + 0.2 * wash


def _actors(rng: np.random.Generator, spec: ShapesSpec) -> list[dict]:
    """The objects of a video, back to front; ``label`` is an index into ``spec.classes``."""
    actors = []
    rounds = -(-spec.objects // len(spec.classes))
    labels = [rng.permutation(len(spec.classes)) for _ in range(rounds)]  # all before one again
    for label in np.concatenate(labels)[:spec.objects]:
        radius = rng.uniform(0.12, 0.22) * spec.size[1]
        pulse = 1 + 0.1 * np.sin(rng.uniform(0, 6) + 0.5 * np.arange(spec.length))
        actors.append(dict(label=int(label), radius=radius * pulse,
                           path=_path(rng, spec, radius), color=rng.integers(90, 256, 3),
                           shade=_texture(rng)))
    return actors


def draw_video(spec: ShapesSpec, split: str,
               index: int) -> tuple[np.ndarray, list[int], np.ndarray]:
    """Draw one video; a pure function of its arguments.

    Args:
        spec: the data set.
        split: ``'train'`` or ``'val'``.
        index: number of the video in its split.

    Returns:
        frames uint8 (T, h, w, 3) BGR; labels, for every object its 0-based
        class; masks bool (n, T, h, w), the visible pixels only.
    """
    rng = np.random.default_rng([spec.seed, ('train', 'val').index(split), index])
    width, height = spec.size
    if spec.preset == 'hard':
        return _draw_hard(rng, spec)
    background, actors = _background(rng, spec), _actors(rng, spec)
    rows, cols = np.mgrid[:height, :width].astype(float)
    frames = np.zeros((spec.length, height, width, 3), np.uint8)
    masks = np.zeros((spec.objects, spec.length, height, width), bool)
    for t in range(spec.length):
        frame = background.copy()
        for i, actor in enumerate(actors):
            x, y = actor['path'][t]
            u, v = (cols - x) / actor['radius'][t], (rows - y) / actor['radius'][t]
            inside = KINDS[spec.classes[actor['label']]](u, v)
            frame[inside] = actor['color'] * actor['shade'](u, v)[inside, None]
            masks[:i, t, inside] = False
            masks[i, t] = inside
        frame += rng.uniform(-GRAIN / 2, GRAIN / 2, (height, width, 1))
        frames[t] = frame.clip(0, 255)
    return frames, [actor['label'] for actor in actors], masks


def _draw_hard(rng: np.random.Generator,
               spec: ShapesSpec) -> tuple[np.ndarray, list[int], np.ndarray]:
    """A hard scene; returns what :func:`draw_video` does."""
    width, height = spec.size
    background, front = _background(rng, spec), 1.5 * _background(rng, spec)
    actors, pillars = hard_shapes.hard_actors(rng, spec.length, spec.size, spec.objects,
                                              len(spec.classes), _texture)
    smear = hard_shapes.shaking(rng, spec.length)
    rows, cols = np.mgrid[:height, :width].astype(float)
    frames = np.zeros((spec.length, height, width, 3), np.uint8)
    masks = np.zeros((spec.objects, spec.length, height, width), bool)
    for t in range(spec.length):
        frame = background.copy()
        for i, actor in enumerate(actors):
            seen = hard_shapes.coverage(KINDS[spec.classes[actor['label']]], actor['path'], t,
                                        actor['radius'][t], rows, cols)
            x, y = actor['path'][t]
            shade = actor['shade']((cols - x) / actor['radius'][t], (rows - y) / actor['radius'][t])
            frame += seen[..., None] * (actor['color'] * shade[..., None] - frame)
            masks[:i, t, seen >= 0.5] = False
            masks[i, t] = seen >= 0.5
        for first, last in pillars:
            frame[:, first:last] = front[:, first:last]
            masks[:, t, :, first:last] = False
        frame = hard_shapes.smeared(frame, smear[t])
        frame += rng.uniform(-GRAIN / 2, GRAIN / 2, (height, width, 1))
        frames[t] = frame.clip(0, 255)
    return frames, [actor['label'] for actor in actors], masks


def _annotation(masks: np.ndarray) -> dict | None:
    """The per-frame entries of one object, masks bool (T, h, w); None if it never shows."""
    seen = masks.sum((1, 2)) >= MIN_VISIBLE
    if not seen.any():
        return None
    return mask_lists([mask_utils.encode(np.asfortranarray(mask, np.uint8)) if visible else None
                       for mask, visible in zip(masks, seen)])


def _write_frames(frames: np.ndarray, folder: pathlib.Path) -> list[str]:
    """Write JPEG files; returns their names as the json lists them."""
    folder.mkdir(parents=True)
    names = []
    for t, frame in enumerate(frames):
        path = folder / f'{t:05d}.jpg'
        write_picture(frame, path)
        names.append(f'{folder.name}/{path.name}')
    return names


def _write_split(root: pathlib.Path, spec: ShapesSpec, split: str, count: int) -> Iterator[None]:
    """Write frames and json of one split; yields after every video."""
    width, height = spec.size
    shape = dict(width=width, height=height, length=spec.length)
    videos, annotations = [], []
    for index in range(count):
        frames, labels, masks = draw_video(spec, split, index)
        names = _write_frames(frames, root / split / 'JPEGImages' / f'{split}_{index:04d}')
        videos.append(dict(id=index + 1, file_names=names, **shape))
        for label, track in zip(labels, masks):
            entry = _annotation(track)
            if entry is not None:
                annotations.append(dict(id=len(annotations) + 1, video_id=index + 1, iscrowd=0,
                                        category_id=label + 1, **shape, **entry))
        yield
    categories = [dict(id=i, name=name, supercategory='shape')
                  for i, name in enumerate(spec.classes, 1)]
    content = dict(info=dict(description='moving shapes', **spec.as_json()), videos=videos,
                   annotations=annotations, categories=categories)
    path = root / 'annotations' / f'instances_{split}.json'
    write_json(content, path)


def is_complete(out: str | pathlib.Path, spec: ShapesSpec) -> bool:
    """Whether ``out`` holds exactly this data set, whole."""
    path = pathlib.Path(out) / SPEC_FILE
    return path.is_file() and read_json(path) == spec.as_json()


def make_shapes(out: str | pathlib.Path, spec: ShapesSpec = ShapesSpec(), force: bool = False,
                progress: Callable[[int, int], None] | None = None) -> bool:
    """Write the data set to a new folder in the layout of YouTube-VIS.

    It is written beside ``out`` and renamed when whole, so a folder ``out`` is
    never half a data set.

    Args:
        out: the folder to make.
        spec: what to draw.
        force: replace a folder with other content.
        progress: called with (videos written, videos in all).

    Returns:
        False if ``out`` was there with the same content already.

    Raises:
        FileExistsError: ``out`` has other content and ``force`` is not set.
    """
    out = pathlib.Path(out)
    if is_complete(out, spec) and not force:
        return False
    if out.exists() and any(out.iterdir()) and not force:
        raise FileInTheWay(f'{out}: expected a new folder or the same data set, found other '
                           'content; give another --out, or --force to replace it')
    part = out.with_name(f'{out.name}.partial')
    if part.is_symlink():
        part.unlink()
    shutil.rmtree(part, ignore_errors=True)  # of a start that was killed
    part.mkdir(parents=True)
    counts = dict(train=spec.train_videos, val=spec.val_videos)
    done = 0
    for split, count in counts.items():
        for _ in _write_split(part, spec, split, count):
            done += 1
            if progress is not None:
                progress(done, sum(counts.values()))
    write_json(spec.as_json(), part / SPEC_FILE)
    if out.exists():
        shutil.rmtree(out)
    part.rename(out)
    return True
