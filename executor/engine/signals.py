"""Ctrl-C in three steps: finish what runs, stop what runs, leave now."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from executor.engine.inbox import Inbox
from executor.engine.messages import Signalled
from executor.errors import EXIT_INTERRUPTED

_INTERRUPTS_MAX = 3


@contextmanager
def posted_to(inbox: Inbox, *, at_once: Callable[[], None]) -> Iterator[None]:
    """Turn signals into messages; the third ends the process after `at_once`, and the guard its tasks."""
    interrupts = 0

    def interrupted(number: int, _frame: FrameType | None) -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts >= _INTERRUPTS_MAX:
            at_once()
            os._exit(EXIT_INTERRUPTED)
        inbox.post(Signalled(urgent=number != signal.SIGINT))

    before = {number: signal.signal(number, interrupted) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
