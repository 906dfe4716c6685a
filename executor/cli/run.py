"""`executor run`: load a list and carry it out to the end."""

from __future__ import annotations

from typing import Annotated

import typer

from executor import errors
from executor.cli import options, verb, work
from executor.errors import UsageError
from executor.selection import Filters

app = verb.verbs()


@verb.verb(app)
def run(
    file: options.File = None,
    jobs: options.Jobs = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Stay, and follow every save of the file.")] = False,
    keep_going: options.KeepGoing = False,
    fail_fast: options.FailFast = False,
    only: options.Only = None,
    section: options.Section = None,
    tag: options.Tag = None,
    min_priority: options.MinPriority = None,
    retry_failed: options.RetryFailed = False,
    rerun_changed: options.RerunChanged = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan, as the file alone tells it, and change nothing.")
    ] = False,
    timeout: options.Timeout = None,
    retries: options.Retries = None,
    runner: options.Runner = None,
    agent: options.Agent = None,
    no_write_back: options.NoWriteBack = False,
    mark_running: options.MarkRunning = False,
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
    if dry_run and watch:
        raise UsageError("--dry-run shows a plan once, --watch stays", hint="give one of them")
    if dry_run:
        from executor.cli.plan import plan

        work.check(runner, keep_going=keep_going, fail_fast=fail_fast)
        plan(
            file,
            json,
            only,
            section,
            tag,
            min_priority,
            runner,
            agent,
            labels,
            person,
            dialect,
            on_duplicate,
            allow_missing,
            max_size,
        )
        return errors.EXIT_DONE
    asked = work.Asked(
        files=[file],
        watch=watch,
        jobs=jobs,
        fail_fast=work.check(runner, keep_going=keep_going, fail_fast=fail_fast),
        only=only or [],
        filters=Filters(section, tag, min_priority),
        retry_failed=retry_failed,
        rerun_changed=rerun_changed,
        overrides=work.overrides(timeout, retries),
        runner=runner,
        agent=agent,
        write_back=not no_write_back,
        mark_running=mark_running,
        labels=tuple(labels or ()),
        person=person,
        json=json,
        dialect=dialect,
        on_duplicate=on_duplicate,
        allow_missing=allow_missing,
        max_size=max_size,
    )
    return work.do(asked, database_url)
