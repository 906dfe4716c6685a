"""`executor status` and `list`: where a list stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from executor.cli import console, options, report, session, verb, wants
from executor.states import TaskStatus

if TYPE_CHECKING:
    from executor.model import TaskRow, WorkerRow
    from executor.operations.overview import Overview

app = verb.verbs()
_NEXT_MAX = 8
_STYLES = {
    TaskStatus.COMPLETED: "green",
    TaskStatus.FAILED: "red",
    TaskStatus.SKIPPED: "yellow",
    TaskStatus.RUNNING: "bold",
    TaskStatus.QUEUED: "dim",
}


@verb.verb(app)
def status(file: options.File = None, json: options.Json = False, database_url: options.DatabaseUrl = None) -> None:
    """One overview: counts, what runs, what is next, what waits for what, recent failures.

    Example: executor status tasks.md
    """
    from executor.operations import overview

    with session.of_list(file, database_url, reads=True) as opened:
        seen = overview.read(opened.connection, opened.row)
    if json:
        console.say_json(overview.as_dict(seen))
    else:
        _show(seen)


@verb.verb(app, "list")
def list_tasks(
    file: options.File = None,
    status: Annotated[str | None, typer.Option("--status", help="Only tasks of this status.")] = None,
    json: options.Json = False,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Every task with its status, in the order of the file.

    Example: executor list tasks.md --status failed
    """
    from executor.errors import UsageError
    from executor.operations import overview

    if status is not None and status not in list(TaskStatus):
        raise UsageError(f"no status '{status}'", hint=f"one of {', '.join(TaskStatus)}")
    with session.of_list(file, database_url, reads=True) as opened:
        tasks = overview.read(opened.connection, opened.row).tasks
    chosen = [task for task in tasks if status in (None, task.status)]
    if json:
        console.say_json([overview.task_as_dict(task) for task in chosen])
        return
    rows = [[task.task_id, _priority(task), task.status, console.clean(task.title)] for task in chosen]
    console.table(rows, styles=[_STYLES[TaskStatus(task.status)] for task in chosen])


def _show(seen: Overview) -> None:
    counts = seen.counts
    workers = f", {console.counted(len(seen.workers), 'executor')} at work" if seen.workers else ""
    by = f" by {seen.list.status_by}" if seen.status == "paused" else ""
    spelled = console.spelled(seen.list.path)
    title = console.clean(seen.list.title or console.short_path(seen.list.path))
    console.say(f"{console.styled(title, 'bold')}  {seen.status}{by}{workers}")
    console.say(console.clean(console.short_path(seen.list.path)))
    told = [f"{counts.completed} of {counts.total} completed"]
    told += [
        f"{number} {name}"
        for name, number in (
            ("running", counts.running),
            ("failed", counts.failed),
            ("skipped", counts.skipped),
            ("queued", counts.queued),
        )
        if number
    ]
    console.say(", ".join(told))
    if seen.used.runs:
        console.say(f"agents: {report.line(seen.used)}")
    if seen.list.stop_reason:
        console.say(console.styled(f"stopped: {console.clean(seen.list.stop_reason)}", "yellow"))
    if seen.workers and (eta := seen.eta):
        console.say(f"about {console.duration(eta)} left")
    _part("executors", [[worker.name, _executor(seen, worker)] for worker in seen.workers])
    _part("running", [[task.task_id, _running(task)] for task in seen.tasks if task.status == TaskStatus.RUNNING])
    queued = [task for task in seen.tasks if task.status == TaskStatus.QUEUED]
    ready = [task for task in queued if not task.unmet and not task.waiting]
    _part("next", [[task.task_id, _next(task)] for task in ready], spelled, most=_NEXT_MAX)
    waiting = [
        [task.task_id, wants.line(task.task_id, task.title, task.asked, task.wants, spelled)]
        for task in queued
        if task.wants
    ]
    _part("waiting for a person", waiting)
    blocked = [[task.task_id, f"waits for {', '.join(task.blocked_by[:5])}"] for task in queued if task.unmet]
    _part("blocked", blocked, spelled, most=_NEXT_MAX)
    failed = [task for task in seen.tasks if task.status == TaskStatus.FAILED]
    _part("failed", [[task.task_id, _sentence(task.last_error)] for task in failed])
    skipped = [[task.task_id, task.skip_reason or ""] for task in seen.tasks if task.status == TaskStatus.SKIPPED]
    _part("skipped", skipped, spelled, most=_NEXT_MAX)
    if failed:
        console.say()
        named = f"{failed[0].task_id} --file{spelled}" if spelled else failed[0].task_id
        seen_with = "logs" if failed[0].attempts else "show"  # an approval that never came has no run
        console.say(f"see why: executor {seen_with} {named}    try again: executor run{spelled} --retry-failed")


def _part(name: str, rows: list[list[str]], spelled: str = "", *, most: int = 1000) -> None:
    if rows:
        console.say()
        console.say(console.styled(name, "bold"))
        console.table([[one, console.clean(other)] for one, other in rows[:most]], indent="  ")
        if len(rows) > most:
            console.say(f"  and {len(rows) - most} more: executor list{spelled}")


def _executor(seen: Overview, worker: WorkerRow) -> str:
    runs = sum(task.worker_id == worker.worker_id for task in seen.tasks)
    lease = console.duration(worker.lease_left)
    return f"{runs} of {console.counted(worker.slots, 'slot')} on {worker.host}, lease {lease}"


def _running(task: TaskRow) -> str:
    lease = console.duration(task.lease_left)
    progress = f"  progress {task.progress}" if task.progress else ""
    return f"for {console.duration(task.elapsed)} on {task.worker}, lease {lease}  {task.title}{progress}"


def _next(task: TaskRow) -> str:
    again = f"  (failed before, {console.counted(task.attempts, 'attempt')})" if task.failed_before else ""
    if task.last_error and task.runner == "agent":
        again = f"  ({_sentence(task.last_error)})"
    waits = f"  in {console.duration(task.due_in)}" if task.due_in else ""
    return f"{_priority(task)}  {task.title}{waits}{again}"


def _priority(task: TaskRow) -> str:
    return f"{task.priority} (file: {task.file_priority})" if task.file_priority else task.priority


def _sentence(error: str | None) -> str:
    return (error or "").partition("\n")[0].removesuffix(":")
