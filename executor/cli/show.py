"""`executor show` and `logs`: one task with all its runs, and what a run printed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from executor.cli import console, options, session, verb, wants
from executor.states import TaskStatus

if TYPE_CHECKING:
    from executor.model import RunRow, TaskRow

app = verb.verbs()


@verb.verb(app)
def show(
    id: options.Id,
    file: options.FileOption = None,
    json: options.Json = False,
    database_url: options.DatabaseUrl = None,
) -> None:
    """One task with all its runs.

    Example: executor show BLD-002
    """
    from executor.operations import history, naming, overview
    from executor.queue import tasks

    with session.of_list(file, database_url, reads=True) as opened:
        name = naming.find(opened.connection, opened.row.list_id, [id])[0]
        seen = overview.read(opened.connection, opened.row)
        task = next(task for task in seen.tasks if task.queue_id == name.queue_id)
        runs = tasks.runs(opened.connection, name.queue_id)
    if json:
        told = {
            "description": task.description,
            "notes": list(task.notes),
            "checkpoint": dict(task.checkpoint),
            "runs": [history.run_as_dict(run) for run in runs],
        }
        console.say_json(dict(overview.task_as_dict(task)) | told)
    else:
        _show(task, runs, console.spelled(opened.row.path))


@verb.verb(app)
def logs(
    id: options.Id,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on while the task runs or is tried again.")
    ] = False,
    attempt: Annotated[int | None, typer.Option("--attempt", min=1, help="Which attempt; the last without it.")] = None,
    file: Annotated[str | None, typer.Option("--file", help="The task list, where it is not the one here.")] = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """What a task printed, byte for byte. Which attempt begins is said on standard error.

    Example: executor logs BLD-002 -f
    """
    from executor.operations import following, history, naming

    with session.of_list(file, database_url, reads=True) as opened:
        name = naming.find(opened.connection, opened.row.list_id, [id])[0]
        run_id = history.choose_run(opened.connection, name.queue_id, attempt, wait=follow)
        line = opened.line()
        try:
            for piece in following.output(line, name.queue_id, run_id, follow=follow, next_attempts=attempt is None):
                if isinstance(piece, bytes):
                    console.say_bytes(piece)
                else:
                    console.warn(f"attempt {piece.number}")
        finally:
            line.close()


def _priority(task: TaskRow) -> str:
    return (
        f"{task.priority}, as a person said; {task.file_priority} in the file" if task.file_priority else task.priority
    )


def _show(task: TaskRow, runs: list[RunRow], spelled: str) -> None:
    console.say(f"{console.styled(task.task_id, 'bold')}  {console.clean(task.title)}")
    rows = [["status", task.status], ["priority", _priority(task)], ["runner", task.runner]]
    rows += [["agent", task.agent]] if task.agent else []
    rows += [["section", " > ".join(task.section)]] if task.section else []
    rows += [["depends on", ", ".join(task.dependencies)]] if task.dependencies else []
    rows += [["waits for", ", ".join(task.blocked_by)]] if task.blocked_by else []
    rows += [["assignee", f"@{task.assignee}"]] if task.assignee else []
    rows += [["waits for", wants.command(task.wants, task.task_id, spelled)]] if task.wants else []
    rows += [["asked", f"@{task.asked}"]] if task.wants and task.asked and task.asked != task.assignee else []
    if task.status == TaskStatus.FAILED and task.last_error and not (runs and runs[-1].error):
        rows.append(["failed", console.clean(task.last_error)])  # not by a run: a person said no, or nothing in time
    rows += [["skipped", task.skip_reason]] if task.skip_reason else []
    rows += [["progress", task.progress]] if task.progress else []
    rows += [["kept", f"{key}: {value[:60]}"] for key, value in sorted(task.checkpoint.items())]
    rows += [["note", f"{note['by']}: {note['text']}"] for note in task.notes]
    rows += [["attempts", str(task.attempts)]]
    console.table(rows, indent="  ")
    if task.description:
        console.say()
        for line in task.description.rstrip("\n").split("\n"):
            console.say(f"  {console.clean(line)}".rstrip())
    for run in runs:
        console.say()
        took = console.duration(run.ended_at - run.started_at) if run.ended_at else "so far"
        facts = [run.status, took, f"on {run.worker}", run.started_at.isoformat(timespec="seconds")]
        facts += [f"cpu {console.duration(run.cpu_seconds)}"] if run.cpu_seconds else []
        facts += [f"memory {run.memory_bytes / 2**20:.0f} MB"] if run.memory_bytes else []
        facts += [f"output {run.output_bytes} bytes"] if run.output_bytes else []
        console.say(f"  attempt {run.attempt}: {', '.join(facts)}")
        for kept in run.artefacts:
            console.say(f"    artefact {console.clean(kept['name'])}, {kept['bytes']} bytes")
        if run.agent:
            console.say(f"    {', '.join(_of_agent(run))}")
        for line in (run.error or "").rstrip("\n").split("\n") if run.error else ():
            console.say(f"    {console.clean(line)}".rstrip())


def _of_agent(run: RunRow) -> Iterator[str]:
    yield str(run.agent)
    if run.tokens_in or run.tokens_out:
        yield f"{run.tokens_in} tokens in ({run.tokens_cached or 0} from a cache), {run.tokens_out} out"
    if run.cost_usd is not None:
        yield f"${run.cost_usd:.4f}"
    if run.session:
        yield f"session {run.session}"
