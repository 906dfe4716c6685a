"""Where a task works: with all others (`shared`), in a git worktree of its own, or in a copy of the list's folder."""

from __future__ import annotations

from executor.model import Claimed
from executor.outcome import Outcome
from executor.runners import Io, Runner, Surroundings

SHARED = "shared"
_WITHOUT = ("container", "manual", "migrate")  # they change no files, or are a person's


def of(claimed: Claimed, surroundings: Surroundings) -> str:
    """Where a run works."""
    if claimed.runner in _WITHOUT:
        return SHARED
    return claimed.spec["settings"].get("workspace") or surroundings.settings.get("workspace") or SHARED


def carry(run: Runner, claimed: Claimed, io: Io, surroundings: Surroundings) -> Outcome:
    """Carry a run out where its task, or else its list, says that it works."""
    chosen = of(claimed, surroundings)
    if chosen == SHARED:
        return run(claimed, io, surroundings)
    if chosen == "copy":
        from executor.runners.workspaces import copies

        return copies.carry(run, claimed, io, surroundings)
    from executor.runners.workspaces import worktrees

    return worktrees.carry(run, claimed, io, surroundings)
