"""A document about a schema as one HTML file that needs nothing else: no scripts, nothing to load."""

from __future__ import annotations

import html
import re

from sql.catalogue.outline import Block, Code, Heading, Items, Paragraph, Span, Table, Text, outline
from sql.catalogue.values import Catalogue

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
nav { columns: 16rem; margin-bottom: 2rem; } nav a { display: block; }
h3 { margin-top: 2.5rem; } a { color: #0b57d0; text-decoration: none; } a:hover { text-decoration: underline; }
table { border-collapse: collapse; }
th, td { border: 1px solid #ccc; padding: .2rem .6rem; text-align: left; vertical-align: top; }
code, pre { font: 13px/1.5 ui-monospace, monospace; } pre { background: #f6f6f6; padding: .8rem; overflow-x: auto; }
@media (prefers-color-scheme: dark) {
  body { background: #161616; color: #ddd; } pre { background: #222; }
  th, td { border-color: #444; } a { color: #8ab4f8; }
}
"""


def text(catalogue: Catalogue, *, title: str = "Schema") -> str:
    """The page; whatever a name or a comment holds stays text."""
    blocks = outline(catalogue)
    named = [one for one in blocks if isinstance(one, Heading) and one.name]
    links = [f'<a href="#{_anchor(one.name)}">{_escaped(one.text)}</a>' for one in named]
    parts = [
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_escaped(title)}</title>\n<style>{_STYLE}</style>",
        f"<h1>{_escaped(title)}</h1>",
        f"<nav>{''.join(links)}</nav>",
        *map(_block, blocks),
    ]
    return "\n".join(parts) + "\n</html>\n"


def _block(one: Block) -> str:
    match one:
        case Heading():
            name = f' id="{_anchor(one.name)}"' if one.name else ""
            return f"<h{one.level}{name}>{_escaped(one.text)}</h{one.level}>"
        case Paragraph():
            return f"<p>{_text(one.text)}</p>"
        case Items():
            return f"<ul>{''.join(f'<li>{_text(item)}</li>' for item in one.items)}</ul>"
        case Table():
            head = "".join(f"<th>{_escaped(cell)}</th>" for cell in one.head)
            rows = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in one.rows)
            return f"<table><tr>{head}</tr>{rows}</table>"
        case Code():
            return f"<pre>{_escaped(one.text)}</pre>"


def _text(spans: Text) -> str:
    return "".join(map(_span, spans))


def _span(span: Span) -> str:
    said = f"<code>{_escaped(span.text)}</code>" if span.code else _escaped(span.text)
    return f'<a href="#{_anchor(span.target)}">{said}</a>' if span.target else said


def _escaped(said: str) -> str:
    return html.escape(said)


def _anchor(name: str) -> str:
    return html.escape(re.sub(r"\s+", "-", name))
