"""A schema as SQL that makes it again: the same text for the same schema, one column a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from psycopg import Connection

from sql.catalogue import statements
from sql.catalogue.order import order
from sql.catalogue.reader import read_with_needs
from sql.catalogue.values import Catalogue, Need, Other, Relation, Routine, Type
from sql.catalogue.values import Sequence as SequenceValue

# Kinds in the order in which they are made when nothing else decides.
_RANKS = [
    "COLLATION",
    "type",
    "sequence",
    "routine",
    "OPERATOR",
    "CAST",
    "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH CONFIGURATION",
    "SERVER",
    "table",
    "view",
]
_LAST = {"STATISTICS", "EVENT TRIGGER"}
_PUBLIC = ("public", "standard public schema")

_Node = Type | SequenceValue | Routine | Relation | Other


def dump(connection: Connection[Any], schemas: Sequence[str] | None = None) -> str:
    """SQL that makes these schemas in an empty database, as `reader.read` chooses them: no owners, no rows.

    Roles with rights must exist there, and so must the extensions' files.
    """
    return text(*read_with_needs(connection, schemas))


def text(catalogue: Catalogue, needs: Iterable[Need]) -> str:
    """The same from values."""
    lines = "".join(f"{statement};\n\n" for statement in _statements(catalogue, needs))
    # A function may mention what comes after it; the server looks into its body when it is called.
    return f"SET check_function_bodies = off;\n\n{lines}".rstrip("\n") + "\n" if lines else ""


def _statements(catalogue: Catalogue, needs: Iterable[Need]) -> Iterator[str]:
    yield from _rooms(catalogue)
    nodes = {node.path: node for node in _nodes(catalogue)}
    path_order, split = order({path: _rank(node) for path, node in nodes.items()}, needs)
    for path in path_order:
        yield from _make(nodes[path], bare=path in split)
    relations = [node for path in path_order if isinstance(node := nodes[path], Relation)]
    tables = [relation for relation in relations if not relation.is_view]
    by_path = {table.path: table for table in tables}
    for table in tables:
        parents = [by_path[path] for path in table.parents if path in by_path]
        yield from statements.afterthoughts(table, parents, bare=table.path in split)
    for sequence in catalogue.sequences:
        if sequence.owned_by:
            yield f"ALTER SEQUENCE {sequence.path} OWNED BY {sequence.owned_by}"
    for step in (statements.indexes, statements.attachment, statements.foreign_keys, statements.attached):
        for relation in sorted(relations, key=lambda one: one.path):
            yield from step(relation)
    for relation in relations:
        if relation.kind == "materialized view":
            yield f"REFRESH MATERIALIZED VIEW {relation.path}"
    yield from (other.definition for other in catalogue.others if other.kind in _LAST)
    yield from _comments(catalogue)
    yield from map(statements.of_grant, catalogue.grants)


def _rooms(catalogue: Catalogue) -> Iterator[str]:
    for schema in catalogue.schemas:
        if schema.name != _PUBLIC[0]:
            yield f"CREATE SCHEMA {schema.name}"
    for extension in catalogue.extensions:
        yield f"CREATE EXTENSION {extension.name} WITH SCHEMA {extension.schema}"


def _nodes(catalogue: Catalogue) -> Iterator[_Node]:
    """What may need each other."""
    yield from catalogue.types
    yield from catalogue.sequences
    yield from catalogue.routines
    yield from catalogue.relations
    yield from (other for other in catalogue.others if other.kind not in _LAST)


def _rank(node: _Node) -> int:
    match node:
        case Type():
            return _RANKS.index("type")
        case SequenceValue():
            return _RANKS.index("sequence")
        case Routine():
            return _RANKS.index("routine")
        case Relation():
            return _RANKS.index("view" if node.is_view else "table")
        case Other():
            return _RANKS.index(node.kind)


def _make(node: _Node, *, bare: bool) -> Iterator[str]:
    match node:
        case Type():
            yield from statements.of_type(node)
        case SequenceValue():
            yield statements.of_sequence(node)
        case Routine() | Other():
            yield node.definition
        case Relation():
            yield from statements.of_view(node) if node.is_view else statements.of_table(node, bare=bare)


def _comments(catalogue: Catalogue) -> Iterator[str]:
    for schema in catalogue.schemas:
        if (schema.name, schema.comment) != _PUBLIC:
            yield from statements.comment("SCHEMA", schema.name, schema.comment)
    for kind in catalogue.types:
        yield from statements.comments_of_type(kind)
    for sequence in catalogue.sequences:
        yield from statements.comment("SEQUENCE", sequence.path, sequence.comment)
    for relation in catalogue.relations:
        yield from statements.comments_of_relation(relation)
    for routine in catalogue.routines:
        yield from statements.comments_of_routine(routine)
    for other in catalogue.others:
        yield from statements.comment(other.kind, other.name, other.comment)
