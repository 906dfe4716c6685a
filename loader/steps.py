"""What the boxes below a heading say of the task that the heading is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from loader.model import MarkPlace, Status, Step, Task

_SETTLED = (Status.COMPLETED, Status.SKIPPED)


def summed(steps: Sequence[Step], meanings: Mapping[str, Status]) -> tuple[str, Status, MarkPlace]:
    """The mark, status and place that stand for all steps: completed when all are, pending when one is left.

    With some of them ticked it is pending, not in progress: who unticks a step of a completed task wants it run again.
    """
    statuses = [meanings.get(step.mark, Status.PENDING) for step in steps]
    if all(status in _SETTLED for status in statuses):
        shown = Status.COMPLETED if Status.COMPLETED in statuses else Status.SKIPPED
    else:
        shown = Status.IN_PROGRESS if Status.IN_PROGRESS in statuses else Status.PENDING
    first = next((place for place, status in enumerate(statuses) if status is shown), None)
    if first is None:  # what is left is blocked
        return " ", Status.PENDING, steps[0].mark_place
    return steps[first].mark, shown, steps[0].mark_place


def due(task: Task, status: Status, meanings: Mapping[str, Status]) -> list[int]:
    """The steps, by place, that must get another mark for the task to be in this status; only ticked or not is written.

    Asked to be pending again, a completed task loses its ticks; one that is half done keeps them.
    """
    if status is Status.COMPLETED:
        due = set(Status).difference(_SETTLED)
    elif status is Status.PENDING:
        due = set(Status) if task.status in _SETTLED else {Status.IN_PROGRESS}
    else:
        return []
    shown = [meanings.get(step.mark, Status.PENDING) for step in task.steps]
    return [place for place, of_step in enumerate(shown) if of_step in due and of_step is not status]


def marks(tasks: Iterable[Task]) -> Iterable[str]:
    """Every mark that is in the file for these tasks."""
    for task in tasks:
        if task.steps:
            yield from (step.mark for step in task.steps)
        else:
            yield task.mark
