"""When the rest of a list will be done: the claims to come, played through with durations measured so far; pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct


class Job(Struct, frozen=True):
    """A task still to do. `kind` is what durations are known of; one without takes no time.

    `waits_for` are ids, of jobs or of what never ends. `elapsed` is how long it has been running, None for one that is
    queued. A `held` one does not begin by itself.
    """

    task_id: str
    kind: str | None
    rank: int
    position: int
    waits_for: Sequence[str] = ()
    elapsed: float | None = None
    held: bool = False


def seconds_left(jobs: Sequence[Job], durations: Mapping[str, float], slots: int) -> float | None:
    """Seconds until everything has ended that can run without a person; None where no duration is known.

    Jobs are claimed as workers do it, most urgent first, `slots` at a time, each when what it waits for is over: so
    neither the longest chain nor the number of slots is forgotten. Each takes the mean of its kind, which, unlike the
    median, adds up to the right sum. A kind without any takes the mean of all.
    """
    usual = sum(durations.values()) / len(durations) if durations else None
    left = [job for job in jobs if not job.held]
    if not left:
        return 0.0
    if usual is None:
        return None
    places = {job.task_id: place for place, job in enumerate(jobs)}
    unmet = [len(job.waits_for) + job.held for job in jobs]
    dependents: list[list[int]] = [[] for _ in jobs]
    for place, job in enumerate(jobs):
        for needed in job.waits_for:
            if needed in places:
                dependents[places[needed]].append(place)
    running = [(_rest(job, durations, usual), place) for place, job in enumerate(jobs) if job.elapsed is not None]
    heapq.heapify(running)
    ready = [_turn(job, place) for place, job in enumerate(jobs) if job.elapsed is None and not unmet[place]]
    heapq.heapify(ready)
    over = 0.0
    for now, place in _ends(jobs, durations, usual, running, ready, slots):
        over = now
        for waiting in dependents[place]:
            unmet[waiting] -= 1
            if not unmet[waiting]:
                heapq.heappush(ready, _turn(jobs[waiting], waiting))
    return over


def _ends(
    jobs: Sequence[Job],
    durations: Mapping[str, float],
    usual: float,
    running: list[tuple[float, int]],
    ready: list[tuple[int, int, int]],
    slots: int,
) -> Iterator[tuple[float, int]]:
    """When which job ends, in order; what became ready meanwhile is claimed before the next."""
    now = 0.0
    while True:
        while ready and len(running) < max(1, slots):
            *_, place = heapq.heappop(ready)
            heapq.heappush(running, (now + _whole(jobs[place], durations, usual), place))
        if not running:
            return
        now, place = heapq.heappop(running)
        yield now, place


def _rest(job: Job, durations: Mapping[str, float], usual: float) -> float:
    """How long a running one will still take: what its kind usually does, or half as long again as it already has."""
    elapsed = job.elapsed or 0.0
    return max(_whole(job, durations, usual) - elapsed, elapsed / 2)


def _whole(job: Job, durations: Mapping[str, float], usual: float) -> float:
    return 0.0 if job.kind is None else durations.get(job.kind, usual)


def _turn(job: Job, place: int) -> tuple[int, int, int]:
    return job.rank, job.position, place
