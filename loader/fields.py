"""A task from named fields, as YAML and JSON hold it: which field is what."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from loader import codes, legends, references, settings
from loader.drafts import Draft
from loader.model import Block, Carrier, Diagnostic, MarkPlace, Status
from loader.references import Reference
from loader.sections import NONE, Section
from loader.wording import Wording

TITLES = ("title", "name", "summary", "subject", "description", "action")
DEPENDENCIES = ("dependencies", "depends_on", "dependsOn", "deps", "blocked_by", "requires", "after")
STATUSES: Mapping[str, Status] = {
    **legends.WORDS,
    "review": Status.IN_PROGRESS,
    "for_review": Status.IN_PROGRESS,
    "true": Status.COMPLETED,
    "false": Status.PENDING,
    "draft": Status.PENDING,
}
_OWN = frozenset(settings.OF_TASK).difference(DEPENDENCIES)
_ALIASES = {"labels": "tags", "owner": "assignee"}


class Found(Struct):
    """Drafts of one carrier with what is wrong in them."""

    drafts: list[Draft] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def is_task(content: object, *, needs: tuple[str, ...]) -> bool:
    """A mapping with an id, plain enough to be one, and one of these keys."""
    return isinstance(content, Mapping) and is_id(content.get("id")) and any(key in content for key in needs)


def is_id(value: object) -> bool:
    """Whether a value can be the name of a task."""
    return isinstance(value, int | str) and not isinstance(value, bool) and bool(str(value).strip())


def draft(
    content: Mapping[object, object],
    carrier: Carrier,
    lines: tuple[int, int],
    mark: tuple[str, MarkPlace],
    found: Found,
    section: Section = NONE,
) -> Draft:
    """The task that these fields describe; `lines` count from 0, the end is exclusive."""
    content = {str(key): _clean(value) for key, value in content.items()}
    title = next((text for key in TITLES if (text := _text(content.get(key)))), str(content.get("id")))
    word, place = mark
    status = STATUSES.get(word.casefold(), Status.PENDING)
    line = lines[0]
    if place.length and word.casefold() not in STATUSES:
        found.diagnostics.append(codes.diagnose(codes.UNKNOWN_MARK, line + 1, mark=word))
    if not place.length and not place.before:
        facts = {"name": str(content.get("id", title)).strip(), "field": "status"}
        found.diagnostics.append(codes.diagnose(codes.NO_STATUS_FIELD, line + 1, **facts))
    if section.kind == "archived":
        status = Status.COMPLETED
    made = Draft(
        line=line,
        end=lines[1],
        mark=word,
        status=status,
        mark_place=place,
        section=section,
        wording=Wording(title=title.split("\n", 1)[0].strip()),
        carrier=carrier,
        text_line=line,
        optional=section.is_optional,
        given_id=" ".join(str(content["id"]).split()) if is_id(content.get("id")) else None,
    )
    for key, value in content.items():
        _set(made, str(key), value, line, found)
    for block in _checks(content, line):
        made.hold(block)
    found.drafts.append(made)
    return made


def _set(made: Draft, key: str, value: object, line: int, found: Found) -> None:
    name = settings.key(key)
    name = _ALIASES.get(name, name)
    if key in DEPENDENCIES or name in DEPENDENCIES:
        made.refer(Reference(target, key, line) for target in references.names(value))
    elif name in _OWN and value not in (None, "", [], {}):
        if name == "assignee" and isinstance(value, list):
            value = value[0]
        try:
            made.settings[name] = settings.OF_TASK[name].read(value)
        except ValueError as error:
            facts = {"key": key, "value": str(value), "expected": str(error)}
            found.diagnostics.append(codes.diagnose(codes.BAD_VALUE, line + 1, **facts))


def _checks(content: Mapping[object, object], line: int) -> list[Block]:
    """`validation: {command: …}` or `verify: …` is a check."""
    given = content.get("validation", content.get("verify"))
    command = given.get("command") if isinstance(given, Mapping) else given
    if not isinstance(command, str) or not command.strip() or (given is command and "verify" not in content):
        return []
    return [Block("sh", "verify", {}, command.strip() + "\n", line + 1)]


def _clean(value: object, depth: int = 3) -> object:
    """Without what escapes can write but no UTF-8 text or database can hold: halves of surrogates, NUL."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, list):
        return [_clean(item, depth - 1) for item in value] if depth else []
    if isinstance(value, Mapping):
        return {_clean(key): _clean(item, depth - 1) for key, item in value.items()} if depth else {}
    return value


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
