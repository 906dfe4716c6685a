"""Folders of other migration tools, converted into ours without losing a line.

convert -> drafts: each tool's files as ups and downs    (sections, pairs, flyway)
        -> numbers: theirs where they can stay
        -> finishing: transactions, directives, a last look
        -> raises FilesRefused with every place that cannot be converted
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise

from sql.adoption import finishing, flyway, pairs, sections
from sql.adoption.values import Conversion, Converted, Decision, Draft, Notes, Source
from sql.errors import FilesRefused

__all__ = ["Conversion", "Converted", "Decision", "Source", "Tool", "convert"]

_VERSION_MAX = 10**14 - 1


class Tool(StrEnum):
    DBMATE = "dbmate"
    GOOSE = "goose"
    GOLANG_MIGRATE = "golang-migrate"
    FLYWAY = "flyway"
    NODE_PG_MIGRATE = "node-pg-migrate"


def convert(tool: Tool, sources: Iterable[Source]) -> Conversion:
    """The files of a tool's folder as a folder of ours; pure. `sources` are all files, in any order."""
    notes = Notes()
    found = sorted(sources, key=lambda source: source.name)
    drafts = _drafts(tool, [source for source in found if _is_sql(tool, source, notes)], notes)
    versioned = sorted((draft for draft in drafts if not draft.repeatable), key=lambda draft: draft.order)
    _refuse_twins(versioned, notes)
    files = [
        _converted(draft, version, notes) for draft, version in zip(versioned, _versions(versioned, notes), strict=True)
    ]
    files += [_repeatable(draft, notes) for draft in drafts if draft.repeatable]
    if not files and not notes.faults:
        notes.refuse(".", 0, f"no migrations of {tool} in this folder")
    if notes.faults:
        raise FilesRefused(tuple(notes.faults))
    return Conversion(tuple(files), tuple(notes.decisions))


def _is_sql(tool: Tool, source: Source, notes: Notes) -> bool:
    """Migrations in other languages cannot be left out in silence; what is no migration can."""
    if source.name.endswith(".sql") or (tool is Tool.FLYWAY and source.name.endswith(".sql.conf")):
        return True
    if (
        re.fullmatch(r"(?:V?\d+(?:[._]\d+)*)_.*\.(go|js|ts|mjs|cjs|java|py)", source.name)
        and "_test." not in source.name
    ):
        notes.refuse(source.name, 0, "a migration that is a program: write what it does as SQL")
    else:
        notes.decide(source.name, 0, "is no migration, and is left where it is")
    return False


def _drafts(tool: Tool, sources: Sequence[Source], notes: Notes) -> list[Draft]:
    match tool:
        case Tool.GOLANG_MIGRATE:
            return list(pairs.drafts(sources, notes))
        case Tool.FLYWAY:
            return list(flyway.drafts(sources, notes))
        case Tool.DBMATE | Tool.GOOSE | Tool.NODE_PG_MIGRATE:
            marks = {Tool.DBMATE: sections.DBMATE, Tool.GOOSE: sections.GOOSE}.get(tool, sections.NODE)
            return [draft for source in sources if (draft := sections.draft(source, marks, notes))]


def _refuse_twins(drafts: Sequence[Draft], notes: Notes) -> None:
    for before, draft in pairwise(drafts):
        if before.order == draft.order:
            notes.refuse(draft.path, 0, f"has the version of {before.path}")


def _versions(drafts: Sequence[Draft], notes: Notes) -> list[int]:
    """Their own numbers, unless one has points in it, is zero or is too long: then 1, 2, 3 …"""
    if all(len(draft.order) == 1 and 0 < draft.order[0] <= _VERSION_MAX for draft in drafts):
        return [draft.order[0] for draft in drafts]
    for number, draft in enumerate(drafts, 1):
        notes.decide(draft.path, 0, f"version {'.'.join(map(str, draft.order))} became {number:04d}")
    return list(range(1, len(drafts) + 1))


def _converted(draft: Draft, version: int, notes: Notes) -> Converted:
    if draft.down is None:
        notes.decide(draft.path, 0, "has no way down, and so has the file made of it")
    sources = dict.fromkeys(line.path for line in [*draft.up, *(draft.down or [])])
    name = f"{version:04d}_{_title(draft.title)}.sql"
    return Converted(
        name, finishing.text(draft, notes), draft.key, version, (draft.path, *sources.keys() - {draft.path})
    )


def _repeatable(draft: Draft, notes: Notes) -> Converted:
    name = f"repeat/{_title(draft.title)}.sql"
    return Converted(name, finishing.text(draft, notes), draft.key, 0, (draft.path,))


def _title(title: str) -> str:
    """What a file is about, as our names spell it."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", title).lower()).strip("_") or "migration"
