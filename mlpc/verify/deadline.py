"""A time limit for a proof."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SECONDS = 5.0  # of computing, for each proof: a busy machine does not count


class OutOfTimeError(TimeoutError):
    """A proof took longer than it may."""


@contextmanager
def time_limit(seconds: float = SECONDS) -> Iterator[None]:
    """Raise `OutOfTimeError` in the block when it has computed for so long, wherever it is.

    Outside the main thread, and on systems without this signal, the block runs without limit; inside another time
    limit, that one holds.

    >>> with time_limit(0.01):
    ...     while True:
    ...         pass
    Traceback (most recent call last):
    mlpc.verify.deadline.OutOfTimeError: no result after 0.01 s
    """
    able = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not able or signal.getitimer(signal.ITIMER_VIRTUAL)[0]:
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise OutOfTimeError(f"no result after {seconds:g} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
