"""Which lock a statement takes on which relations, told from its words alone.

Only relations that the words name: what a trigger, a view or a CASCADE reaches, the database alone knows. The strengths
are those of the server's manual, "Explicit Locking"; tests compare with pg_locks, statement by statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum

from msgspec import Struct

from sql.reading import Action, Reading, find, name_at, read


class Mode(IntEnum):
    """Table locks, from the weakest to the strongest."""

    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    def __str__(self) -> str:
        return self.name.replace("_", " ")

    @property
    def stops(self) -> str:
        """What others cannot do meanwhile, in words."""
        match self:
            case Mode.ACCESS_EXCLUSIVE:
                return "reads and writes"
            case Mode.EXCLUSIVE | Mode.SHARE_ROW_EXCLUSIVE | Mode.SHARE:
                return "writes"
            case Mode.SHARE_UPDATE_EXCLUSIVE:
                return "changes of the schema"
            case _:
                return "nothing but changes of the schema"


class Lock(Struct, frozen=True):
    """A lock on a relation; the name as the statement spells it."""

    relation: str
    mode: Mode


def of(sql: str) -> tuple[Lock, ...]:
    """The locks of one statement, the strongest of each relation, by name."""
    return strongest(_of(read(sql)))


def strongest(locks: Iterable[Lock]) -> tuple[Lock, ...]:
    """One lock a relation: in a transaction that is what others wait for."""
    found: dict[str, Mode] = {}
    for lock in locks:
        if lock.relation:
            found[lock.relation] = max(lock.mode, found.get(lock.relation, lock.mode))
    return tuple(Lock(name, mode) for name, mode in sorted(found.items()))


def _of(reading: Reading) -> Iterator[Lock]:
    if rule := _NAMED.get(reading.kind):
        yield Lock(reading.name_after(rule[0]), rule[1])
    elif judge := _JUDGES.get(reading.kind):
        yield from judge(reading)


def _create_index(reading: Reading) -> Iterator[Lock]:
    concurrent = reading.says("CONCURRENTLY")
    yield Lock(reading.name_after("ON"), Mode.SHARE_UPDATE_EXCLUSIVE if concurrent else Mode.SHARE)


def _create_view(reading: Reading) -> Iterator[Lock]:
    yield from _read(reading, Mode.ACCESS_SHARE)
    if reading.says("OR", "REPLACE"):
        yield Lock(reading.name_after("VIEW"), Mode.ACCESS_EXCLUSIVE)


def _create_statistics(reading: Reading) -> Iterator[Lock]:
    yield from (Lock(name, Mode.SHARE_UPDATE_EXCLUSIVE) for name in reading.every_name_after("FROM"))


def _write(reading: Reading) -> Iterator[Lock]:
    word = {"UPDATE": "UPDATE", "DELETE": "FROM"}.get(reading.kind, "INTO")
    yield Lock(reading.name_after(word), Mode.ROW_EXCLUSIVE)
    yield from _read(reading, Mode.ACCESS_SHARE)


def _select(reading: Reading) -> Iterator[Lock]:
    locking = any(reading.says("FOR", word) for word in ("UPDATE", "SHARE", "NO", "KEY"))
    yield from _read(reading, Mode.ROW_SHARE if locking else Mode.ACCESS_SHARE)


def _copy(reading: Reading) -> Iterator[Lock]:
    yield Lock(reading.name_after("COPY"), Mode.ROW_EXCLUSIVE if reading.says("FROM") else Mode.ACCESS_SHARE)


def _truncate(reading: Reading) -> Iterator[Lock]:
    names = reading.names_after("TABLE") or reading.names_after("TRUNCATE")
    yield from (Lock(name, Mode.ACCESS_EXCLUSIVE) for name in names)


def _refresh(reading: Reading) -> Iterator[Lock]:
    if reading.says("CONCURRENTLY"):
        yield Lock(reading.name_after("CONCURRENTLY"), Mode.EXCLUSIVE)
    else:
        yield Lock(reading.name_after("VIEW"), Mode.ACCESS_EXCLUSIVE)


def _analyze(reading: Reading) -> Iterator[Lock]:
    yield from (Lock(name, Mode.SHARE_UPDATE_EXCLUSIVE) for name in reading.names_after("ANALYZE"))


def _create_table(reading: Reading) -> Iterator[Lock]:
    """The new table is nobody's yet; what counts are the tables it refers to."""
    for place, word in enumerate(reading.words):
        if word == "REFERENCES":
            yield Lock(name_at(reading.tokens, place + 1)[0], Mode.SHARE_ROW_EXCLUSIVE)
        elif word == "LIKE" and reading.words[place - 1] in ("(", ","):
            yield Lock(name_at(reading.tokens, place + 1)[0], Mode.ACCESS_SHARE)
    if parent := reading.name_after("PARTITION", "OF"):
        yield Lock(parent, Mode.ACCESS_EXCLUSIVE)
    if find(reading.words, ("INHERITS", "(")) >= 0:
        yield from (Lock(name, Mode.SHARE_UPDATE_EXCLUSIVE) for name in reading.names_after("INHERITS", "("))
    if reading.says("AS", "SELECT") or reading.says("AS", "WITH"):
        yield from _read(reading, Mode.ACCESS_SHARE)


