"""Flyway's files: versioned, undo and repeatable, told by the letter their names begin with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sql.adoption.values import Draft, Notes, Source, lines
from sql.tokens import BadScript, Kind, lex

_VERSIONED = re.compile(r"(?P<letter>[VU])(?P<version>\d+(?:[._]\d+)*)__(?P<title>.*)\.sql")
_REPEATABLE = re.compile(r"R__(?P<title>.*)\.sql")
_ALONE = re.compile(r"^\s*executeInTransaction\s*=\s*false\s*$", re.MULTILINE | re.IGNORECASE)
_OTHERS = {
    "B": "a baseline of the whole schema: take the versioned files, or make it the first of them",
    "b": "a callback: put what it does into a migration, or into the program that migrates",
    "a": "a callback: put what it does into a migration, or into the program that migrates",
}


def drafts(sources: Iterable[Source], notes: Notes) -> Iterator[Draft]:
    """Every migration; files that the toolkit has no counterpart for are refused, each with what to do instead."""
    found = list(sources)
    settings = {source.name.removesuffix(".conf"): source for source in found if source.name.endswith(".sql.conf")}
    downs: dict[tuple[int, ...], Source] = {}
    ups: list[Draft] = []
    for source in found:
        if source.name.endswith(".sql.conf"):
            continue
        if match := _VERSIONED.fullmatch(source.name):
            order = order_of(match["version"])
            if match["letter"] == "U":
                downs[order] = source
            else:
                ups.append(_draft(source, match, order, settings, notes))
        elif match := _REPEATABLE.fullmatch(source.name):
            _refuse_placeholders(source, notes)
            yield Draft(match["title"], (), match["title"], source.name, lines(source), repeatable=True)
        else:
            notes.refuse(
                source.name, 0, _OTHERS.get(source.name[0], "not named like a migration of that tool: V1__title.sql")
            )
    for draft in ups:
        if down := downs.pop(draft.order, None):
            _refuse_placeholders(down, notes)
            draft.down = lines(down)
        yield draft
    for source in downs.values():
        notes.refuse(source.name, 0, "a way down without its way up")


def _draft(
    source: Source, match: re.Match[str], order: tuple[int, ...], settings: dict[str, Source], notes: Notes
) -> Draft:
    _refuse_placeholders(source, notes)
    setting = settings.get(source.name)
    alone = bool(setting and _ALONE.search(setting.text))
    if setting and alone:
        notes.decide(setting.name, 1, "executeInTransaction=false became `-- migrate: no-transaction`")
    elif setting:
        notes.refuse(setting.name, 0, "settings of a script that have no counterpart here")
    return Draft(
        key=match["version"].replace("_", "."),
        order=order,
        title=match["title"],
        path=source.name,
        up=lines(source),
        transaction=not alone,
    )


def order_of(version: str) -> tuple[int, ...]:
    """`1.2` and `1_2_0` are one version, as Flyway compares them."""
    parts = [int(part) for part in re.split(r"[._]", version)]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _refuse_placeholders(source: Source, notes: Notes) -> None:
    """Flyway puts a value wherever `${…}` stands, in strings and bodies too; in a comment it does no harm."""
    try:
        for token in lex(source.text):
            if token.kind is not Kind.COMMENT and (match := re.search(r"\$\{[^}]*\}", token.text)):
                line = source.text.count("\n", 0, token.start + match.start()) + 1
                notes.refuse(source.name, line, f"the placeholder {match[0]}: write its value, or current_setting(…)")
            elif token.text == "$" and source.text[token.end : token.end + 1] == "{":
                line = source.text.count("\n", 0, token.start) + 1
                notes.refuse(source.name, line, "a placeholder: write its value, or current_setting(…)")
    except BadScript:
        return  # told with its place when the whole is read
