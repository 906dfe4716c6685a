"""The tables of a schema and what refers to what, for Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from sql.catalogue.values import Catalogue, Relation


def text(catalogue: Catalogue, *, title: str = "schema") -> str:
    """A digraph, an arrow from each foreign key to the table that it refers to."""
    tables = [relation for relation in catalogue.relations if not relation.is_view and not relation.partition_bound]
    lines = [f"digraph {_quoted(title)} {{", "    rankdir=LR;", "    node [shape=plaintext, fontname=monospace];"]
    lines += [f"    {line}" for table in tables for line in _node(table)]
    lines += [f"    {line}" for table in tables for line in _edges(table)]
    return "\n".join([*lines, "}"]) + "\n"


def _node(table: Relation) -> Iterator[str]:
    keys = {column for one in table.constraints if one.kind == "primary key" for column in one.columns}
    rows = [f'<tr><td bgcolor="#dddddd"><b>{_escaped(table.path)}</b></td></tr>']
    for column in table.columns:
        name = _escaped(column.name)
        said = f"<u>{name}</u>" if column.name in keys else name
        rows.append(f'<tr><td align="left">{said} {_escaped(column.type)}</td></tr>')
    yield f'{_quoted(table.path)} [label=<<table border="0" cellborder="1" cellspacing="0">{"".join(rows)}</table>>];'


def _edges(table: Relation) -> Iterator[str]:
    for one in table.constraints:
        if one.target:
            yield f"{_quoted(table.path)} -> {_quoted(one.target)} [label={_quoted(', '.join(one.columns))}];"


def _quoted(said: str) -> str:
    return '"' + said.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escaped(said: str) -> str:
    return said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