def _drop(reading: Reading) -> Iterator[Lock]:
    concurrent = reading.says("CONCURRENTLY")
    noun = "CONCURRENTLY" if concurrent else reading.kind.split()[-1]
    mode = Mode.SHARE_UPDATE_EXCLUSIVE if concurrent else Mode.ACCESS_EXCLUSIVE
    yield from (Lock(name, mode) for name in reading.names_after(noun))


def _alter_other(reading: Reading) -> Iterator[Lock]:
    noun = reading.kind.split()[-1]
    mode = Mode.ACCESS_EXCLUSIVE
    if noun == "SEQUENCE" and not reading.says("RENAME") and not reading.says("SET", "SCHEMA"):
        mode = Mode.SHARE_ROW_EXCLUSIVE
    if noun == "INDEX" and (reading.says("RENAME") or reading.says("SET", "(") or reading.says("SET", "STATISTICS")):
        mode = Mode.SHARE_UPDATE_EXCLUSIVE
    yield Lock(reading.name_after(noun), mode)


def _alter_table(reading: Reading) -> Iterator[Lock]:
    table = reading.table
    for action in reading.actions:
        yield Lock(table, _mode(action))
        if action.says("REFERENCES"):
            place = action.words.index("REFERENCES") + 1
            yield Lock(name_at(action.tokens, place)[0], Mode.SHARE_ROW_EXCLUSIVE)
        match action.words:
            case ["ATTACH", "PARTITION", *_]:
                yield Lock(name_at(action.tokens, 2)[0], Mode.ACCESS_EXCLUSIVE)
            case ["DETACH", "PARTITION", *_]:
                concurrent = action.says("CONCURRENTLY")
                yield Lock(
                    name_at(action.tokens, 2)[0], Mode.SHARE_UPDATE_EXCLUSIVE if concurrent else Mode.ACCESS_EXCLUSIVE
                )
            case ["INHERIT", *_]:
                yield Lock(name_at(action.tokens, 1)[0], Mode.SHARE_UPDATE_EXCLUSIVE)
            case ["NO", "INHERIT", *_]:
                yield Lock(name_at(action.tokens, 2)[0], Mode.ACCESS_SHARE)


def _mode(action: Action) -> Mode:
    """The lock of one action of ALTER TABLE on the table itself."""
    match action.words:
        case ["VALIDATE", "CONSTRAINT", *_] | ["CLUSTER", "ON", *_] | ["SET", "WITHOUT", "CLUSTER", *_]:
            return Mode.SHARE_UPDATE_EXCLUSIVE
        case ["ATTACH", "PARTITION", *_]:
            return Mode.SHARE_UPDATE_EXCLUSIVE
        case ["DETACH", "PARTITION", *_] if action.says("CONCURRENTLY"):
            return Mode.SHARE_UPDATE_EXCLUSIVE
        case ["SET" | "RESET", "(", *_]:
            return Mode.SHARE_UPDATE_EXCLUSIVE
        case ["ALTER", *_] if action.says("SET", "STATISTICS") or action.says("SET", "(") or action.says("RESET", "("):
            return Mode.SHARE_UPDATE_EXCLUSIVE
        case ["ENABLE" | "DISABLE", *rest] if "TRIGGER" in rest[:2]:
            return Mode.SHARE_ROW_EXCLUSIVE
        case ["ADD", *_] if action.says("FOREIGN", "KEY"):
            return Mode.SHARE_ROW_EXCLUSIVE
        case _:
            return Mode.ACCESS_EXCLUSIVE


