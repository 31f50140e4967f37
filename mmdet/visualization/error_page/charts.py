"""Curves of the page, as SVG."""
import io
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure

COLORS = ('#2563a8', '#d9822b')  # this run, the other one


def curves(reports: Sequence[dict[str, Any]], names: Sequence[str]) -> str:
    """Precision over recall, AP over the IoU threshold, and how long objects are held.

    Args:
        reports: summaries of one or two runs.
        names: of the runs.

    Returns:
        an ``<svg>`` element.
    """
    figure = Figure(figsize=(12, 3.4), layout='constrained')
    precision, ap, ages = figure.subplots(1, 3)
    for report, name, color in zip(reports, names, COLORS):
        _precision(precision, report, name, color)
        ap.plot(report['thresholds'], report['ap_per_threshold'], marker='o', color=color,
                markersize=3, label=name)
        _ages(ages, report, name, color)
    precision.set(title='precision, mean over classes', xlabel='recall, %', ylabel='precision, %')
    ap.set(title='AP by IoU threshold', xlabel='IoU', ylabel='AP')
    ages.set(title='objects held by a track', xlabel='frames since first seen', ylabel='%')
    for axes in (precision, ap, ages):
        axes.set_ylim(0, 103)
        axes.grid(alpha=.25)
        axes.spines[['top', 'right']].set_visible(False)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(fontsize='small', frameon=False)
    return _svg(figure)


def _precision(axes: Any, report: dict, name: str, color: str) -> None:
    for style, (iou, values) in zip(('-', '--'), report['curves']['precision'].items()):
        if values[0] is not None:
            axes.plot(report['curves']['recall'], values, style, color=color,
                      label=f'{name}, IoU {iou}')


def _ages(axes: Any, report: dict, name: str, color: str) -> None:
    """Ages that too few objects reach only show noise."""
    seen, held, kept = report['ages'].values()
    shown = sum(number >= max(5, .05 * max(seen, default=0)) for number in seen) or len(seen)
    for values, style, label in ((held, '-', 'any'), (kept, '--', 'the first')):
        share = [100 * part / whole if whole else None
                 for part, whole in zip(values[:shown], seen[:shown])]
        axes.plot(range(len(share)), [float('nan') if s is None else s for s in share], style,
                  color=color, label=f'{name}, {label}')


def _svg(figure: Figure) -> str:
    """The figure as an element without a date or random names in it."""
    text = io.StringIO()
    with matplotlib.rc_context({'svg.fonttype': 'none', 'svg.hashsalt': 'curves',
                                'font.family': 'sans-serif'}):
        figure.savefig(text, format='svg', metadata={'Date': None})
    return text.getvalue()[text.getvalue().index('<svg'):]
