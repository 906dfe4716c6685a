"""Whether a worker with nothing to do waits, looks again or leaves: a decision, no I/O."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

from executor.engine.serving import Ending
from executor.model import Prospects

POLL = timedelta(seconds=1)
_SOON = timedelta(milliseconds=20)


class Wait(Struct, frozen=True):
    """Look again after this long, or when woken."""

    duration: timedelta


class Recount(Struct, frozen=True):
    """Tasks wait for others that can never come: make sure that the counters are right before believing it."""


def decide(left: Prospects, *, recounted: bool) -> Ending | Wait | Recount:
    """What an idle worker does, given what is left of its list."""
    to_do = left.ready or left.keyed or left.unfit or left.due_later or left.blocked or left.waiting
    if left.failed and to_do:
        return Wait(POLL) if left.running else Ending.HALTED
    if left.ready:
        return Wait(_SOON)  # others held those rows while we looked, or claims were refused a moment ago
    if left.due_later:
        return Wait(min(max(left.next_due or _SOON, _SOON), POLL))
    if left.running or left.keyed:  # a key is held by a run, here or in another list: its end is seen at the next look
        return Wait(POLL)
    if left.waiting or left.unfit:
        return Ending.WAITING if left.waiting else Ending.UNFIT
    if left.blocked and not recounted:
        return Recount()
    return Ending.DONE
