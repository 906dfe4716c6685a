"""Which files, and which database: from options, the environment and `[migrate]` in executor.toml."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from executor import __version__, settings
from executor.cli import console
from executor.errors import DatabaseError, UsageError

if TYPE_CHECKING:
    from psycopg import Connection

    from sql.notices import Report
    from sql.runner import Options

FILE = "executor.toml"
FOLDERS = ("migrations", "db/migrations")
_KNOWN = {"folder", "target"}


def folder(given: str | None) -> Path:
    """The folder of the files: the one named, the one in executor.toml, or one of the usual names here."""
    named = given or _configured().get("folder")
    if named:
        return Path(named)
    for name in FOLDERS:
        if Path(name).is_dir():
            return Path(name)
    raise UsageError(
        f"no {' and no '.join(f'{name}/' for name in FOLDERS)} here",
        hint="name the folder: --folder DIR, or folder in the section [migrate] of executor.toml",
    )


def new_folder(given: str | None) -> Path:
    """The same for a command that may make the folder."""
    try:
        return folder(given)
    except UsageError:
        return Path(FOLDERS[0])


@contextmanager
def connected(database_url: str | None, *, embedded: bool) -> Iterator[Connection[Any]]:
    """A connection to the database that was named; never to the embedded server unless that was said."""
    from executor.database.connection import Database

    chosen = settings.read(database_url=database_url)
    if embedded:
        if database_url:
            raise UsageError("--embedded and --database-url name two databases", hint="name one")
        chosen = settings.embedded(chosen)
    elif chosen.database_url is None:
        if not (target := _configured().get("target")):
            raise DatabaseError(
                "no database is named",
                hint="name it: --database-url, DATABASE_URL, PG*, target in [migrate] of executor.toml, or --embedded",
            )
        chosen = settings.read(chosen.environ, database_url=target)
    database = Database(chosen, notice=console.warn)
    try:
        with database.visit("migrate") as connection:
            yield connection
    finally:
        database.close()


def options(words: list[str] | None, schema: str | None = None, report: Report | None = None) -> Options:
    """What the library is given: the set, the values, the tenant, and who is told what happens."""
    found: Options = {"tool": f"executor {__version__}", "report": report}
    values: dict[str, str] = {}
    for word in words or []:
        name, equals, value = word.partition("=")
        if not equals:
            found["set_name"] = name
        elif "." not in name:
            raise UsageError(f"--set {word}: a value has a dot in its name", hint=f"--set app.{word}")
        else:
            values[name] = value
    if schema:
        found["scope"] = schema
    found["values"] = values
    return found


def scopes(connection: Connection[Any], schema: str | None, schemas: str | None) -> list[str]:
    """The tenants to go through; one empty name where the database is meant as a whole."""
    if schema and schemas:
        raise UsageError("--schema and --schemas name tenants twice", hint="name them once")
    if not schemas:
        return [schema or ""]
    from executor.database import translate

    with translate.errors():
        names = [str(row[0]) for row in connection.execute(schemas.encode()).fetchall()]
    if not names:
        raise UsageError("--schemas names no schema", hint="see what the query gives")
    return names


def _configured() -> dict[str, str]:
    path = Path(FILE)
    if not path.is_file():
        return {}
    import tomllib  # few projects have one

    try:
        section = tomllib.loads(path.read_text(encoding="utf-8")).get("migrate", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}", hint="mend the file") from error
    if unknown := sorted(set(section) - _KNOWN):
        raise UsageError(f"{path}: unknown setting '{unknown[0]}' in [migrate]", hint="known are folder and target")
    return {name: str(value) for name, value in section.items()}
