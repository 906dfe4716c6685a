"""From files to the end of the work: what `run` and `watch` have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from executor import errors
from executor.cli import console, session
from executor.errors import ListError, UsageError
from executor.selection import Filters

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import Connection

    from executor.cli.views import View
    from executor.database.connection import Database
    from executor.engine.entry import Assignment, Closing
    from executor.engine.serving import Choices, Ending, Sync, Synced
    from executor.engine.wishes import Wishes
    from executor.model import ListRow
    from executor.operations.load import Loaded, Source
    from executor.queue.events import Cursor
    from executor.settings import Settings
    from loader.model import TaskList


class Asked(Struct, frozen=True):
    """What was typed. `fail_fast` None leaves it to the list; a file that is None is the one here."""

    files: Sequence[str | None]
    watch: bool
    jobs: int | None
    fail_fast: bool | None
    filters: Filters
    retry_failed: bool
    rerun_changed: bool
    runner: str | None
    agent: str | None
    write_back: bool
    mark_running: bool
    labels: tuple[str, ...]
    person: str | None
    json: bool
    dialect: str | None
    on_duplicate: str
    allow_missing: bool
    max_size: str | None
    only: Sequence[str] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)


class _Prepared(Struct, frozen=True):
    """A list in the queue, ready to be worked on."""

    source: Source
    loaded: Loaded
    wishes: Wishes
    choices: Choices
    view: View
    began: datetime

    @property
    def row(self) -> ListRow:
        return self.loaded.row


def check(runner: str | None, *, keep_going: bool, fail_fast: bool) -> bool | None:
    """Whether to stop at failures, None where nothing was said; raises UsageError for what makes no sense."""
    if keep_going and fail_fast:
        raise UsageError("--keep-going and --fail-fast exclude each other", hint="give one of them")
    if runner not in (None, "shell", "agent", "manual"):
        raise UsageError(f"no runner '{runner}'", hint="use --runner shell, --runner agent or --runner manual")
    return True if fail_fast else False if keep_going else None


def overrides(timeout: str | None, retries: int | None) -> dict[str, Any]:
    """What --timeout and --retries say, as settings of a list; raises UsageError."""
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


def do(asked: Asked, database_url: str | None) -> int:
    """Load, then work until the worker leaves, then say how it ended; the exit code."""
    from executor.operations import files

    paths = list(dict.fromkeys(files.choose(one) for one in asked.files))
    console.outlive_readers()
    with session.database(database_url) as (database, chosen):
        # The embedded server starts while Python imports what the rest of this needs.
        if database.is_unmade:
            for path in paths:
                if not path.exists():
                    files.read(path)  # raises: no queue can know a list that was never run here
        connection = database.connect("run")
        return _do(database, connection, chosen, asked, paths)


def _do(database: Database, connection: Connection[Any], chosen: Settings, asked: Asked, paths: Sequence[Path]) -> int:
    from executor.cli import views
    from executor.database import translate
    from executor.engine import entry, loop, signals
    from executor.engine import wishes as wished

    with translate.errors(database.where()):
        since = {path: views.before(connection, path) for path in paths} if asked.json else {}
        loaded = [_load(connection, chosen, asked, path) for path in paths]
        if not asked.watch and loaded[0][1].row.status == "paused":
            return _stay_paused(connection, chosen, loaded[0][1].row)
        lists = []
        for path, source_and_row in zip(paths, loaded, strict=True):
            with console.listing(path):
                lists.append(_prepare(database, connection, chosen, asked, *source_and_row, since, len(paths)))
        view = lists[0].view if len(lists) == 1 else views.together([one.view for one in lists], json=asked.json)
        worker = entry.open_worker(
            database,
            connection,
            jobs=asked.jobs or sum(wished.jobs(one.wishes, one.row.settings) for one in lists),
            lease=chosen.lease,
            actor=chosen.actor,
            reporter=view,
            labels=asked.labels,
        )
        for one in lists:
            assignment = _assignment(asked, one, chosen.actor, alone=len(lists) == 1)
            entry.open_serving(worker, assignment, dict(chosen.environ), chosen.actor)
    servings = dict(worker.servings)
    with signals.posted_to(worker.inbox, at_once=view.abandon), view:
        try:
            if asked.watch:
                entry.follow(worker)
            loop.run(worker)
        finally:
            closings = entry.close_worker(worker, chosen.actor)
    codes = []
    for one in lists:
        ending, closing = servings[one.row.list_id].ending, closings.get(one.row.list_id)
        assert ending is not None, "the loop ends with the last list"
        one.view.finish(ending, closing)
        codes.append(_exit_code(ending, closing))
    return max(codes, key=_GRAVITY.index)


def _load(connection: Connection[Any], chosen: Settings, asked: Asked, path: Path) -> tuple[Source, Loaded]:
    from executor.operations import files, load
    from executor.operations.load import Loaded, Source
    from executor.queue import lists

    reading = files.Reading(
        str(path), asked.dialect, asked.on_duplicate, asked.allow_missing, files.size_max(asked.max_size)
    )
    source = Source(path, reading, asked.runner, asked.rerun_changed, asked.agent)
    try:
        loaded = load.load(
            connection,
            path,
            actor=chosen.actor,
            reading=reading,
            runner=asked.runner,
            agent=asked.agent,
            rerun_changed=asked.rerun_changed,
        )
    except ListError:
        known = lists.find(connection, str(path))
        if not asked.watch or known is None:
            raise
        loaded = Loaded(known, None)  # the queue stands; who reads the file tells why, and waits
    _tell_loaded(path, loaded, watch=asked.watch)
    return source, loaded


def _stay_paused(connection: Connection[Any], chosen: Settings, row: ListRow) -> int:
    from executor.operations import control

    control.recover(connection, chosen.actor)
    command = f"executor resume{console.spelled(row.path)}"
    console.warn(f"{console.short_path(row.path)} is paused by {row.status_by}; go on with `{command}`")
    connection.close()
    return errors.EXIT_STOPPED_SHORT


def _prepare(
    database: Database,
    connection: Connection[Any],
    chosen: Settings,
    asked: Asked,
    source: Source,
    loaded: Loaded,
    since: Mapping[Path, Cursor],
    number: int,
) -> _Prepared:
    from executor.cli import views
    from executor.operations import control, naming
    from executor.queue import lists, tasks

    row = loaded.row
    found = naming.find(connection, row.list_id, asked.only) if asked.only else []
    wishes = _wishes(asked, [name.queue_id for name in found])
    now = lists.now(connection)
    choices = _choices(connection, wishes, row, now, alone=number == 1)
    if asked.retry_failed:
        control.retry_failed(connection, row, chosen.actor, choices.only)
    counts = tasks.counts(connection, row.list_id, choices.only)
    if number == 1:
        view = views.choose(database, row, counts, console.spelled(source.path), since=since.get(source.path))
    else:
        view = views.beside_others(database, row, counts, console.short_path(source.path), since=since.get(source.path))
    return _Prepared(source, loaded, wishes, choices, view, now)


def _wishes(asked: Asked, only: Sequence[int]) -> Wishes:
    from executor.engine.wishes import Wishes

    return Wishes(
        jobs=asked.jobs,
        fail_fast=asked.fail_fast,
        only=only,
        filters=asked.filters,
        overrides=asked.overrides,
        mark_running=asked.mark_running,
        labels=asked.labels,
        person=None if asked.person is None else asked.person.removeprefix("@"),
    )


def _choices(connection: Connection[Any], wishes: Wishes, row: ListRow, began: datetime, *, alone: bool) -> Choices:
    """How a list is run: beside others, with no more tasks at a time than it would have by itself."""
    from executor.engine import wishes as wished
    from executor.queue import tasks

    only = wished.select(wishes, tasks.of_list(connection, row.list_id)) if wishes.is_choosy else None
    choices = wished.choices(wishes, row, only=only, now=began)
    return choices if alone else replace(choices, most=wished.jobs(wishes, row.settings))


def _assignment(asked: Asked, one: _Prepared, actor: str, *, alone: bool) -> Assignment:
    from executor.engine.entry import Assignment
    from executor.operations import files
    from executor.watch.reader import Watched

    source, row = one.source, one.row
    watched = Watched(source.path, source.read, source.parse, files.digest)
    return Assignment(
        list_id=row.list_id,
        path=source.path,
        folder=files.folder_of(source.path),
        settings={**row.settings, **asked.overrides},
        choices=one.choices,
        reporter=one.view,
        known=one.loaded.tasks,
        synced=row.source_sha256,
        read=source.reading.parse,
        write_back=asked.write_back and (asked.watch or not one.loaded.file_gone),
        watched=(watched, _sync(one, actor, alone=alone)) if asked.watch else None,
    )


def _sync(one: _Prepared, actor: str, *, alone: bool) -> Sync:
    """How a save gets into the queue, and what the list then asks of its worker."""
    from executor.engine import wishes as wished
    from executor.engine.serving import Synced
    from executor.operations import bringing
    from executor.queue import tasks

    def sync(connection: Connection[Any], parsed: TaskList, just_marked: Sequence[frozenset[str]]) -> Synced | None:
        loaded = bringing.bring_in(connection, one.source, parsed, actor=actor, just_marked=just_marked)
        if loaded is None:
            return None
        row = loaded.row
        try:
            choices = _choices(connection, one.wishes, row, one.began, alone=alone)
        except UsageError:  # no task matches what was asked for any more; the next save may have one
            choices = replace(one.choices, only=())
        return Synced(
            changes=loaded.summary,
            counts=tasks.counts(connection, row.list_id, choices.only),
            choices=choices,
            settings={**row.settings, **one.wishes.overrides},
            sha256=parsed.sha256,
            overtaken=loaded.overtaken,
            again=loaded.again,
            jobs=wished.jobs(one.wishes, row.settings) if alone else None,
        )

    return sync


def _tell_loaded(path: Path, loaded: Loaded, *, watch: bool) -> None:
    if loaded.file_gone and not watch:  # who watches it says so by itself
        console.warn(f"warning: {console.short_path(path)} is gone; going on from the queue")
    if loaded.tasks:
        console.diagnostics(path, (one for one in loaded.tasks.diagnostics if one.severity == "warning"))
    if loaded.restored:
        console.warn(
            f"warning: this database does not know the list; {console.counted(loaded.restored, 'task')} ticked in"
            f" {console.short_path(path)} count as completed"
        )


# The code of several lists is that of the one that went worst.
_GRAVITY = (errors.EXIT_DONE, errors.EXIT_STOPPED_SHORT, errors.EXIT_FAILED, errors.EXIT_INTERRUPTED)


def _exit_code(ending: Ending, closing: Closing | None) -> int:
    from executor.engine.serving import Ending

    if closing is None or ending is Ending.INTERRUPTED:
        return errors.EXIT_INTERRUPTED
    if ending in (Ending.REFUSED, Ending.SPENT):
        return errors.EXIT_STOPPED_SHORT
    if closing.counts.failed or closing.counts.missed or ending is Ending.HALTED:
        return errors.EXIT_FAILED
    if ending in (Ending.STOPPED, Ending.DRAINED, Ending.WAITING, Ending.UNFIT) or closing.counts.queued:
        return errors.EXIT_STOPPED_SHORT
    return errors.EXIT_DONE
