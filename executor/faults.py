"""Named moments at which the crash tests have this process killed or halted: between two steps that belong together."""

from __future__ import annotations

import os
import signal
import sys
import threading

POINTS = frozenset(
    {
        "claimed-not-spawned",
        "spawned-not-guarded",
        "exited-not-settled",
        "settled-not-marked",
        "ended-not-left",
        "block-begun",
        "statement-done",
        "block-recorded",
        "block-committed",
        "batch-not-committed",
        "committed-not-merged",
        "merged-not-removed",
        *("move-begun", "move-drained", "move-dumped", "move-restored", "move-not-left", "move-left", "move-opened"),
        *("move-chosen", "move-copy-dropped", "upgrade-copied", "upgrade-switched"),
    }
)
# Written `point:kill` or `point:stop`, with commas between several. Read once, so that a run without it pays for a look
# at an empty set.
_CHOSEN = frozenset(os.environ.get("EXECUTOR_FAULT", "").split(",")) - {""}


def at(point: str) -> None:
    """Where EXECUTOR_FAULT names this point: SIGKILL this process, as a power cut would, or halt it where it is.

    A halted one says where it stands, and goes on at SIGCONT: time to kill something else.
    """
    assert point in POINTS, point
    if not _CHOSEN:
        return
    if f"{point}:kill" in _CHOSEN:
        os.kill(os.getpid(), signal.SIGKILL)
    if f"{point}:stop" in _CHOSEN:
        os.write(sys.stderr.fileno(), f"stopped at {point}\n".encode())
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # this very thread goes no further
