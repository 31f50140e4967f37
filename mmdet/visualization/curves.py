"""A run's json logs, and the picture of them."""
import glob
import json
import os
from collections.abc import Iterable

from matplotlib.figure import Figure

from mmdet.utils.errors import BadValue, MissingFile
from mmdet.visualization.figures import write_figure

Record = dict[str, float]
NOT_CURVES = ('mode', 'epoch', 'iter', 'time', 'data_time', 'memory')


def read_log(path: str) -> list[Record]:
    """The records of one json log; a last line cut short is left out.

    Lines that are no step are passed over: 2019's first describes the machine.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line is no json dict.
    """
    records = []
    with open(path) as file:
        lines = file.read().split('\n')
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            if number == len(lines):
                break
            raise BadValue(f'{path}:{number}: expected one json dict a line; '
                           'give a *.log.json file of a run') from None
        if not isinstance(record, dict):
            raise BadValue(f'{path}:{number}: expected one json dict a line')
        if {'mode', 'epoch', 'iter'} <= record.keys():
            records.append(record)
    return records


def read_run(path: str) -> list[Record]:
    """The records of a log, or of all logs of a work folder, joined.

    Raises:
        FileNotFoundError: there is no log.
        ValueError: see :func:`read_log`.
    """
    paths = [path]
    if os.path.isdir(path):
        paths = sorted(glob.glob(os.path.join(path, '*.log.json')))
    if not paths or not os.path.isfile(paths[0]):
        raise MissingFile(f'{path}: no *.log.json here; give a log or the work folder of a run')
    return join_logs(read_log(p) for p in paths)


def join_logs(logs: Iterable[list[Record]]) -> list[Record]:
    """Logs of a run and its continuations: later ones replace what they redo."""
    joined: list[Record] = []
    for log in logs:
        if log:
            start = min(_place(r) for r in log)
            joined = [r for r in joined if _place(r) < start]
        joined += log
    return joined


def _place(record: Record) -> tuple:
    """Order of a record in a run: epoch, training before validation, step."""
    return record['epoch'], record['mode'] == 'val', record['iter']


def curve(records: list[Record], key: str) -> tuple[list[float], list[float]]:
    """x in epochs and y of every record that has the key."""
    length = max([r['iter'] for r in records if r['mode'] == 'train'], default=1)
    xs, ys = [], []
    for r in records:
        if isinstance(r.get(key), (int, float)):
            train = r['mode'] == 'train'
            xs.append(r['epoch'] - 1 + r['iter'] / length if train else r['epoch'])
            ys.append(r[key])
    return xs, ys


def draw_run(work_dir: str) -> str:
    """Draw losses, learning rate and validation AP of all logs of a folder.

    Returns:
        The path of ``curves.png``.
    """
    records = read_run(work_dir)
    keys = {key: r['mode'] for r in records for key in r}
    losses = [k for k in keys if 'loss' in k]
    panels = [('losses', losses), ('learning rate', ['lr']),
              ('validation', [k for k in keys if k.endswith(('AP', 'AP50'))])]
    panels = [(title, keys) for title, keys in panels if keys]
    figure = Figure(figsize=(5 * len(panels), 4), layout='constrained')
    for axes, (title, names) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        for name in names:
            axes.plot(*curve(records, name), label=name,
                      marker='o' if title == 'validation' else None)
        axes.set(title=title, xlabel='epoch')
        axes.legend(fontsize='small')
        axes.grid(alpha=.3)
        if title == 'losses':
            axes.set_yscale('log')
    path = os.path.join(work_dir, 'curves.png')
    write_figure(figure, path)
    return path
