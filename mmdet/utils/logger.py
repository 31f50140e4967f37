"""The one logger of the package."""
import logging
import os
import sys
from typing import Optional

FORMAT = '%(asctime)s - %(levelname)s - %(message)s'


def _rank() -> int:
    """This process's rank, known before and after the group exists."""
    return int(os.environ.get('RANK', os.environ.get('SLURM_PROCID', 0)))


def get_root_logger(log_file: Optional[str] = None,
                    log_level: str = 'INFO') -> logging.Logger:
    """The logger named ``mmdet``: console, and a file when one is named.

    Rank 0 speaks; other ranks only report errors and write no file. Calling it
    again adds the file if it is new and sets the level.

    Args:
        log_file: path of the text log, its folder is made.
        log_level: a level name of :mod:`logging`.
    """
    logger = logging.getLogger('mmdet')
    logger.propagate = False
    logger.setLevel(log_level if _rank() == 0 else 'ERROR')
    if not logger.handlers:
        _add(logger, logging.StreamHandler(sys.stdout))
    known = [getattr(h, 'baseFilename', None) for h in logger.handlers]
    if log_file and _rank() == 0 and os.path.abspath(log_file) not in known:
        os.makedirs(os.path.dirname(os.path.abspath(log_file)), exist_ok=True)
        _add(logger, logging.FileHandler(log_file))
    return logger


def _add(logger: logging.Logger, handler: logging.Handler) -> None:
    handler.setFormatter(logging.Formatter(FORMAT))
    logger.addHandler(handler)
