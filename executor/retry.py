"""When a failed run is tried again: pure arithmetic."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

# A worker that dies takes innocent tasks with it, eight at a time with -j 8; a limit as low as the retries' would fail
# them. Twenty lets any of them through a bad night and still ends a task that kills every worker it meets.
LOSSES_MAX = 20


class RetryPolicy(Struct, frozen=True):
    """How often a task may fail and how long to wait in between."""

    retries: int = 0
    delay: timedelta = timedelta(seconds=5)
    delay_max: timedelta = timedelta(minutes=5)

    def wait(self, failures: int, jitter: float = 0.0) -> timedelta | None:
        """How long to wait after the `failures`-th failure, or None when the task has failed for good.

        Doubles from `delay` up to `delay_max`; `jitter` in -1..1 moves it by up to a fifth, so that tasks that failed
        together do not come back together.
        """
        if failures > self.retries:
            return None
        doubled: timedelta = self.delay * 2 ** min(failures - 1, 20)
        return min(doubled, self.delay_max) * (1 + 0.2 * jitter)
