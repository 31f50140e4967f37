"""Figures as files."""
import io
import os

from matplotlib.figure import Figure

from mmdet.utils.errors import BadValue
from mmdet.utils.fileio import write_bytes


def write_figure(figure: Figure, path: str | os.PathLike, dpi: int = 100) -> None:
    """Write a figure; the ending of the name says the format, png without one.

    Raises:
        BadValue: matplotlib writes no such format.
        CannotWrite: the disk is full or read-only.
    """
    kind = os.path.splitext(os.fspath(path))[1][1:].lower() or 'png'
    known = figure.canvas.get_supported_filetypes()
    if kind not in known:
        raise BadValue(f'{path}: expected a name that ends with one of {", ".join(sorted(known))}')
    data = io.BytesIO()
    figure.savefig(data, format=kind, dpi=dpi)
    write_bytes(data.getvalue(), path)
