"""`executor watch`: carry lists out and follow every save of their files."""

from __future__ import annotations

from typing import Annotated

import typer

from executor.cli import options, verb, work
from executor.errors import UsageError
from executor.selection import Filters

app = verb.verbs()


@verb.verb(app)
def watch(
    file: Annotated[list[str] | None, typer.Argument(help="Task lists; without any the one here.")] = None,
    jobs: options.Jobs = None,
    keep_going: options.KeepGoing = False,
    fail_fast: options.FailFast = False,
    only: options.Only = None,
    section: options.Section = None,
    tag: options.Tag = None,
    min_priority: options.MinPriority = None,
    retry_failed: options.RetryFailed = False,
    rerun_changed: options.RerunChanged = False,
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
    """Run lists, stay, and follow every save: what is new, changed, ticked or gone takes effect at once.

    A save with errors changes nothing. Ends with Ctrl-C, `executor stop` or `executor drain`.

    Example: executor watch tasks.md docs.md -j 4
    """
    if only and file and len(file) > 1:
        raise UsageError(
            "--only names tasks of one list", hint="watch that list alone, or choose by --tag or --section"
        )
    asked = work.Asked(
        files=[*file] if file else [None],
        watch=True,
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
