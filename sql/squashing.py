"""One file instead of many: new databases run it, and databases that ran the many accept it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from sql import directives, refusals, script
from sql.errors import Fault, FilesRefused
from sql.folder import Migration
from sql.numbering import label
from sql.script import Statement
from sql.tokens import Kind, scan

# Words that end with their file, and must not reach the next file's part of the squashed one.
_LINGERS = re.compile(r"\b(?:SET|set_config|SEARCH_PATH)\b", re.IGNORECASE)


class Squashed(Struct, frozen=True):
    """The file to write, and those it stands for."""

    name: str
    text: str
    replaced: tuple[Migration, ...]


def squash(migrations: Sequence[Migration], upto: int) -> Squashed:
    """Join all files up to a version, as they are: nothing is lost, data neither. Pure; raises FilesRefused.

    In a new database the tables are empty, so an index need not be built CONCURRENTLY, and the file can be one
    transaction. What cannot run in one at all is told.
    """
    chosen = tuple(migration for migration in migrations if migration.version <= upto)
    if len(chosen) < 2 or chosen[-1].version != upto:
        known = label(migrations[-1].version) if migrations else "none"
        raise FilesRefused((Fault("", f"no two files end at {label(upto)}; the folder ends at {known}"),))
    if faults := [fault for migration in chosen if (fault := _obstacle(migration))]:
        raise FilesRefused(tuple(faults))
    first = chosen[0].script.directives.replaces or (chosen[0].version, 0)
    rules = sorted({rule for migration in chosen for rule in migration.script.directives.allow})
    head = [f"-- migrate: replaces={label(first[0])}-{label(upto)}"]
    head += [f"-- migrate: allow={','.join(rules)}"] if rules else []
    parts = [_part(migration) for migration in chosen]
    return Squashed(label(upto, "squashed"), "\n".join(head) + "\n\n" + "\n".join(parts), chosen)


def _part(migration: Migration) -> str:
    """The file's text without its directives, ended where it was left open, and with nothing of it lingering."""
    text = migration.up
    edits = [(statement.offset, len(statement.sql), _eager(statement)) for statement in migration.statements]
    pieces = list(scan(text))
    edits += [
        (start, len(said), "")
        for kind, start, said in pieces
        if kind is Kind.COMMENT and directives.words(said) is not None
    ]
    solid = [said for kind, _, said in pieces if kind is not Kind.COMMENT]
    for start, length, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[start + length :]
    ending = "\n;" if solid and solid[-1] != ";" else ""
    lingering = "\nRESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL;" if _LINGERS.search(migration.up) else ""
    return f"-- From {migration.label}:\n{text.strip()}{ending}{lingering}\n"


def _eager(statement: Statement) -> str:
    """The statement without CONCURRENTLY, where it is one that has it."""
    if not refusals.alone(statement.words):
        return statement.sql
    return re.sub(r"\bCONCURRENTLY\s+", "", statement.sql, count=1, flags=re.IGNORECASE)


def _obstacle(migration: Migration) -> Fault | None:
    """What of a file can run in no transaction, whatever is left out of it."""
    if migration.script.directives.role:
        return Fault(migration.path, "a file with a role of its own cannot become part of another")
    for statement in migration.statements:
        left = script.parse(_eager(statement), migration.script.directives).statements
        if refusals.alone(left[0].words):
            kind = refusals.alone(statement.words)
            return Fault(migration.path, f"{kind} cannot be part of a squashed file", statement.line, 1)
    return None
