"""Trials of a search as a picture: the score over every setting."""
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mmdet.visualization.figures import write_figure


def plot_trials(trials: Sequence[tuple[dict[str, Any], float]], baseline: float,
                shares: Mapping[str, float], path: str | os.PathLike, score: str = 'AP') -> None:
    """A panel per setting, a point per trial, a bar at the mean of each value.

    Args:
        trials: settings and their score in percent.
        baseline: of the config as it is, a line.
        shares: by setting, the share of the variance it explains; the largest comes first.
        path: where the picture goes; the ending says its kind.
        score: its name.

    Raises:
        BadValue, CannotWrite: see :func:`~.figures.write_figure`.
    """
    keys = sorted(shares, key=lambda key: -shares[key])
    columns = min(4, len(keys))
    rows = -(-len(keys) // columns)
    figure = Figure(figsize=(4 * columns, 3 * rows), layout='constrained')
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for panel in panels.flat[len(keys):]:
        panel.set_visible(False)
    for panel, key in zip(panels.flat, keys):
        pairs = [(settings[key], value) for settings, value in trials
                 if key in settings and value == value]
        values = [value for value, _ in pairs]
        names = list(map(str, sorted(set(values), key=_rank)))
        few = len(names) <= 6 or not all(isinstance(value, (int, float)) for value in values)
        places = [names.index(str(value)) for value in values] if few else values
        heights = np.array([height for _, height in pairs])
        panel.plot(places, heights, '.', color='#2563a8', alpha=.5)
        if few:
            turn = dict(rotation=20, ha='right') if max(map(len, names), default=0) > 6 else {}
            panel.set_xticks(range(len(names)), names, **turn)
            for place in set(places):
                panel.hlines(heights[np.array(places) == place].mean(), place - .3, place + .3,
                             color='#0f2d4d')
        panel.axhline(baseline, color='#d9822b', label='the config as it is')
        panel.set_title(f'{".".join(key.split(".")[-2:])}: {shares[key]:.0%}', fontsize='medium')
        panel.grid(alpha=.25)
    for row in panels:
        row[0].set_ylabel(score)
    panels.flat[0].legend(fontsize='small')
    write_figure(figure, path, dpi=110)


def _rank(value: Any) -> tuple:
    """Words first, then numbers by size."""
    number = isinstance(value, (int, float))
    return number, value if number else 0, str(value)
