"""The one logger of the package."""
import contextlib
import logging
import os
import sys

FORMAT = '%(asctime)s - %(levelname)s - %(message)s'


def _rank() -> int:
    """This process's rank, known before and after the group exists."""
    return int(os.environ.get('RANK', os.environ.get('SLURM_PROCID', 0)))


def get_root_logger(log_level: str | int = 'INFO',
                    log_file: str | None = None) -> logging.Logger:
    """The logger named ``mmdet``: console, and a file when one is named.

    Rank 0 speaks; other ranks only report errors and write no file. Calling it
    again sets the level, and another file takes the place of the first.
    ``logger.info(text, extra=dict(file_only=True))`` spares the console.

    Args:
        log_level: a level of :mod:`logging`, by name or number.
        log_file: path of the text log, its folder is made.
    """
    logger = logging.getLogger('mmdet')
    logger.propagate = False
    logger.setLevel(log_level if _rank() == 0 else 'ERROR')
    if not logger.handlers:
        console = logging.StreamHandler(sys.stdout)
        console.addFilter(lambda r: not getattr(r, 'file_only', False))
        _add(logger, console)
    if log_file and _rank() == 0:
        _write_to(logger, os.path.abspath(log_file))
    return logger


class PatientFileHandler(logging.FileHandler):
    """A log file; where it cannot be written, the program goes on and says so once."""
    failed = False

    def handleError(self, record: logging.LogRecord) -> None:
        if not self.failed:
            sys.stderr.write(f'{self.baseFilename}: lines are missing from here on '
                             f'({sys.exc_info()[1]}); the program goes on\n')
        self.failed = True


def _write_to(logger: logging.Logger, path: str) -> None:
    for handler in list(logger.handlers):
        if isinstance(handler, logging.FileHandler):
            if handler.baseFilename == path:
                return
            logger.removeHandler(handler)
            with contextlib.suppress(OSError):  # of a full disk, said before
                handler.close()
    os.makedirs(os.path.dirname(path), exist_ok=True)
    _add(logger, PatientFileHandler(path, encoding='utf-8', errors='backslashreplace'))


def _add(logger: logging.Logger, handler: logging.Handler) -> None:
    handler.setFormatter(logging.Formatter(FORMAT))
    logger.addHandler(handler)
