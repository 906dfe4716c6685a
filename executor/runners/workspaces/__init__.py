"""Where a task works: with all others (`shared`), in a git worktree of its own, or in a copy of the list's folder."""

from __future__ import annotations

from executor.model import Claimed
from executor.outcome import Outcome
from executor.runners import Io, Runner, Surroundings

SHARED = "shared"
_WITHOUT = ("container", "manual", "migrate")  # they change no files, or are a person's


def carry(run: Runner, claimed: Claimed, io: Io, surroundings: Surroundings) -> Outcome:
    """Carry a run out where its task, or else its list, says that it works."""
    chosen = claimed.spec["settings"].get("workspace") or surroundings.settings.get("workspace") or SHARED
    if chosen == SHARED or claimed.runner in _WITHOUT:
        return run(claimed, io, surroundings)
    if chosen == "copy":
        from executor.runners.workspaces import copies

        return copies.carry(run, claimed, io, surroundings)
    from executor.runners.workspaces import worktrees

    return worktrees.carry(run, claimed, io, surroundings)
