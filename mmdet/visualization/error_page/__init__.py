"""One self-contained page about the errors of a result file, or of two side by side."""
from mmdet.visualization.error_page.page import PageOptions, write_page
from mmdet.visualization.error_page.videos import Run

__all__ = ['PageOptions', 'Run', 'write_page']
