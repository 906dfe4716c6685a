"""What another tool's ledger says was applied, in its words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import tuple_row

from sql.adoption import Conversion, Tool
from sql.adoption.flyway import order_of
from sql.errors import HistoryDiffers
from sql.numbering import label

TABLES = {
    Tool.DBMATE: "schema_migrations",
    Tool.GOOSE: "goose_db_version",
    Tool.GOLANG_MIGRATE: "schema_migrations",
    Tool.FLYWAY: "flyway_schema_history",
    Tool.NODE_PG_MIGRATE: "pgmigrations",
}

# Each names the table last. They are composed, for the table is the user's to name.
_APPLIED = {
    Tool.DBMATE: "SELECT version FROM {}",
    # One row for each time a version went up or down: the last one counts. 0 is goose's own first row.
    Tool.GOOSE: """SELECT version_id::text FROM (
        SELECT DISTINCT ON (version_id) version_id, is_applied FROM {} ORDER BY version_id, id DESC
    ) AS last WHERE is_applied AND version_id > 0""",
    Tool.GOLANG_MIGRATE: "SELECT version::text, dirty FROM {}",
    Tool.FLYWAY: "SELECT version FROM {} WHERE version IS NOT NULL AND success AND type <> 'SCHEMA'",
    Tool.NODE_PG_MIGRATE: "SELECT name FROM {}",
}


def newest(connection: Connection[Any], tool: Tool, conversion: Conversion, table: str | None = None) -> int:
    """The version of ours up to which the tool has applied everything; 0 for nothing.

    Raises HistoryDiffers when it has not applied one after the other, or knows migrations that the folder has not:
    a baseline could not tell that story. `table` is the tool's ledger, with its schema where it is not found without.
    """
    name = table or TABLES[tool]
    rows = _rows(connection, tool, name)
    one_number = tool is Tool.GOLANG_MIGRATE
    done = _up_to(rows, conversion) if one_number else {_key(tool, row[0]) for row in rows}
    keys = {_key(tool, file.key): file.version for file in conversion.files if file.version}
    if strange := sorted(done - keys.keys()):
        raise HistoryDiffers(
            f"{name} knows migrations that the folder has not: {', '.join(strange)}",
            hint="import the folder that this database was migrated with",
        )
    versions = sorted(keys[key] for key in done)
    expected = sorted(keys.values())[: len(versions)]
    if versions != expected:
        left_out = ", ".join(label(version) for version in expected if version not in versions)
        raise HistoryDiffers(
            f"{name} has {label(versions[-1])}, but not {left_out} before it",
            hint=f"apply them with {tool} first, then import",
        )
    return versions[-1] if versions else 0


def _rows(connection: Connection[Any], tool: Tool, name: str) -> list[tuple[Any, ...]]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        query = sql.SQL(_APPLIED[tool]).format(sql.Identifier(*name.split(".")))
        return cursor.execute(query, prepare=False).fetchall()


def _up_to(rows: Iterable[tuple[Any, ...]], conversion: Conversion) -> set[str]:
    """golang-migrate keeps one number; a dirty one is half done, and nobody knows which half."""
    for version, dirty in rows:
        if dirty:
            raise HistoryDiffers(
                f"version {version} is dirty: it stopped half way",
                hint="finish it or take it back by hand, `migrate force` it, then import",
            )
        known = {file.key for file in conversion.files}
        return {key for key in known if int(key) <= int(version)} | ({version} - known)
    return set()


def _key(tool: Tool, key: str) -> str:
    """A version as both sides spell it: without leading zeros, and Flyway's without trailing ones."""
    match tool:
        case Tool.FLYWAY:
            return ".".join(map(str, order_of(key)))
        case Tool.NODE_PG_MIGRATE:
            return key
        case _:
            return str(int(key)) if key.isdigit() else key
