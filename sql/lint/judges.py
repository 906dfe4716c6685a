"""Which rules a statement breaks: one small judge a rule or two, over the words of the statement."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sql.reading import Action, Reading, find, folded, name_at
from sql.tokens import Kind

# A rule's code, and its subject in the message.
Verdict = tuple[str, str]

# Functions whose answer differs from row to row; a default with one of them is computed for each.
_VOLATILE = {
    "RANDOM", "GEN_RANDOM_UUID", "UUID_GENERATE_V1", "UUID_GENERATE_V4", "UUIDV4", "UUIDV7", "CLOCK_TIMESTAMP",
    "TIMEOFDAY", "NEXTVAL", "RANDOM_NORMAL", "GEN_RANDOM_BYTES",
}  # fmt: skip
_SERIAL = {"SERIAL", "BIGSERIAL", "SMALLSERIAL", "SERIAL4", "SERIAL8", "SERIAL2"}
_CONSTRAINTS = {"CONSTRAINT", "CHECK", "FOREIGN", "UNIQUE", "PRIMARY", "EXCLUDE", "NOT"}
_REPEATABLE = re.compile(
    r"IF NOT EXISTS|IF EXISTS|OR REPLACE"
    r"|^(ALTER|SET|RESET|INSERT|UPDATE|DELETE|MERGE|SELECT|WITH|VACUUM|ANALYZE|REINDEX|REFRESH|CLUSTER|COMMENT|GRANT"
    r"|REVOKE|DO|CALL|CHECKPOINT|LOCK|NOTIFY|LISTEN|UNLISTEN|DISCARD|SHOW|EXPLAIN|TRUNCATE|SECURITY|REASSIGN)\b"
)


def is_repeatable(reading: Reading) -> bool:
    """Whether the statement may simply run again after it was done; of ALTER only what its words tell."""
    return bool(_REPEATABLE.search(" ".join(reading.words)))


def of_statement(reading: Reading) -> Iterator[tuple[Verdict, str]]:
    """Each broken rule, with the relation that it concerns: a relation of the file's own making breaks none."""
    judge = _JUDGES.get(reading.kind)
    if judge is not None:
        yield from judge(reading)


def _create_index(reading: Reading) -> Iterator[tuple[Verdict, str]]:
    if not reading.says("CONCURRENTLY"):
        table = reading.name_after("ON")
        yield ("index-without-concurrently", table), table


def _drop_index(reading: Reading) -> Iterator[tuple[Verdict, str]]:
    if not reading.says("CONCURRENTLY"):
        for name in reading.names_after("INDEX"):
            yield ("drop-index-without-concurrently", name), name


def _reindex(reading: Reading) -> Iterator[tuple[Verdict, str]]:
    if not reading.says("CONCURRENTLY"):
        name = reading.name_after("INDEX") or reading.name_after("TABLE") or "the database"
        yield ("reindex-without-concurrently", name), name


def _refresh(reading: Reading) -> Iterator[tuple[Verdict, str]]:
    view = reading.name_after("VIEW")
    if view != "concurrently":
        yield ("refresh-without-concurrently", view), view


def _drop_table(reading: Reading) -> Iterator[tuple[Verdict, str]]:
    for name in reading.names_after("TABLE"):
        yield ("drop-table", name), name


def _truncate(reading: Reading) -> Iterator[tuple[Verdict, str]]:
    if reading.words[-1] == "CASCADE":
        names = reading.names_after("TABLE") or reading.names_after("TRUNCATE")
        yield ("truncate-cascade", ", ".join(names)), names[0] if names else ""


def _every_row(reading: Reading) -> Iterator[tuple[Verdict, str]]:
    if "WHERE" not in reading.words and reading.words[-1:] != (")",):
        table = reading.name_after("FROM") if reading.kind == "DELETE" else reading.name_after("UPDATE")
        yield ("change-all-rows", f"{reading.kind} of {table}"), table


def _rewrite(reading: Reading) -> Iterator[tuple[Verdict, str]]:
    if reading.kind == "CLUSTER" or reading.says("VACUUM", "FULL") or reading.says("VACUUM", "(", "FULL"):
        name, _ = name_at(reading.tokens, len(reading.tokens) - 1)
        yield ("rewrites-table", " ".join(reading.words)), name


def _set(reading: Reading) -> Iterator[tuple[Verdict, str]]:
    words = reading.words[1:] if reading.words[1:2] == ("SESSION",) else reading.words
    if reading.words[1:2] not in (("LOCAL",), ("CONSTRAINTS",), ("TRANSACTION",)) and len(words) > 1:
        yield ("non-local-set", words[1].lower()), ""


