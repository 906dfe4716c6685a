"""Arguments and options that several verbs share, spelled once."""

from __future__ import annotations

from typing import Annotated

import typer

File = Annotated[
    str | None,
    typer.Argument(help="The task list; without it the one tasks.md, TASKS.md or TODO.md here.", show_default=False),
]
FileOption = Annotated[
    str | None,
    typer.Option("--file", "-f", help="The task list, where it is not the one here.", show_default=False),
]
Ids = Annotated[list[str], typer.Argument(help="Task ids, or the beginning of one.", show_default=False)]
Id = Annotated[str, typer.Argument(help="A task id, or the beginning of one.", show_default=False)]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        help="A PostgreSQL server; without it DATABASE_URL, else the embedded one.",
        show_default=False,
    ),
]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label", metavar="NAME", help="Also take tasks that need this label. Repeatable.", show_default=False
    ),
]
Person = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="Leave tasks alone that are assigned to others.", show_default=False),
]
AsPerson = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="Whose word it is.", show_default=False),
]
Message = Annotated[
    str | None,
    typer.Option("--message", "-m", help="What the next attempt is told.", show_default=False),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, help="Tasks at a time; 1 where the list says nothing."),
]
KeepGoing = Annotated[bool, typer.Option("--keep-going", "-k", help="Go on after a failed task.")]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failed task.")]
Only = Annotated[list[str] | None, typer.Option("--only", metavar="ID", help="Only this task. Repeatable.")]
Section = Annotated[str | None, typer.Option("--section", help="Only tasks below this heading.")]
Tag = Annotated[str | None, typer.Option("--tag", help="Only tasks with this tag.")]
MinPriority = Annotated[str | None, typer.Option("--min-priority", help="Only P1 down to this.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="First queue those chosen tasks again that failed.")]
RerunChanged = Annotated[bool, typer.Option("--rerun-changed", help="Queue completed tasks whose text changed.")]
Timeout = Annotated[str | None, typer.Option("--timeout", help="For tasks that name none: 30s, 10m, 2h.")]
Retries = Annotated[int | None, typer.Option("--retries", min=0, help="For tasks that name none.")]
Runner = Annotated[str | None, typer.Option("--runner", metavar="shell|agent|manual", help="How tasks run.")]
Agent = Annotated[
    str | None,
    typer.Option("--agent", metavar="NAME", help="Which coding agent; see `executor agents`.", show_default=False),
]
NoWriteBack = Annotated[bool, typer.Option("--no-write-back", help="Leave the file alone.")]
MarkRunning = Annotated[bool, typer.Option("--mark-running", help="Mark running tasks in the file.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
Dialect = Annotated[str | None, typer.Option("--dialect", help="Read the file as this dialect.", show_default=False)]
OnDuplicate = Annotated[
    str,
    typer.Option("--on-duplicate", help="`error`, or `suffix` to make T1#2 of a second T1.", metavar="error|suffix"),
]
AllowMissing = Annotated[bool, typer.Option("--allow-missing", help="Ignore dependencies on unknown tasks.")]
MaxSize = Annotated[
    str | None,
    typer.Option(
        "--max-size", metavar="SIZE", help="Read files up to this: 64M, 1G; 16M without it.", show_default=False
    ),
]
