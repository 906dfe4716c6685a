"""This process's clocks, read here alone: whoever measures or waits asks this module, and tests move it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

# CLOCK_BOOTTIME goes on while a laptop sleeps, which is just when a lease runs out unnoticed.
_LEASE_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def monotonic() -> float:
    """Seconds on a clock that never steps: for intervals."""
    return time.monotonic()


def wall_ns() -> int:
    """Nanoseconds on the clock that files are stamped with. It may step: for telling a fresh stamp from an old one."""
    return time.time_ns()


def here() -> datetime:
    """What a clock on the wall of this machine shows: only to understand times of day that other programs print."""
    return datetime.now(UTC).astimezone()


def boottime() -> float:
    """Seconds since boot, sleep included: for deadlines that must hold after a suspended machine wakes."""
    return time.clock_gettime(_LEASE_CLOCK)


def sleep(seconds: float) -> None:
    """Do nothing for a while: for a reader that waits for a database, never inside a worker's loop."""
    time.sleep(seconds)
