"""The tables of a schema, their columns and what refers to what, as a Mermaid entity-relationship diagram."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sql.catalogue.values import Catalogue, Constraint, Relation


def text(catalogue: Catalogue) -> str:
    """The diagram; empty when there are no tables. Partitions are drawn as the table they are parts of."""
    tables = [relation for relation in catalogue.relations if not relation.is_view and not relation.partition_bound]
    if not tables:
        return ""
    lines = [line for table in tables for line in (*_links(table), *_entity(table))]
    return "\n".join(["erDiagram", *(f"    {line}" for line in lines)]) + "\n"


def _links(table: Relation) -> Iterator[str]:
    unique = {one.columns for one in table.constraints if one.kind in ("primary key", "unique")}
    optional = {column.name for column in table.columns if not column.not_null}
    for one in table.constraints:
        if one.target:
            many = "o|" if one.columns in unique else "o{"
            one_side = "|o" if optional.intersection(one.columns) else "||"
            yield f"{_name(one.target)} {one_side}--{many} {_name(table.path)} : {_quoted(', '.join(one.columns))}"


def _entity(table: Relation) -> Iterator[str]:
    keys = _keys(table.constraints)
    yield f"{_name(table.path)} {{"
    for column in table.columns:
        marks = ", ".join(keys.get(column.name, ()))
        # Mermaid takes words alone for types and columns, so that anything else in them is left out.
        parts = [_word(column.type), _word(column.name), marks, _quoted(column.comment) if column.comment else ""]
        yield "    " + " ".join(part for part in parts if part)
    yield "}"


def _keys(constraints: tuple[Constraint, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind, mark in (("primary key", "PK"), ("foreign key", "FK"), ("unique", "UK")):
        for one in constraints:
            if one.kind == kind and (kind != "unique" or len(one.columns) == 1):
                for column in one.columns:
                    if mark not in found.setdefault(column, []):
                        found[column].append(mark)
    return found


def _name(path: str) -> str:
    return _quoted(path.replace('"', ""))


def _quoted(said: str) -> str:
    return '"' + re.sub(r'[\s"\\%]+', " ", said).strip() + '"'


def _word(said: str) -> str:
    word = re.sub(r"\W+", "_", said.replace("[]", "_array"), flags=re.ASCII).strip("_")
    return word if word[:1].isalpha() else f"c_{word}"
