"""The hard scenes of moving shapes: what breaks tracks, on purpose.

Look-alikes of the same class and colours cross each other, objects stop behind pillars, leave
and come back elsewhere, and blur as a hand-held camera shakes.
"""
from collections.abc import Callable, Sequence

import cv2
import numpy as np

Shade = Callable[[np.ndarray, np.ndarray], np.ndarray]
RADIUS = (0.12, 0.15)  # of the height; an object fits behind a pillar
PILLAR = (0.22, 0.26)  # of the width
SHUTTER = (-0.3, 0.0, 0.3)  # when a frame is exposed, in frames
SHAKE = (3, 9)  # pixels a shaking frame is smeared over, from and below


def hard_actors(rng: np.random.Generator, length: int, size: tuple[int, int], objects: int,
                classes: int, texture: Callable[[np.random.Generator], Shade]
                ) -> tuple[list[dict], list[tuple[int, int]]]:
    """The objects of a scene, back to front, and its pillars.

    Pairs of look-alikes that cross come first; of what is left some hide behind a pillar, some
    leave and come back.

    Args:
        rng: the only source of chance.
        length: frames.
        size: (width, height) in pixels.
        objects: how many.
        classes: labels are 0 to ``classes - 1``.
        texture: makes the pattern of an object.

    Returns:
        dicts with ``label``, ``radius`` (T,), ``path`` (T, 2) pixels, ``color`` BGR and
        ``shade``; the pillars as (first, behind last) column.
    """
    pillars = _pillars(rng, size[0])
    actors: list[dict] = []
    while len(actors) < objects:
        look = dict(label=int(rng.integers(classes)), color=rng.integers(90, 256, 3),
                    shade=texture(rng))
        radius = rng.uniform(*RADIUS) * size[1]
        if objects - len(actors) >= 2 and len(actors) < objects // 2 * 2 - 2 * (objects > 3):
            paths = _crossing(rng, length, size)
        else:
            paths = [rng.choice([_hiding, _leaving])(rng, length, size, radius, pillars)]
        for path in paths:
            color = (look['color'] + rng.integers(-8, 9, 3)).clip(80, 255)
            pulse = 1 + 0.08 * np.sin(rng.uniform(0, 6) + 0.4 * np.arange(length))
            actors.append(dict(look, color=color, radius=radius * pulse, path=path))
    return [actors[i] for i in rng.permutation(len(actors))], pillars


def _pillars(rng: np.random.Generator, width: int) -> list[tuple[int, int]]:
    """One or two, in different halves."""
    found = []
    for middle in rng.permutation([0.3, 0.7])[:rng.integers(1, 3)]:
        wide = rng.uniform(*PILLAR) * width
        left = (middle + rng.uniform(-0.06, 0.06)) * width - wide / 2
        found.append((int(left), int(left + wide)))
    return found


def _crossing(rng: np.random.Generator, length: int, size: tuple[int, int]) -> list[np.ndarray]:
    """Two paths that meet in the middle of the video, at a place well inside."""
    extent = np.array(size, float)
    where, when = rng.uniform(0.35, 0.65, 2) * extent, rng.uniform(0.35, 0.65) * length
    angle = rng.uniform(0, 2 * np.pi)
    turn = rng.uniform(0.5, 1) * np.pi  # from a right angle to head on
    time = np.arange(length)[:, None] - when
    paths = []
    for direction in (angle, angle + turn):
        speed = rng.uniform(0.7, 1.1) / length * extent
        step = np.array([np.cos(direction), np.sin(direction)]) * speed
        sway = 0.03 * extent * np.sin(0.35 * time + rng.uniform(0, 6))
        paths.append(_inside(where + step * time + sway, extent, 0.08 * extent[1]))
    return paths


def _hiding(rng: np.random.Generator, length: int, size: tuple[int, int], radius: float,
            pillars: Sequence[tuple[int, int]]) -> np.ndarray:
    """Goes behind a pillar, stays there for a fifth to a third of the video, comes out."""
    width, height = size
    first, last = pillars[rng.integers(len(pillars))]
    middle, far = (first + last) / 2, (last - first) / 2 + 2.2 * radius
    begin = rng.uniform(0.25, 0.4) * length
    end = begin + rng.uniform(0.2, 0.34) * length
    side = rng.choice([-1, 1])
    back = rng.choice([-side, side])  # the way it came, or through
    reach = rng.uniform(0.15, 0.25) * length  # frames for the way in, and out
    x = np.interp(np.arange(length), [begin - reach, begin, end, end + reach],
                  [middle + side * far, middle, middle, middle + back * far])
    y = rng.uniform(0.25, 0.75) * height + 0.1 * height * np.sin(
        0.2 * np.arange(length) + rng.uniform(0, 6))
    return np.stack([x, y], 1)


def _leaving(rng: np.random.Generator, length: int, size: tuple[int, int], radius: float,
             pillars: Sequence[tuple[int, int]]) -> np.ndarray:
    """Leaves at one side, is gone for a fifth to two fifths of the video, comes back elsewhere."""
    width, height = size
    begin = rng.uniform(0.2, 0.4) * length
    end = begin + rng.uniform(0.2, 0.4) * length
    out = -1.4 * radius if rng.random() < 0.5 else width + 1.4 * radius
    inner = width * rng.uniform(0.35, 0.65, 2)
    reach = rng.uniform(0.2, 0.3) * length
    time = np.arange(length)
    x = np.interp(time, [begin - reach, begin, end, end + reach], [inner[0], out, out, inner[1]])
    y = np.interp(time, [begin, end], rng.uniform(0.2, 0.8, 2) * height)
    return np.stack([x, y + 0.05 * height * np.sin(0.3 * time + rng.uniform(0, 6))], 1)


def _inside(path: np.ndarray, extent: np.ndarray, margin: float) -> np.ndarray:
    """A path that turns back at the borders."""
    span = extent - 2 * margin
    return margin + span - abs((path - margin) % (2 * span) - span)


def coverage(inside: Callable[[np.ndarray, np.ndarray], np.ndarray], path: np.ndarray, t: int,
             radius: float, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """How long each pixel sees an object while frame ``t`` is exposed, 0 to 1."""
    speed = path[min(t + 1, len(path) - 1)] - path[max(t - 1, 0)]
    seen = np.zeros(rows.shape)
    for moment in SHUTTER:
        x, y = path[t] + speed * moment / 2
        seen += inside((cols - x) / radius, (rows - y) / radius)
    return seen / len(SHUTTER)


def shaking(rng: np.random.Generator, length: int) -> np.ndarray:
    """Pixels that each frame is smeared over, (T, 2) x and y: still, but for two or three times."""
    smear = np.ones((length, 2), int)
    for _ in range(rng.integers(2, 4)):
        start, frames = rng.integers(length), rng.integers(2, 5)
        smear[start:start + frames, rng.integers(2)] = rng.integers(*SHAKE)
    return smear


def smeared(frame: np.ndarray, smear: np.ndarray) -> np.ndarray:
    """A frame as a shaking camera takes it."""
    return frame if (smear == 1).all() else cv2.blur(frame, (int(smear[0]), int(smear[1])))
