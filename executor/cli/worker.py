"""`executor worker`: carry out whatever lists have work, until told to go."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from executor import errors
from executor.cli import console, options, session, verb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg import Connection

    from executor.cli.views.fleet import Fleet
    from executor.engine.entry import Assignment
    from executor.model import ListName
    from executor.queue.steps import Offer
    from executor.settings import Settings

# A loop that waits for a lock or a slow server is alive; one that stands still for so many leases is not.
_LEASES_STILL = 5

app = verb.verbs()


@verb.verb(app)
def worker(
    lists: Annotated[
        list[str] | None, typer.Option("--list", metavar="FILE", help="Only this list. Repeatable.", show_default=False)
    ] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", help="Only tasks with this tag. Repeatable.", show_default=False)
    ] = None,
    labels: options.Labels = None,
    person: options.Person = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Tasks at a time; one for each CPU.")] = None,
    health: Annotated[
        str | None,
        typer.Option(
            "--health",
            metavar="[HOST:]PORT",
            help="Answer probes over HTTP here: /healthz and /livez.",
            show_default=False,
        ),
    ] = None,
    database_url: options.DatabaseUrl = None,
) -> int:
    """Carry out the tasks of every list in the database, here and until told to go.

    Takes lists that somebody has run, watched or synced, and leaves alone those that are paused or stopped. Any number
    of workers on any number of machines share one database; the folders of the lists must be there under the same path.

    Example: executor worker --label gpu -j 4
    """
    import os
    from pathlib import Path

    from executor.cli.views import fleet
    from executor.database import translate
    from executor.engine import entry, loop, signals
    from executor.engine.recruiting import Recruiting
    from executor.operations import files
    from executor.queue import lists as queue_lists
    from executor.queue.steps import Offer

    console.outlive_readers()
    offer = Offer(
        labels=tuple(labels or ()),
        tags=tuple(tag.lstrip("#") for tag in tags) if tags else None,
        person=None if person is None else person.removeprefix("@"),
    )
    paths = [str(files.choose(one)) for one in lists] if lists else None
    view = fleet.Fleet()
    with session.database(database_url) as (database, chosen), _probes(health, chosen, view):
        connection = database.connect("worker")
        with translate.errors(database.where()):
            at_work = entry.open_worker(
                database,
                connection,
                jobs=jobs or os.cpu_count() or 1,
                lease=chosen.lease,
                actor=chosen.actor,
                reporter=view,
                labels=offer.labels,
            )
            unknown = [files.typed(Path(path)) for path in paths or () if queue_lists.find(connection, path) is None]
        at_work.recruiter = Recruiting(offer, paths, _assigned(offer), dict(chosen.environ), chosen.actor)
        view.said(f"worker {at_work.worker_id} of {database.where()}: {console.counted(at_work.jobs, 'slot')}")
        for named in unknown:
            view.said(f"{named} is not in the queue yet; `executor sync {named}` puts it there")
        with signals.posted_to(at_work.inbox, at_once=view.abandon):
            try:
                loop.run(at_work)
            finally:
                entry.close_worker(at_work, chosen.actor)
        view.said(f"left: {at_work.stopped_by}")
        return errors.EXIT_INTERRUPTED if at_work.stopped_by == "interrupted" else errors.EXIT_DONE


@contextmanager
def _probes(address: str | None, chosen: Settings, view: Fleet) -> Iterator[None]:
    """Answer probes, where that was asked for."""
    if address is None:
        yield
        return
    from executor import clock
    from executor.operations import probes

    patience = _LEASES_STILL * chosen.lease.total_seconds()

    def alive() -> probes.Told:
        still = clock.monotonic() - view.turned_at
        return probes.Told(still < patience, {"alive": still < patience, "seconds_since_turn": round(still, 1)})

    with probes.answering(address, chosen, alive) as url:
        view.said(f"answers probes at {url}")
        yield


def _assigned(offer: Offer) -> Callable[[Connection[Any], ListName], Assignment]:
    """How a list that was found is prepared for work: as its own settings say."""
    from pathlib import Path

    from executor import processes
    from executor.cli.views import fleet
    from executor.engine import wishes
    from executor.engine.entry import Assignment
    from executor.operations import files
    from executor.operations.files import Reading
    from executor.queue import lists, tasks

    host = processes.own().host

    def assign(connection: Connection[Any], name: ListName) -> Assignment:
        row = lists.find(connection, name.path)
        assert row is not None, "found a moment ago, and lists are never deleted by the program"
        path = Path(row.path)
        return Assignment(
            list_id=row.list_id,
            path=path,
            folder=files.folder_of(path),
            settings=dict(row.settings),
            choices=wishes.of_fleet(row, offer),
            reporter=fleet.OfList(tasks.counts(connection, row.list_id), console.short_path(path)),
            known=None,
            synced=row.source_sha256,
            read=Reading(**row.reading).parse,
            # The same path on another machine may be another copy of the file: who reads it there marks it there.
            write_back=row.host == host and path.exists(),
        )

    return assign
