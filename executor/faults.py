"""Named moments at which the crash tests have this process killed: between two steps that belong together."""

from __future__ import annotations

import os
import signal

POINTS = frozenset(
    {
        "claimed-not-spawned",
        "spawned-not-guarded",
        "exited-not-settled",
        "settled-not-marked",
        "batch-not-committed",
        "committed-not-merged",
        "merged-not-removed",
        *("move-begun", "move-drained", "move-dumped", "move-restored", "move-not-left", "move-left", "move-opened"),
        *("move-chosen", "move-copy-dropped", "upgrade-copied", "upgrade-switched"),
    }
)
# Written `point:kill`. Read once, so that a run without it pays for a comparison of two strings.
_CHOSEN = os.environ.get("EXECUTOR_FAULT", "")


def at(point: str) -> None:
    """SIGKILL this process if EXECUTOR_FAULT names this point: nothing of it can run any more, as after a power cut."""
    assert point in POINTS, point
    if f"{point}:kill" == _CHOSEN:
        os.kill(os.getpid(), signal.SIGKILL)
