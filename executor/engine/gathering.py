"""Hearing of short runs together: a turn that settles four of them costs the database hardly more than one for one."""

from __future__ import annotations

from executor import clock
from executor.engine.messages import Ended, Message
from executor.engine.worker import Worker

_SHORT_SECONDS = 0.02
# About what a turn takes: who waits for less than that has lost nothing, and tasks of a second never wait.
_WAIT_SECONDS = 0.003


def gather(worker: Worker, messages: list[Message]) -> list[Message]:
    """These messages, and where a short run ended, those of the runs beside it that may be as short."""
    ended = _ended(messages)
    if not ended:
        return messages
    since = clock.boottime() - _SHORT_SECONDS
    young = {run_id for run_id, active in worker.running.items() if active.began >= since}
    if not young & ended:
        return messages
    young -= ended
    until = clock.monotonic() + _WAIT_SECONDS
    while young and (left := until - clock.monotonic()) > 0:
        more = worker.inbox.drain(left)
        messages = messages + more
        young -= _ended(more)
    return messages


def _ended(messages: list[Message]) -> set[int]:
    return {message.run_id for message in messages if isinstance(message, Ended)}
