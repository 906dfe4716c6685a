"""`executor db start`, `stop`, `status`, `url` and `psql`: the server."""

from __future__ import annotations

from typing import Annotated

import typer

from executor.cli import console, options, session, verb
from executor.cli.db.group import app
from executor.errors import EXIT_DATABASE, EXIT_DONE, UsageError


@verb.verb(app)
def start() -> None:
    """Start the embedded server and keep it up until `db stop`.

    Example: executor db start
    """
    with session.database(None) as (database, _):
        if not database.embedded:
            raise UsageError(
                f"the server at {database.where()} is not ours to start", hint="unset DATABASE_URL for the embedded one"
            )
        address = database.server().keep()
        console.say(
            f"running on 127.0.0.1:{address.port}; `executor db stop` stops it, `executor db url` shows its URL"
        )


@verb.verb(app)
def stop(
    force: Annotated[bool, typer.Option("--force", help="Even while other commands use it.")] = False,
) -> int:
    """Stop the embedded server, or let it stop with its last user.

    Example: executor db stop
    """
    with session.database(None) as (database, _):
        if not database.embedded:
            raise UsageError(f"the server at {database.where()} is not ours to stop")
        match database.server().stop(force=force).value:
            case "in use":
                console.say("in use; it stops with its last user (`executor db stop --force` stops it now)")
            case "not running":
                console.say("not running")
            case _:
                console.say("stopped")
    return 0


@verb.verb(app)
def status(json: options.Json = False, database_url: options.DatabaseUrl = None) -> int:
    """Which database is used, and how it is: exit code 0 when a command could work, 4 when not. Starts nothing.

    Example: executor db status
    """
    from executor.operations import health

    with session.database(database_url) as (database, _):
        found = health.read(database)
        if found.wrong is not None and not json:
            raise found.wrong
        facts = health.told(database, found)
    if json:
        console.say_json(facts)
    else:
        console.table([[name, str(value)] for name, value in facts.items() if value is not None])
    return EXIT_DONE if found.ready else EXIT_DATABASE


@verb.verb(app)
def url(
    password: Annotated[bool, typer.Option("--password", help="With the password: keep it to yourself.")] = False,
) -> None:
    """The URL of the embedded server for other programs, without its password unless asked.

    Example: psql "$(executor db url --password)"
    """
    with session.database(None) as (database, _):
        if not database.embedded:
            raise UsageError("DATABASE_URL names the server", hint="unset it to see the embedded server's URL")
        address = database.server().acquire()
        console.say(address.url(with_password=password))


@verb.verb(app)
def psql(
    arguments: Annotated[list[str] | None, typer.Argument(help="Passed on to psql, after `--`.")] = None,
    database_url: options.DatabaseUrl = None,
) -> int:
    """Open psql on the database that is used.

    Example: executor db psql -- -c 'SELECT task_id, status FROM executor.task_queue'
    """
    import shutil
    import subprocess

    with session.database(database_url) as (database, chosen):
        environ = dict(chosen.environ)
        if database.embedded:
            from executor.database.embedded import home_from_environment, psql_path

            address = database.server().acquire()
            program = str(psql_path(home_from_environment(chosen.environ)))
            # In the environment, not on the command line: everybody on the machine can read that.
            environ |= {
                "PGHOST": address.host,
                "PGPORT": str(address.port),
                "PGUSER": address.user,
                "PGPASSWORD": address.password,
                "PGDATABASE": address.dbname,
            }
        else:
            found = shutil.which("psql")
            if found is None:
                raise UsageError("no psql on this machine", hint="install your system's PostgreSQL client")
            program = found
            environ |= _libpq_variables(database.conninfo())
        return subprocess.run([program, *(arguments or [])], env=environ, check=False).returncode


def _libpq_variables(conninfo: str) -> dict[str, str]:
    from psycopg.conninfo import conninfo_to_dict

    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    names |= {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}
    parts = conninfo_to_dict(conninfo)
    return {names[key]: str(value) for key, value in parts.items() if key in names and value is not None}
