"""Why AP is what it is: types of errors, causes, oracles, groups, intervals, two runs compared.

Everything is computed from a result file and the annotations. :class:`~.analysis.Analysis` holds
the arrays, :func:`~.summary.summarize` makes the report, :func:`~.compare.compare` adds a second
run to it, :mod:`~.tables` shows it.
"""
from mmdet.utils.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, {
    'mmdet.evaluation.errors.analysis': ['Analysis', 'Options'],
    'mmdet.evaluation.errors.compare': ['compare'],
    'mmdet.evaluation.errors.summary': ['summarize'],
    'mmdet.evaluation.errors.tables': ['tables', 'to_csv'],
})
