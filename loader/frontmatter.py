"""The YAML block at the top of a file: title, defaults and the list's own settings."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field

from loader import codes, patterns, priorities, settings, yamltext
from loader.model import Diagnostic
from loader.priorities import Priority

_BARE_NAME = patterns.lazy(r"(?<![^\s\[,])@[\w./-]+")  # `[@ann]`, which people write and YAML refuses


class FrontMatter(Struct, frozen=True):
    """`end` is the line after it (0 where there is none); `settings` are the list's, read and checked."""

    end: int = 0
    title: str = ""
    description: str = ""
    priority: Priority | None = None
    has_settings: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
    content: Mapping[object, object] | None = None  # all of it, for a file that is one task


def read(lines: Sequence[str]) -> FrontMatter:
    """What stands between `---` on the first line and the next one; without a next one it is no front matter."""
    end = _end(lines)
    if not end:
        return FrontMatter()
    text = "\n".join(lines[1 : end - 1])
    content, keys, problem = _load(text)
    if problem is not None and "@" in text:
        content, keys, problem = _load(_BARE_NAME.sub(r'"\g<0>"', text))
    if problem is not None:
        return FrontMatter(end, diagnostics=(problem,))
    if not isinstance(content, Mapping):
        return FrontMatter(end)
    diagnostics: list[Diagnostic] = []
    given = content.get("executor")
    list_settings: dict[str, object] = {}
    if isinstance(given, Mapping):
        list_settings = _settings(given, keys, diagnostics)
    elif given is not None:
        line = keys.get(("executor",), 1)
        diagnostics.append(
            codes.diagnose(codes.BAD_VALUE, line, key="executor", value=str(given), expected="a mapping of settings")
        )
    return FrontMatter(
        end,
        _plain(content.get("title")),
        _plain(content.get("description")),
        _priority(content, list_settings, keys, diagnostics),
        "executor" in content,
        list_settings,
        tuple(diagnostics),
        content,
    )


def _end(lines: Sequence[str]) -> int:
    if not lines or lines[0].rstrip() != "---":
        return 0
    return next((index + 1 for index in range(1, len(lines)) if lines[index].rstrip() in ("---", "...")), 0)


_Keys = Mapping[tuple[str, ...], int]


def _load(text: str) -> tuple[object, _Keys, Diagnostic | None]:
    """The content, the line of each key of the first two levels, or what is wrong with it."""
    import yaml

    try:
        content, node = yamltext.load(text)
        return content, dict(_lines(node)), None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 2, mark.column + 1) if mark is not None else (1, 1)
        problem = (error.problem or error.context or "cannot be read").replace("\n", " ")
        return None, {}, codes.diagnose(codes.BAD_FRONT_MATTER, line, column, problem=problem)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
        # the constructor lets through what `int` and `date` raise
        problem = str(error).split("\n", 1)[0] or type(error).__name__
        return None, {}, codes.diagnose(codes.BAD_FRONT_MATTER, 1, problem=problem)


def _lines(node: object) -> Iterator[tuple[tuple[str, ...], int]]:
    for key, value in getattr(node, "value", ()) or ():
        yield (str(key.value),), key.start_mark.line + 2
        if isinstance(value.value, list):
            for pair in value.value:
                if isinstance(pair, tuple):
                    yield (str(key.value), str(pair[0].value)), pair[0].start_mark.line + 2


def _settings(given: Mapping[object, object], keys: _Keys, diagnostics: list[Diagnostic]) -> dict[str, object]:
    result: dict[str, object] = {}
    for written, value in given.items():
        name = settings.key(str(written))
        line = keys.get(("executor", str(written)), 1)
        row = settings.OF_LIST.get(name)
        if row is None:
            near = difflib.get_close_matches(name, settings.OF_LIST, 1)
            suggestion = f" (did you mean '{near[0]}'?)" if near else ""
            diagnostics.append(codes.diagnose(codes.UNKNOWN_SETTING, line, name=str(written), suggestion=suggestion))
            continue
        try:
            result[row.name] = row.read(value)
        except ValueError as error:
            diagnostics.append(
                codes.diagnose(codes.BAD_VALUE, line, key=str(written), value=str(value), expected=str(error))
            )
    return result


def _priority(
    content: Mapping[object, object], given: dict[str, object], keys: _Keys, diagnostics: list[Diagnostic]
) -> Priority | None:
    """The default priority: of `executor:`, else of a plain `priority:` key, which other tools write too."""
    own = given.pop("priority", None)
    if isinstance(own, Priority):
        return own
    if content.get("priority") is None:
        return None
    try:
        return priorities.read(content["priority"])
    except ValueError as error:
        line = keys.get(("priority",), 1)
        facts = {"key": "priority", "value": str(content["priority"]), "expected": str(error)}
        diagnostics.append(codes.diagnose(codes.FOREIGN_VALUE, line, **facts))
        return None


def _plain(value: object) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()
