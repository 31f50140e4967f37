"""How far a long job is, in the log."""
import logging
import time


def duration(seconds: float) -> str:
    """``75 -> '1 min 15 s'``, ``4000 -> '1 h 06 min'``."""
    seconds = round(seconds)
    if seconds < 60:
        return f'{seconds} s'
    if seconds < 3600:
        return f'{seconds // 60} min {seconds % 60:02d} s'
    return f'{seconds // 3600} h {seconds % 3600 // 60:02d} min'


class Progress:
    """Counts finished items and logs rate and time left now and then.

    Several processes share the work evenly: the first one counts for all of them.

    Args:
        total: number of items of all processes; 0 where it is not known.
        logger: gets the lines.
        unit: what is counted, in the plural.
        every: seconds between two lines; the first comes after a fifth of it.
        mine: how many of them are this process's; None: all.
    """

    def __init__(self, total: int, logger: logging.Logger, unit: str = 'frames',
                 every: float = 10, mine: int | None = None) -> None:
        self.total, self.logger, self.unit, self.every = total, logger, unit, every
        self.done, self.mine = 0, total if mine is None else mine
        self.started = time.monotonic()
        self.next_line = self.started + every / 5

    def update(self, count: int = 1) -> None:
        """``count`` more items are done."""
        self.done += count
        now = time.monotonic()
        if now >= self.next_line:
            self.next_line = now + self.every
            self.logger.info(self.line(now - self.started))

    def line(self, elapsed: float) -> str:
        """``'120/1200 frames, 4.0 a second, 4 min 30 s left'`` after ``elapsed`` seconds."""
        rate = self.done / max(elapsed, 1e-9)
        if not self.total:
            return f'{self.done} {self.unit}, {rate:.1f} a second'
        done = self._of_all()
        rate *= self.total / max(self.mine, 1)
        left = (self.total - done) / rate if rate else 0
        about = '' if self.mine == self.total else 'about '
        return (f'{about}{done}/{self.total} {self.unit}, {rate:.1f} a second, '
                f'{duration(left)} left')

    def _of_all(self) -> int:
        """Finished items of all processes, which are as far as this one."""
        return round(self.done * self.total / self.mine) if self.total and self.mine else self.done

    def finish(self) -> None:
        """Log how long all of it took; every process is done."""
        elapsed, done = time.monotonic() - self.started, self._of_all()
        self.logger.info('%d %s in %s, %.1f a second', done, self.unit,
                         duration(elapsed), done / max(elapsed, 1e-9))