def _read(reading: Reading, mode: Mode) -> Iterator[Lock]:
    """What stands behind FROM and JOIN, but for the names that WITH gives to its own queries."""
    own = {name for word in ("WITH", "RECURSIVE", ",") for name in reading.every_name_after(word)}
    own = {name for name in own if find(reading.words, (name.upper(), "AS", "(")) >= 0}
    for word in ("FROM", "JOIN", "USING"):
        for name in reading.every_name_after(word):
            if name not in own and not _is_call(reading, word, name):
                yield Lock(name, mode)


def _is_call(reading: Reading, word: str, name: str) -> bool:
    """Whether the name is a function's, or no name at all: FROM generate_series(…), FROM (SELECT …), FROM LATERAL."""
    last = name.rpartition(".")[2].upper()
    place = find(reading.words, (word,))
    return name in ("lateral", "select", "unnest") or find(reading.words[place:], (last, "(")) >= 0


def _explicit(reading: Reading) -> Iterator[Lock]:
    mode = Mode.ACCESS_EXCLUSIVE
    for one in sorted(Mode, reverse=True):
        if reading.says("IN", *one.name.split("_"), "MODE"):
            mode = one
    names = reading.names_after("TABLE") or reading.names_after("LOCK")
    yield from (Lock(name, mode) for name in names)


def _comment(reading: Reading) -> Iterator[Lock]:
    noun = reading.words[2] if len(reading.words) > 2 else ""
    name = reading.name_after(noun) if noun else ""
    match noun:
        case "TABLE" | "VIEW" | "INDEX" | "SEQUENCE":
            yield Lock(name, Mode.SHARE_UPDATE_EXCLUSIVE)
        case "COLUMN":
            yield Lock(name.rpartition(".")[0], Mode.SHARE_UPDATE_EXCLUSIVE)


def _reindex(reading: Reading) -> Iterator[Lock]:
    noun = "INDEX" if "INDEX" in reading.words else "TABLE"
    if reading.says("CONCURRENTLY"):
        yield Lock(reading.name_after("CONCURRENTLY"), Mode.SHARE_UPDATE_EXCLUSIVE)
    else:
        yield Lock(reading.name_after(noun), Mode.ACCESS_EXCLUSIVE if noun == "INDEX" else Mode.SHARE)


# Statements whose one lock is on the name behind a word.
_NAMED = {
    "CREATE TRIGGER": ("ON", Mode.SHARE_ROW_EXCLUSIVE),
    "DROP TRIGGER": ("ON", Mode.ACCESS_EXCLUSIVE),
    "ALTER TRIGGER": ("ON", Mode.ACCESS_EXCLUSIVE),
    "CREATE POLICY": ("ON", Mode.ACCESS_EXCLUSIVE),
    "ALTER POLICY": ("ON", Mode.ACCESS_EXCLUSIVE),
    "DROP POLICY": ("ON", Mode.ACCESS_EXCLUSIVE),
    "CREATE RULE": ("TO", Mode.ACCESS_EXCLUSIVE),
    "ALTER RULE": ("ON", Mode.ACCESS_EXCLUSIVE),
    "DROP RULE": ("ON", Mode.ACCESS_EXCLUSIVE),
    "CLUSTER": ("CLUSTER", Mode.ACCESS_EXCLUSIVE),
}
_JUDGES: dict[str, Callable[[Reading], Iterator[Lock]]] = {
    "ALTER TABLE": _alter_table,
    "ALTER FOREIGN TABLE": _alter_table,
    "CREATE TABLE": _create_table,
    "CREATE FOREIGN TABLE": _create_table,
    "CREATE INDEX": _create_index,
    "CREATE VIEW": _create_view,
    "CREATE MATERIALIZED VIEW": _create_view,
    "CREATE STATISTICS": _create_statistics,
    **dict.fromkeys(("DROP TABLE", "DROP FOREIGN TABLE", "DROP VIEW", "DROP MATERIALIZED VIEW"), _drop),
    **dict.fromkeys(("DROP INDEX", "DROP SEQUENCE"), _drop),
    **dict.fromkeys(("ALTER VIEW", "ALTER MATERIALIZED VIEW", "ALTER INDEX", "ALTER SEQUENCE"), _alter_other),
    **dict.fromkeys(("INSERT", "MERGE", "UPDATE", "DELETE"), _write),
    **dict.fromkeys(("SELECT", "WITH", "TABLE"), _select),
    "COPY": _copy,
    "TRUNCATE": _truncate,
    "LOCK": _explicit,
    "REFRESH": _refresh,
    "COMMENT": _comment,
    "ANALYZE": _analyze,
    "REINDEX": _reindex,
}
