"""What there is to say about a schema: each thing in it by name, with its properties as text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from sql.catalogue.values import Catalogue, Grant, Relation, Type

Properties = dict[str, str]
Facts = dict[str, Properties]

# Names and kinds are in the name of the thing, parts are things themselves, and the rest follows from other facts:
# an extension's version is the server's affair, and what is inherited is told by the parents.
_NAMING = {"schema", "name", "kind", "arguments"}
_PARTS = {"columns", "constraints", "indexes", "triggers", "rules", "policies"}
_FOLLOWING = {"version", "inherited", "local", "target", "target_columns"}
_NO_PROPERTY = _NAMING | _PARTS | _FOLLOWING


def facts(catalogue: Catalogue) -> Facts:
    """Every thing with its properties, in no particular order: schemas are the same if and only if these are."""
    return dict(_things(catalogue))


def fingerprint(catalogue: Catalogue) -> str:
    """A hash that is the same for the same schema, whatever order it was made in, and whoever owns it."""
    return digest(facts(catalogue))


def digest(found: Facts) -> str:
    """The same of facts that were kept."""
    text = json.dumps(found, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _things(catalogue: Catalogue) -> Iterator[tuple[str, Properties]]:
    for schema in catalogue.schemas:
        yield f"schema {schema.name}", _properties(schema)
    for extension in catalogue.extensions:
        yield f"extension {extension.name}", {"schema": extension.schema}
    for kind in catalogue.types:
        yield from _structure(kind, f"{kind.kind} type {kind.path}")
    for sequence in catalogue.sequences:
        yield f"sequence {sequence.path}", _properties(sequence)
    for relation in catalogue.relations:
        yield from _structure(relation, f"{relation.kind} {relation.path}")
        yield from _parts(relation, "index", relation.indexes)
        yield from _parts(relation, "trigger", relation.triggers)
        yield from _parts(relation, "rule", relation.rules)
        yield from _parts(relation, "policy", relation.policies)
    for routine in catalogue.routines:
        yield f"{routine.kind} {routine.path}", _properties(routine)
    for other in catalogue.others:
        yield f"{other.kind.lower()} {other.name}", _properties(other)
    for grant in catalogue.grants:
        yield _right(grant), {"privileges": ", ".join(grant.privileges)}


def _structure(owner: Relation | Type, thing: str) -> Iterator[tuple[str, Properties]]:
    properties = _properties(owner)
    if owner.columns:
        properties["columns"] = ", ".join(column.name for column in owner.columns)
    yield thing, properties
    yield from _parts(owner, "column", owner.columns)
    yield from _parts(owner, "constraint", owner.constraints)


def _parts(owner: Relation | Type, kind: str, parts: Iterable[Any]) -> Iterator[tuple[str, Properties]]:
    for part in parts:
        yield f"{kind} {part.name} of {owner.path}", _properties(part)


def _properties(value: Any) -> Properties:
    """The fields that say something: absent and false ones are left out, so that a new field changes no fingerprint."""
    found = {}
    for name in value.__struct_fields__:
        said = getattr(value, name)
        if name not in _NO_PROPERTY and said not in (None, False, "", ()):
            found[name] = ", ".join(said) if isinstance(said, tuple) else str(said)
    return found


def _right(grant: Grant) -> str:
    column = f" ({grant.column})" if grant.column else ""
    verb = "right" if grant.added else "lost right"
    option = " with grant option" if grant.grantable and grant.added else ""
    return f"{verb} of {grant.role} on {grant.kind.lower()} {grant.name}{column}{option}"