def _alter_table(reading: Reading) -> Iterator[tuple[Verdict, str]]:
    for action in reading.actions:
        for verdict in _action(reading.table, action):
            yield verdict, reading.table


def _alter_named(reading: Reading) -> Iterator[tuple[Verdict, str]]:
    """Views, types and others whose renaming is all that breaks somebody."""
    if reading.says("RENAME") and not reading.says("RENAME", "CONSTRAINT"):
        name, _ = name_at(reading.tokens, len(reading.kind.split()))
        yield ("rename", name), name


def _action(table: str, action: Action) -> Iterator[Verdict]:
    match action.words:
        case ["ADD", *rest] if _is_constraint(rest):
            yield from _constraint(table, action)
        case ["ADD", *_]:
            yield from _add_column(action)
        case ["ALTER", *_]:
            yield from _alter_column(table, action)
        case ["DROP", "CONSTRAINT", *_]:
            return
        case ["DROP", *_]:
            yield "drop-column", f"{table}.{_column(action)}"
        case ["RENAME", "CONSTRAINT", *_]:
            return
        case ["RENAME", "TO", *_]:
            yield "rename", table
        case ["RENAME", *_]:
            yield "rename", f"{table}.{_column(action)}"
        case ["SET", "LOGGED" | "UNLOGGED" | "TABLESPACE", *_] | ["SET", "ACCESS", "METHOD", *_]:
            yield "rewrites-table", f"ALTER TABLE {table} {' '.join(action.words[:2])}"


def _is_constraint(rest: list[str]) -> bool:
    return bool(rest) and rest[0] in _CONSTRAINTS


def _constraint(table: str, action: Action) -> Iterator[Verdict]:
    if action.says("NOT", "VALID") or action.says("USING", "INDEX"):
        return
    if any(action.says(*kind) for kind in (("CHECK",), ("FOREIGN", "KEY"), ("NOT", "NULL"))):
        yield "constraint-without-not-valid", table
    else:
        yield "key-without-index", table


def _add_column(action: Action) -> Iterator[Verdict]:
    column, words = _column(action), action.words
    fills = any(word in words for word in ("DEFAULT", "GENERATED")) or bool(_SERIAL.intersection(words))
    if find(words, ("NOT", "NULL")) >= 0 and not fills:
        yield "not-null-without-default", column
    computed = find(words, ("STORED",)) >= 0 or find(words, ("AS", "IDENTITY")) >= 0
    if computed or (_VOLATILE | _SERIAL).intersection(words):
        yield "rewriting-default", column
    if "REFERENCES" in words and _default_is_null(words):
        return
    if "REFERENCES" in words or "CHECK" in words:
        yield "constraint-without-not-valid", f"new column {column}"
    if "UNIQUE" in words or find(words, ("PRIMARY", "KEY")) >= 0:
        yield "key-without-index", f"new column {column}"


def _default_is_null(words: tuple[str, ...]) -> bool:
    """Without a default there is no value to look up; the locks are short."""
    return "DEFAULT" not in words


def _alter_column(table: str, action: Action) -> Iterator[Verdict]:
    column = f"{table}.{_column(action)}"
    if action.says("SET", "NOT", "NULL"):
        yield "set-not-null", column
    elif action.says("TYPE"):
        yield "alter-type", column


def _column(action: Action) -> str:
    """The column that an action names first."""
    for token in action.tokens[1:]:
        if token.kind is Kind.QUOTED or token.text.upper() not in ("COLUMN", "IF", "NOT", "EXISTS"):
            return folded(token)
    return ""


_JUDGES: dict[str, Callable[[Reading], Iterator[tuple[Verdict, str]]]] = {
    "CREATE INDEX": _create_index,
    "DROP INDEX": _drop_index,
    "REINDEX": _reindex,
    "REFRESH": _refresh,
    "DROP TABLE": _drop_table,
    "TRUNCATE": _truncate,
    "UPDATE": _every_row,
    "DELETE": _every_row,
    "CLUSTER": _rewrite,
    "VACUUM": _rewrite,
    "SET": _set,
    "ALTER TABLE": _alter_table,
    "ALTER VIEW": _alter_named,
    "ALTER MATERIALIZED VIEW": _alter_named,
    "ALTER TYPE": _alter_named,
    "ALTER SCHEMA": _alter_named,
    "ALTER FUNCTION": _alter_named,
    "ALTER SEQUENCE": _alter_named,
}
