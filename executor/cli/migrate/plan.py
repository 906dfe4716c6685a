"""`executor migrate plan`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from executor.cli import console
from executor.cli.migrate import findings, options, show, target
from executor.cli.migrate.group import command
from executor.errors import EXIT_PENDING

if TYPE_CHECKING:
    from sql.folder import Migration
    from sql.together import Trial


@command("plan")
def plan(
    sql_: Annotated[bool, typer.Option("--sql", help="With the SQL of each file.")] = False,
    try_: Annotated[bool, typer.Option("--try", help="Run it all in one transaction and roll that back.")] = False,
    folder: options.Folder = None,
    set_: options.Set = None,
    schema: options.Schema = None,
    database_url: options.DatabaseUrl = None,
    embedded: options.Embedded = False,
    json: options.Json = False,
) -> int:
    """Show what `up` would run, with what is unsafe about it. Changes nothing; ends with 10 where something is pending.

    Example: executor migrate plan --sql
    """
    import sql
    from sql import steps
    from sql.plan import ProblemKind
    from sql.runner import Runner

    path = target.folder(folder)
    chosen = target.options(set_, schema)
    with target.connected(database_url, embedded=embedded) as connection:
        runner = Runner(connection, **chosen)
        pending = steps.choose(runner.plan(sql.load(path), accept=(ProblemKind.LATE,)))
        trial = sql.trial(connection, path, **chosen) if try_ else None
    if json:
        console.say_json({"pending": [_plain(one, trial) for one in pending], "tried": try_})
    else:
        _show(pending, trial, with_sql=sql_)
    return EXIT_PENDING if pending else 0


def _show(pending: tuple[Migration, ...], trial: Trial | None, *, with_sql: bool) -> None:
    for one in pending:
        how = "" if one.script.directives.transaction else "  no-transaction"
        console.say(f"{one.label}{how}")
        for line in one.up.strip().splitlines() if with_sql else ():
            console.say(f"    {line}")
        for finding in findings.of(one):
            console.say(f"  {finding}")
        for table, mode in _locks(one, trial):
            console.say(f"  locks {table}: {mode}")
    console.say(f"{console.counted(len(pending), 'file')} pending" if pending else "nothing to do")
    if trial:
        console.say(f"{len(trial.tried)} tried and rolled back, {len(trial.skipped)} not tried (no-transaction)")


def _locks(one: Migration, trial: Trial | None) -> Sequence[tuple[str, str]]:
    """Those that were seen in the trial; without one, those that its words tell."""
    for each in trial.tried if trial else ():
        if each.migration.label == one.label:
            return [(lock.table, _spaced(lock.mode)) for lock in each.locks]
    return findings.locks(one)


def _spaced(mode: str) -> str:
    """`ACCESS EXCLUSIVE`, as the server's manual writes what its catalogue calls AccessExclusiveLock."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", mode.removesuffix("Lock")).upper()


def _plain(one: Migration, trial: Trial | None) -> dict[str, Any]:
    return show.migration(one) | {
        "transaction": one.script.directives.transaction,
        "sql": one.up,
        "findings": [finding.plain() for finding in findings.of(one)],
        "locks": [{"table": table, "mode": mode} for table, mode in _locks(one, trial)],
    }
