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
from sql.catalogue.printed import settled
from sql.catalogue.values import (
    Attached,
    Catalogue,
    Column,
    Constraint,
    Extension,
    Grant,
    Index,
    Need,
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

_CLASSES = {"relations": "pg_class", "sequences": "pg_class", "types": "pg_type", "routines": "pg_proc"}

_Row = tuple[Any, ...]
_Rows = list[_Row]


def read(connection: Connection[Any], schemas: Names[str] | None = None) -> Catalogue:
    """Everything in these schemas; without any named, in all but the server's own and `executor`.

    Works in or outside a transaction and leaves nothing behind; needs no rights but those of any role. Schemas that do
    not exist are empty. In a database that others change, begin a REPEATABLE READ transaction for one consistent view.
    """
    found, rows = _rows(connection, schemas, _PARTS)
    return _catalogue(found, rows)


def read_with_needs(connection: Connection[Any], schemas: Names[str] | None = None) -> tuple[Catalogue, list[Need]]:
    """The same, and what has to be made before what."""
    found, rows = _rows(connection, schemas, (*_PARTS, "dependencies", "classes"))
    catalogue = _catalogue(found, rows)
    return catalogue, _needs(rows, _paths(rows, catalogue))


def _rows(
    connection: Connection[Any], schemas: Names[str] | None, parts: Names[str]
) -> tuple[list[Schema], dict[str, _Rows]]:
    with connection.transaction(force_rollback=True), connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(CATALOGUE.settle, prepare=False)
        wanted = {"schemas": list(schemas) if schemas is not None else None}
        found = cursor.execute(CATALOGUE.schemas, wanted, prepare=False).fetchall()
        names = {"schemas": [name for name, _, _ in found]}
        cursors = {}
        with connection.pipeline():
            for part in parts:
                cursors[part] = connection.cursor(row_factory=tuple_row)
                cursors[part].execute(getattr(CATALOGUE, part), names, prepare=False)
        rows = {part: cursor.fetchall() for part, cursor in cursors.items()}
    return [Schema(name, comment) for _, name, comment in found], rows


def _paths(rows: Mapping[str, _Rows], catalogue: Catalogue) -> dict[tuple[int, int], str]:
    """Class and OID of everything that may be needed, with its path; values and rows stand in the same order."""
    classes: dict[str, int] = dict(rows["classes"])
    paths = {}
    for part, class_name in _CLASSES.items():
        for row, value in zip(rows[part], getattr(catalogue, part), strict=True):
            paths[classes[class_name], row[0]] = value.path
    for row, kind in zip(rows["types"], catalogue.types, strict=True):
        paths[classes["pg_class"], row[1]] = kind.path
    for row, other in zip(rows["others"], catalogue.others, strict=True):
        paths[row[0], row[1]] = other.path
    return paths


def _needs(rows: Mapping[str, _Rows], paths: Mapping[tuple[int, int], str]) -> list[Need]:
    found = []
    for of_class, of, needed_class, needed, later in rows["dependencies"]:
        path, other = paths.get((of_class, of)), paths.get((needed_class, needed))
        if path and other and path != other:
            found.append(Need(path, other, later))
    return found


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
        relations=tuple(Relation(*_said(row[1:]), *(part[row[0]] for part in parts)) for row in rows["relations"]),
        routines=tuple(Routine(*row[1:]) for row in rows["routines"]),
        others=tuple(Other(*row[2:]) for row in rows["others"]),
        grants=tuple(Grant(*map(_frozen, row)) for row in rows["grants"]),
    )


def _by_owner(rows: Iterable[_Row], kind: Any) -> dict[int, tuple[Any, ...]]:
    """The values of each owner, whose OID is the first field of a row; the others are the value's, in order."""
    found: dict[int, tuple[Any, ...]] = defaultdict(tuple)
    gathered: dict[int, list[Any]] = defaultdict(list)
    for owner, *fields in rows:
        gathered[owner].append(kind(*_said(fields)))
    found.update((owner, tuple(values)) for owner, values in gathered.items())
    return found


def _said(fields: Names[Any]) -> tuple[Any, ...]:
    """The fields of a value, its expressions settled; the last is a comment, which stays as somebody wrote it."""
    *said, comment = map(_frozen, fields)
    return (*(settled(field) if isinstance(field, str) else field for field in said), comment)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
