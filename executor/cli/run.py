"""`executor run`: load a list and carry it out to the end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from executor import errors
from executor.cli import console, options, session, verb
from executor.errors import UsageError

if TYPE_CHECKING:
    from psycopg import Connection

    from executor.database.connection import Database
    from executor.engine.entry import Closing
    from executor.engine.serving import Ending
    from executor.engine.wishes import Wishes
    from executor.operations.files import Reading
    from executor.operations.load import Loaded
    from executor.settings import Settings

app = verb.verbs()


@dataclass(frozen=True, slots=True)
class _Request:
    """What was typed, as far as it is about this one command."""

    path: Path
    reading: Reading
    runner: str | None
    rerun_changed: bool
    retry_failed: bool
    only: list[str]
    json: bool
    write_back: bool


@verb.verb(app)
def run(
    file: options.File = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Tasks at a time; 1 where the list says nothing.")
    ] = None,
    keep_going: Annotated[bool, typer.Option("--keep-going", "-k", help="Go on after a failed task.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failed task.")] = False,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="ID", help="Only this task. Repeatable.")] = None,
    section: Annotated[str | None, typer.Option("--section", help="Only tasks below this heading.")] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Only tasks with this tag.")] = None,
    min_priority: Annotated[str | None, typer.Option("--min-priority", help="Only P1 down to this.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Queue failed tasks again first.")] = False,
    rerun_changed: Annotated[
        bool, typer.Option("--rerun-changed", help="Queue completed tasks whose text changed.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    timeout: Annotated[str | None, typer.Option("--timeout", help="For tasks that name none: 30s, 10m, 2h.")] = None,
    retries: Annotated[int | None, typer.Option("--retries", min=0, help="For tasks that name none.")] = None,
    runner: Annotated[str | None, typer.Option("--runner", metavar="shell|manual", help="How tasks run.")] = None,
    no_write_back: Annotated[bool, typer.Option("--no-write-back", help="Leave the file alone.")] = False,
    mark_running: Annotated[bool, typer.Option("--mark-running", help="Mark running tasks in the file.")] = False,
    labels: options.Labels = None,
    person: options.Person = None,
    json: options.Json = False,
    dialect: options.Dialect = None,
    on_duplicate: options.OnDuplicate = "error",
    allow_missing: options.AllowMissing = False,
    max_size: options.MaxSize = None,
    database_url: options.DatabaseUrl = None,
) -> int:
    """Load a list into the queue and carry it out; after any crash, the same command goes on.

    Example: executor run tasks.md -j 4
    """
    if keep_going and fail_fast:
        raise UsageError("--keep-going and --fail-fast exclude each other", hint="give one of them")
    if runner not in (None, "shell", "manual"):
        raise UsageError(f"no runner '{runner}'", hint="use --runner shell or --runner manual")
    if dry_run:
        from executor.cli.plan import plan

        plan(file, json, runner, dialect, on_duplicate, allow_missing, max_size)
        return errors.EXIT_DONE
    from executor.operations import files

    overrides = _overrides(timeout, retries)
    path = files.choose(file)
    console.outlive_readers()
    with session.database(database_url) as (database, chosen):
        # The embedded server starts while Python imports what the rest of this needs.
        if not path.exists() and database.is_unmade:
            files.read(path)  # raises: no queue can know a list that was never run here
        connection = database.connect("run")
        from executor.engine.wishes import Wishes

        request = _Request(
            path=path,
            reading=files.Reading(str(path), dialect, on_duplicate, allow_missing, files.size_max(max_size)),
            runner=runner,
            rerun_changed=rerun_changed,
            retry_failed=retry_failed,
            only=only or [],
            json=json,
            write_back=not no_write_back,
        )
        wishes = Wishes(
            jobs=jobs,
            fail_fast=True if fail_fast else False if keep_going else None,
            section=section,
            tag=tag,
            min_priority=min_priority,
            overrides=overrides,
            mark_running=mark_running,
            labels=tuple(labels or ()),
            person=None if person is None else person.removeprefix("@"),
        )
        return _run(database, connection, chosen, request, wishes)


def _overrides(timeout: str | None, retries: int | None) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if timeout is not None:
        from loader import durations

        try:
            given["timeout"] = durations.read(timeout).total_seconds()
        except ValueError as error:
            raise UsageError(f"--timeout is '{timeout}', not {error}", hint="for example --timeout 10m") from error
    if retries is not None:
        given["retries"] = retries
    return given


def _run(database: Database, connection: Connection[Any], chosen: Settings, request: _Request, wishes: Wishes) -> int:
    """Load, then work until the worker leaves, then say how it ended."""
    from dataclasses import replace

    from executor.cli import views
    from executor.database import translate
    from executor.engine import entry, loop, signals
    from executor.engine import wishes as wished
    from executor.engine.entry import Assignment
    from executor.operations import control, files, load, naming
    from executor.queue import lists, tasks

    with translate.errors(database.where()):
        since = views.before(connection, request.path) if request.json else None
        loaded = load.load(
            connection,
            request.path,
            actor=chosen.actor,
            reading=request.reading,
            runner=request.runner,
            rerun_changed=request.rerun_changed,
        )
        _tell_loaded(request, loaded)
        row = loaded.row
        if row.status == "paused":
            control.recover(connection, chosen.actor)
            console.warn(f"{console.short_path(row.path)} is paused by {row.status_by}; go on with `executor resume`")
            connection.close()
            return errors.EXIT_STOPPED_SHORT
        if request.retry_failed:
            control.retry_failed(connection, row, chosen.actor)
        if request.only:
            found = naming.find(connection, row.list_id, request.only)
            wishes = replace(wishes, only=[name.queue_id for name in found])
        only = wished.select(wishes, tasks.of_list(connection, row.list_id)) if wishes.filters else None
        now = lists.now(connection)
        choices = wished.choices(wishes, row, only=only, now=now)
        before = tasks.counts(connection, row.list_id, only)
        view = views.choose(database, row, before, _spelled(request.path), since=since)
        worker = entry.open_worker(
            database,
            connection,
            jobs=wished.jobs(wishes, row.settings),
            lease=chosen.lease,
            actor=chosen.actor,
            reporter=view,
            labels=wishes.labels,
        )
        serving = entry.open_serving(
            worker,
            Assignment(
                list_id=row.list_id,
                path=request.path,
                folder=files.folder_of(request.path),
                settings={**row.settings, **wishes.overrides},
                choices=choices,
                reporter=view,
                known=loaded.tasks,
                synced=row.source_sha256,
                read=request.reading.parse,
                due=loaded.due,
                write_back=request.write_back and not loaded.file_gone,
            ),
            dict(chosen.environ),
            chosen.actor,
        )
    with signals.posted_to(worker.inbox, at_once=view.abandon), view:
        try:
            loop.run(worker)
        finally:
            closing = entry.close_worker(worker, chosen.actor).get(row.list_id)
    assert serving.ending is not None, "the loop ends with the last list"
    view.finish(serving.ending, closing)
    return _exit_code(serving.ending, closing)


def _spelled(path: Path) -> str:
    """The file as it must be typed in the next command: not at all where it is the one that is found by itself."""
    import shlex

    from executor.operations import files

    try:
        if files.choose(None) == path:
            return ""
    except errors.ListError:
        pass  # no usual file here, or several: then it must be named
    return f" {shlex.quote(console.short_path(path))}"


def _tell_loaded(request: _Request, loaded: Loaded) -> None:
    if loaded.file_gone:
        console.warn(f"warning: {console.short_path(request.path)} is gone; going on from the queue")
    if loaded.tasks:
        console.diagnostics(request.path, (one for one in loaded.tasks.diagnostics if one.severity == "warning"))
    if loaded.restored:
        console.warn(
            f"warning: this database does not know the list; {console.counted(loaded.restored, 'task')} ticked in"
            f" {console.short_path(request.path)} count as completed"
        )


def _exit_code(ending: Ending, closing: Closing | None) -> int:
    from executor.engine.serving import Ending

    if closing is None or ending is Ending.INTERRUPTED:
        return errors.EXIT_INTERRUPTED
    if closing.counts.failed or ending is Ending.HALTED:
        return errors.EXIT_FAILED
    if ending in (Ending.STOPPED, Ending.DRAINED, Ending.WAITING, Ending.UNFIT) or closing.counts.queued:
        return errors.EXIT_STOPPED_SHORT
    return errors.EXIT_DONE
