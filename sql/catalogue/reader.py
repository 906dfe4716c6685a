"""The schema of a database, read in one journey after the first.

read -> BEGIN or SAVEPOINT
          settings, which schemas
          one pipeline with every other query
     -> ROLLBACK: the caller's settings and transaction are as they were
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Names
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

from sql import queries
from sql.catalogue.values import (
    Attached,
    Catalogue,
    Column,
    Constraint,
    Extension,
    Grant,
    Index,
    Other,
    Relation,
    Routine,
    Schema,
    Sequence,
    Type,
)

CATALOGUE = queries.load("catalogue")
_PARTS = (
    "extensions",
    "relations",
    "columns",
    "constraints",
    "indexes",
    "triggers",
    "rules",
    "policies",
    "sequences",
    "types",
    "routines",
    "others",
    "grants",
)

_Row = tuple[Any, ...]
_Rows = list[_Row]


def read(connection: Connection[Any], schemas: Names[str] | None = None) -> Catalogue:
    """Everything in these schemas; without any named, in all but the server's own and `executor`.

    Works in or outside a transaction and leaves nothing behind; needs no rights but those of any role. Schemas that do
    not exist are empty. In a database that others change, begin a REPEATABLE READ transaction for one consistent view.
    """
    with connection.transaction(force_rollback=True), connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(CATALOGUE.settle, prepare=False)
        wanted = {"schemas": list(schemas) if schemas is not None else None}
        found = cursor.execute(CATALOGUE.schemas, wanted, prepare=False).fetchall()
        rows = _parts(connection, [name for name, _, _ in found])
    return _catalogue([Schema(name, comment) for _, name, comment in found], rows)


def _parts(connection: Connection[Any], schemas: list[str]) -> dict[str, _Rows]:
    cursors = {}
    with connection.pipeline():
        for part in _PARTS:
            cursors[part] = connection.cursor(row_factory=tuple_row)
            cursors[part].execute(getattr(CATALOGUE, part), {"schemas": schemas}, prepare=False)
    return {part: cursor.fetchall() for part, cursor in cursors.items()}


def _catalogue(schemas: list[Schema], rows: Mapping[str, _Rows]) -> Catalogue:
    columns = _by_owner(rows["columns"], Column)
    constraints = _by_owner(rows["constraints"], Constraint)
    policies = [(*row[:3], None, row[3]) for row in rows["policies"]]
    parts = (
        columns,
        constraints,
        _by_owner(rows["indexes"], Index),
        _by_owner(rows["triggers"], Attached),
        _by_owner(rows["rules"], Attached),
        _by_owner(policies, Attached),
    )
    return Catalogue(
        schemas=tuple(schemas),
        extensions=tuple(Extension(*row[1:]) for row in rows["extensions"]),
        types=tuple(Type(*(*row[2:], columns[row[1]], constraints[row[0]])) for row in rows["types"]),
        sequences=tuple(Sequence(*row[1:]) for row in rows["sequences"]),
        relations=tuple(
            Relation(*map(_frozen, row[1:]), *(part[row[0]] for part in parts)) for row in rows["relations"]
        ),
        routines=tuple(Routine(*row[1:]) for row in rows["routines"]),
        others=tuple(Other(*row[2:]) for row in rows["others"]),
        grants=tuple(Grant(*map(_frozen, row)) for row in rows["grants"]),
    )


def _by_owner(rows: Iterable[_Row], kind: Any) -> dict[int, tuple[Any, ...]]:
    """The values of each owner, whose OID is the first field of a row; the others are the value's, in order."""
    found: dict[int, tuple[Any, ...]] = defaultdict(tuple)
    gathered: dict[int, list[Any]] = defaultdict(list)
    for owner, *fields in rows:
        gathered[owner].append(kind(*map(_frozen, fields)))
    found.update((owner, tuple(values)) for owner, values in gathered.items())
    return found


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
