"""A document about a schema as Markdown, with its diagram."""

from __future__ import annotations

import re

from sql.catalogue import mermaid
from sql.catalogue.outline import Block, Code, Heading, Items, Paragraph, Span, Table, Text, outline
from sql.catalogue.values import Catalogue

_SPECIAL = re.compile(r"([\\`*_\[\]<>|&])")


def text(catalogue: Catalogue, *, title: str = "Schema") -> str:
    """The page; whatever a name or a comment holds stays text."""
    parts = [f"# {_plain(title)}"]
    if diagram := mermaid.text(catalogue):
        parts.append(f"```mermaid\n{diagram}```")
    parts += [block(one) for one in outline(catalogue)]
    return "\n\n".join(parts) + "\n"


def body(catalogue: Catalogue) -> str:
    """The page without its title and its diagram."""
    return "\n\n".join(block(one) for one in outline(catalogue))


def block(one: Block) -> str:
    match one:
        case Heading():
            anchor = f'<a id="{_anchor(one.name)}"></a>\n\n' if one.name else ""
            return f"{anchor}{'#' * one.level} {_plain(one.text)}"
        case Paragraph():
            return _text(one.text)
        case Items():
            return "\n".join(f"- {_text(item)}" for item in one.items)
        case Table():
            rows = [f"| {' | '.join(one.head)} |", "|" + "---|" * len(one.head)]
            rows += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in one.rows]
            return "\n".join(row.replace("|  |", "| |").replace("|  |", "| |") for row in rows)
        case Code():
            fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", one.text)), 3)
            return f"{fence}sql\n{one.text.strip(chr(10))}\n{fence}"


def _text(spans: Text) -> str:
    return "".join(map(_span, spans))


def _span(span: Span) -> str:
    said = _code(span.text) if span.code else _plain(span.text)
    return f"[{said}](#{_anchor(span.target)})" if span.target else said


def _cell(spans: Text) -> str:
    """In a table a pipe ends the cell, even inside code."""
    return "".join(_span(span).replace("\\|", "|").replace("|", "\\|") for span in spans)


def _plain(said: str) -> str:
    return _SPECIAL.sub(r"\\\1", re.sub(r"\s+", " ", said))


def _code(said: str) -> str:
    said = " ".join(said.split())
    ticks = "`" * (max((len(run) for run in re.findall("`+", said)), default=0) + 1)
    space = " " if "`" in said else ""
    return f"{ticks}{space}{said}{space}{ticks}"


def _anchor(name: str) -> str:
    return re.sub(r"[^\w.]+", "-", name).strip("-").lower()
