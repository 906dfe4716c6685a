"""Plain lines for pipes, files and CI: one when a task starts, one when it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from executor import clock
from executor.cli import console, wants
from executor.engine.entry import Closing
from executor.engine.serving import Ending
from executor.errors import ListError, UnreadableList
from executor.model import Claimed, Counts, Lost, Skipped, Waiting
from executor.outcome import Move
from executor.states import RunStatus, TaskStatus
from loader.model import Diagnostic

_TAIL_LINES = 20


class Plain:
    """Prints every fact as a line at once."""

    def __init__(self, counts: Counts, spelled: str) -> None:
        self.total = counts.total
        self.over = counts.completed + counts.skipped
        self._skipped = counts.skipped
        self._spelled = spelled
        self._began = clock.monotonic()
        self._waiting: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        if self.over:
            skipped = f", {self._skipped} skipped" if self._skipped else ""
            done = f"{self.over - self._skipped} of {console.counted(self.total, 'task')} done"
            self.line(f"resuming: {done}{skipped}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def abandon(self) -> None:
        return

    def line(self, text: str) -> None:
        """One permanent line."""
        console.say(text)

    def started(self, run: Claimed) -> None:
        if run.runner != "container":
            attempt = f"  (attempt {run.attempt})" if run.attempt > 1 else ""
            self.line(f"start  {run.task_id}  {console.clean(run.title)}{attempt}")

    def printed(self, run: Claimed, content: bytes) -> None:
        return

    def progressed(self, run: Claimed, progress: str) -> None:
        return

    def ended(self, run: Claimed, move: Move, took: timedelta | None) -> None:
        over = self.over + (move.task_status in (TaskStatus.COMPLETED, TaskStatus.SKIPPED))
        self.over = min(over, self.total)  # one that was taken out of the file while it ran does not count
        for text in ended_lines(run, move, took, f"[{self.over}/{self.total}]", self._spelled):
            self.line(text)

    def skipped(self, task: Skipped) -> None:
        self.over += 1
        self.line(console.styled(f"skip   {task.task_id}  {task.skip_reason}", "yellow"))

    def recovered(self, tasks: list[Lost]) -> None:
        for task in tasks:
            self.line(f"again  {task.task_id}  was running when its executor died; now {task.status}")

    def synced(self, changes: Mapping[str, int], counts: Counts) -> None:
        self.total, self.over = counts.total, counts.completed + counts.skipped
        if changes:
            self.line(f"synced: {', '.join(f'{number} {name}' for name, number in changes.items())}")

    def warned(self, path: Path, found: Sequence[Diagnostic]) -> None:
        console.diagnostics(path, found)

    def refused(self, error: ListError) -> None:
        for text in refused_lines(error):
            console.warn(text)

    def waits(self, tasks: list[Waiting]) -> None:
        for task in tasks:
            if task.task_id not in self._waiting:
                words = wants.line(task.task_id, task.title, task.who, task.wants, self._spelled)
                self.line(console.styled(f"wait   {task.task_id}  {words}", "yellow"))
        self._waiting = frozenset(task.task_id for task in tasks)

    def paused(self, by: str) -> None:
        self.line(paused_line(by, self._spelled))

    def rested(self, reason: Ending, failed: Sequence[str]) -> None:
        self.line(rested_line(reason, failed, self._spelled))

    def said(self, text: str) -> None:
        self.line(text)

    def turned(self) -> None:
        return

    def finish(self, ending: Ending, closing: Closing | None) -> None:
        for text in finish_lines(ending, closing, clock.monotonic() - self._began, self._spelled):
            self.line(text)


def refused_lines(error: ListError) -> Iterator[str]:
    """Why a save was not brought into the queue: its diagnostics, else what is wrong with the file."""
    if isinstance(error, UnreadableList):
        for one in error.diagnostics:
            yield console.diagnostic_line(error.path, one)
        errors = sum(one.severity == "error" for one in error.diagnostics)
        yield f"this save has {console.counted(errors, 'error')} and changed nothing; waiting for the next one"
    else:
        yield f"{error}; this save changed nothing, waiting for the next one"


def ended_lines(run: Claimed, move: Move, took: timedelta | None, tally: str, spelled: str) -> Iterator[str]:
    """What there is to say of a run that ended; on failure what it printed last, and the commands to go on with."""
    seconds = console.duration(took)
    sentence, _, tail = move.error.partition("\n")
    match move.task_status:
        case TaskStatus.COMPLETED:
            yield console.styled(f"done   {run.task_id}  {seconds}  {tally}", "green")
        case TaskStatus.QUEUED if move.run_status in (RunStatus.CANCELLED, RunStatus.LOST):
            reason = "was stopped" if move.run_status is RunStatus.CANCELLED else sentence
            yield f"again  {run.task_id}  {reason}; queued"
        case TaskStatus.QUEUED if move.review:
            yield console.styled(f"done   {run.task_id}  {seconds}  waits for a person's word", "green")
        case TaskStatus.QUEUED:
            yield console.styled(
                f"retry  {run.task_id}  {sentence.removesuffix(':')}; again in {console.duration(move.wait)}", "yellow"
            )
        case TaskStatus.SKIPPED:
            yield console.styled(f"skip   {run.task_id}  skipped by a person while it ran", "yellow")
        case _:
            yield console.styled(f"FAILED {run.task_id}  {sentence.removesuffix(':')}  {seconds}", "red")
            for line in tail.split("\n")[-_TAIL_LINES:] if tail else ():
                yield f"       | {console.clean(line)}"
            named = f"{run.task_id} --file{spelled}" if spelled else run.task_id
            yield f"       all of it: executor logs {named}    try again: executor requeue {named}"


def paused_line(by: str, spelled: str) -> str:
    """That a person paused the list, and what lifts it."""
    return f"paused by {by}; `executor resume{spelled}` goes on"


def rested_line(reason: Ending, failed: Sequence[str], spelled: str) -> str:
    """Why nothing of a list that is watched can be begun, and what changes that."""
    match reason:
        case Ending.HALTED:
            named = f"{failed[0] if failed else 'ID'}{f' --file{spelled}' if spelled else ''}"
            return (
                f"{', '.join(failed[:3]) or 'a task'} failed and this list stops at that: mend it in the file,"
                f" or `executor requeue {named}`, or `executor skip {named}`"
            )
        case Ending.WAITING:
            return f"only people can go on, `executor waiting{spelled}` says who and how; watching for the next save"
        case Ending.UNFIT:
            return "what is left is for other workers (labels, assignees); watching for the next save"
        case _:
            return "nothing left to do; watching for the next save"


def finish_lines(ending: Ending, closing: Closing | None, seconds: float, spelled: str) -> Iterator[str]:
    """The last words of a run: the numbers, why it stopped short if it did, and the next command."""
    if closing is None:
        yield f"interrupted without a database to tell; the next `executor run{spelled}` queues what ran again"
        return
    yield _numbers(closing.counts, seconds)
    failed = closing.failed
    match ending:
        case Ending.HALTED:
            option = f" --file{spelled}" if spelled else ""
            yield (
                f"stopped at {', '.join(failed[:3])}. Try it again: executor run{spelled} --retry-failed."
                f" Go on without it: executor run{spelled} --keep-going,"
                f" or executor skip {failed[0] if failed else 'ID'}{option}"
            )
        case Ending.WAITING:
            yield f"only people can go on; `executor waiting{spelled}` says who and how"
        case Ending.UNFIT:
            yield f"what is left is for other workers (labels, assignees): see `executor status{spelled}`"
        case Ending.DRAINED:
            yield f"asked to leave by `executor drain`; go on with `executor run{spelled}`"
        case Ending.STOPPED:
            yield f"stopped by `executor stop`; go on with `executor run{spelled}`"
        case Ending.INTERRUPTED:
            yield f"interrupted; nothing is lost, go on with `executor run{spelled}`"
        case Ending.DONE:
            yield from _not_done(closing, spelled)


def _not_done(closing: Closing, spelled: str) -> Iterator[str]:
    """What was asked for and is not done, though there is nothing more to do, and why."""
    if closing.failed:
        yield f"failed: {', '.join(closing.failed[:6])}. Try again: executor run{spelled} --retry-failed"
    elif closing.counts.missed:
        yield f"what was skipped depends on tasks that failed: see `executor status{spelled}`"
    elif closing.counts.queued:
        yield f"what is still queued waits for tasks that were not asked for: see `executor status{spelled}`"


def _numbers(after: Counts, seconds: float) -> str:
    numbers = {
        "completed": after.completed,
        "failed": after.failed,
        "skipped": after.skipped,
        "waiting for a person": after.waiting,
        "still queued": after.queued - after.waiting,
        "running elsewhere": after.running,
    }
    told = ", ".join(f"{number} {name}" for name, number in numbers.items() if number)
    return f"{console.counted(after.total, 'task')}: {told or 'none'}; {console.duration(seconds)}"
