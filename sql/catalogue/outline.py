"""A schema as a document for people: headings, sentences and tables, before they are Markdown or HTML."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from sql.catalogue.values import Catalogue, Column, Constraint, Relation, Routine, Type


class Span(Struct, frozen=True):
    """A piece of text; `code` is spelled as SQL, `target` leads to the heading of that name."""

    text: str
    code: bool = False
    target: str = ""


Text = tuple[Span, ...]


class Heading(Struct, frozen=True):
    """`name` is what links lead to."""

    level: int
    text: str
    name: str = ""


class Paragraph(Struct, frozen=True):
    text: Text


class Table(Struct, frozen=True):
    head: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]


class Items(Struct, frozen=True):
    items: tuple[Text, ...]


class Code(Struct, frozen=True):
    text: str


Block = Heading | Paragraph | Table | Items | Code


def outline(catalogue: Catalogue) -> tuple[Block, ...]:
    """The whole document, without a title: tables, views, types, routines, and the rest, each kind by name."""
    tables = [relation for relation in catalogue.relations if not relation.is_view and not relation.partition_bound]
    views = [relation for relation in catalogue.relations if relation.is_view]
    parts = _parts(catalogue.relations)
    users = _users(catalogue.relations)
    blocks: list[Block] = []
    for title, found in (
        ("Tables", (block for one in tables for block in _relation(one, parts[one.path], users[one.path]))),
        ("Views", (block for one in views for block in _relation(one, [], []))),
        ("Types", (block for one in catalogue.types for block in _type(one))),
        ("Routines", (block for one in catalogue.routines for block in _routine(one))),
        ("Sequences", _sequences(catalogue)),
        ("Extensions", _extensions(catalogue)),
        ("Rights", _rights(catalogue)),
    ):
        section = list(found)
        blocks += [Heading(2, title), *section] if section else []
    return tuple(blocks)


def _relation(relation: Relation, parts: list[str], users: list[tuple[str, str]]) -> Iterator[Block]:
    yield Heading(3, relation.path, relation.path)
    yield from _comment(relation.comment)
    said = [
        word for word in (relation.kind, "unlogged" if relation.unlogged else "") if word not in ("", "table", "view")
    ]
    if relation.partition_by:
        said.append(f"by {relation.partition_by}")
    if relation.row_security:
        said.append("row security")
    if said:
        yield Paragraph((Span(", ".join(said).capitalize() + "."),))
    yield Table(("column", "type", "null", "default", ""), tuple(_column(column) for column in relation.columns))
    items = [*_constraints(relation.constraints), *_others(relation)]
    items += [(Span("inherits "), Span(path, code=True, target=path)) for path in relation.parents]
    items += [(Span("partition "), Span(part, code=True)) for part in parts]
    items += [(Span("referred to by "), Span(path, code=True, target=path), Span(f" ({name})")) for path, name in users]
    if items:
        yield Items(tuple(items))
    if relation.definition:
        yield Code(relation.definition)


def _column(column: Column) -> tuple[Text, ...]:
    filled = column.identity or column.generated or column.default or ""
    null = "" if column.not_null else "yes"
    return (
        (Span(column.name, code=True),),
        (Span(column.type, code=True),),
        (Span(null),),
        (Span(filled, code=True),) if filled else (),
        (Span(column.comment or ""),),
    )


def _constraints(constraints: Iterable[Constraint]) -> Iterator[Text]:
    order = ("primary key", "unique", "exclusion", "foreign key", "check", "not null")
    for one in sorted(constraints, key=lambda one: (order.index(one.kind), one.name)):
        spans = [Span(one.name, code=True), Span(": "), Span(one.definition, code=True)]
        if one.target:
            spans += [Span(", see "), Span(one.target, code=True, target=one.target)]
        yield (*spans, *_remark(one.comment))


def _others(relation: Relation) -> Iterator[Text]:
    for index in relation.indexes:
        invalid = "" if index.valid else " (invalid)"
        yield (Span(f"index{invalid} "), Span(index.definition, code=True), *_remark(index.comment))
    for kind, parts in (("trigger", relation.triggers), ("rule", relation.rules), ("policy", relation.policies)):
        for part in parts:
            state = " (disabled)" if part.enabled == "DISABLE" else ""
            yield (Span(f"{kind}{state} "), Span(" ".join(part.definition.split()), code=True), *_remark(part.comment))


def _type(kind: Type) -> Iterator[Block]:
    yield Heading(3, kind.path, kind.path)
    yield from _comment(kind.comment)
    if kind.columns:
        rows = tuple(
            ((Span(one.name, code=True),), (Span(one.type, code=True),), (Span(one.comment or ""),))
            for one in kind.columns
        )
        yield Table(("field", "type", ""), rows)
    elif kind.definition:
        yield Paragraph((Span(kind.kind.capitalize() + " "), Span(kind.definition, code=True)))
    if kind.constraints:
        yield Items(tuple(_constraints(kind.constraints)))


def _routine(routine: Routine) -> Iterator[Block]:
    yield Heading(3, f"{routine.schema}.{routine.name}", routine.path)
    result = f" returns {routine.result}" if routine.result else ""
    yield Paragraph((Span(f"{routine.kind.capitalize()} "), Span(f"{routine.path}{result}", code=True)))
    yield from _comment(routine.comment)


def _sequences(catalogue: Catalogue) -> Iterator[Block]:
    rows = tuple(
        (
            (Span(one.path, code=True),),
            (Span(one.definition, code=True),),
            (Span(one.owned_by, code=True),) if one.owned_by else (),
            (Span(one.comment or ""),),
        )
        for one in catalogue.sequences
    )
    if rows:
        yield Table(("sequence", "numbers", "of column", ""), rows)


def _extensions(catalogue: Catalogue) -> Iterator[Block]:
    if catalogue.extensions:
        yield Items(
            tuple((Span(one.name, code=True), Span(f" in schema {one.schema}")) for one in catalogue.extensions)
        )


def _rights(catalogue: Catalogue) -> Iterator[Block]:
    rows = []
    for grant in catalogue.grants:
        column = f" ({grant.column})" if grant.column else ""
        rights = ", ".join(grant.privileges) + (" with grant option" if grant.grantable and grant.added else "")
        verb = "may" if grant.added else "may not"
        rows.append(
            ((Span(grant.role, code=True),), (Span(f"{verb} {rights}"),), (Span(f"{grant.name}{column}", code=True),))
        )
    if rows:
        yield Table(("role", "right", "on"), tuple(rows))


def _comment(comment: str | None) -> Iterator[Block]:
    if comment:
        yield Paragraph((Span(comment),))


def _remark(comment: str | None) -> Text:
    return (Span(f" ({comment})"),) if comment else ()


def _parts(relations: Iterable[Relation]) -> Mapping[str, list[str]]:
    """The partitions of each table, with their bounds."""
    found: dict[str, list[str]] = defaultdict(list)
    for relation in relations:
        if relation.partition_bound:
            found[relation.parents[0]].append(f"{relation.path} {relation.partition_bound}")
    return found


def _users(relations: Iterable[Relation]) -> Mapping[str, list[tuple[str, str]]]:
    """Who refers to each table, and by which constraint."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for relation in relations:
        for one in relation.constraints:
            if one.target and not one.inherited:
                found[one.target].append((relation.path, one.name))
    return found
