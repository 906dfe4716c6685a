"""Room for the open files of many tasks at a time."""

from __future__ import annotations

import resource

from executor.errors import UsageError

# A run holds its output, its wake-up pipe, the end of its process, a selector and, for a moment, the ends it passes on.
_EACH = 8
_OWN = 64


def make_room(jobs: int) -> None:
    """Raise this process's limit as far as it needs; UsageError where the system's own limit is below that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _OWN + _EACH * jobs
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise UsageError(
            f"{jobs} tasks at a time need {needed} open files, and this process may have {hard}",
            hint=f"use -j {max(1, (hard - _OWN) // _EACH)} or fewer, or raise the limit (ulimit -Hn)",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
