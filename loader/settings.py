"""The settings a task or a whole list may carry: one table, one reader for each key."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct

from loader import dialects, durations, patterns, priorities, references

Level = Literal["task", "list", "both"]
Reader = Callable[[object], object]


class Setting(Struct, frozen=True):
    """One key: where it may stand and how its value is read; `read` raises ValueError saying what it expects."""

    name: str
    level: Level
    read: Reader
    aliases: tuple[str, ...] = ()


def _text(value: object) -> str:
    if isinstance(value, dict | list) or value is None or not str(value).strip():
        raise ValueError("a text")
    return _unquoted(str(value))


def _name(value: object) -> str:
    name = _text(value).removeprefix("@")
    if any(character.isspace() for character in name):
        raise ValueError("one name")
    return name


def _truth(value: object) -> bool:
    word = str(value).strip().casefold()
    if word in ("true", "yes", "on", "1"):
        return True
    if word in ("false", "no", "off", "0"):
        return False
    raise ValueError("yes or no")


def _whole(least: int) -> Reader:
    def read(value: object) -> int:
        text = str(value).strip()
        if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) < least:
            raise ValueError(f"a whole number from {least}")
        return int(text)

    return read


def _choice(*words: str) -> Reader:
    def read(value: object) -> str:
        word = _unquoted(str(value)).casefold()
        if word not in words:
            near = difflib.get_close_matches(word, words, 1)
            suggestion = f" (did you mean '{near[0]}'?)" if near else ""
            raise ValueError(f"one of {', '.join(words)}{suggestion}")
        return word

    return read


_ENV_EXPECTED = "NAME=value pairs"
_ENV_NAME = patterns.lazy(r"[A-Za-z_]\w*", re.ASCII)


_BATCH = patterns.lazy(r"([1-9]\d{0,8})(?:[\s,]+key\s*[:=]\s*([\w.\"]+))?", re.ASCII)


def _environment(value: object) -> dict[str, str]:
    pairs = value.items() if isinstance(value, Mapping) else _pairs(value)
    environment = {}
    for name, content in pairs:
        if not _ENV_NAME.fullmatch(str(name)) or isinstance(content, dict | list):
            raise ValueError(_ENV_EXPECTED)
        environment[str(name)] = "" if content is None else str(content)
    return environment


def _pairs(value: object) -> list[tuple[str, str]]:
    """`A=1 B="two words"`, also with commas between the pairs, braces around them, or colons in them."""
    text = str(value).strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    try:
        words = shlex.split(re.sub(r",\s+", " ", re.sub(r":\s+", "=", text)))
    except ValueError as error:
        raise ValueError(_ENV_EXPECTED) from error
    if not words or not all("=" in word for word in words):
        raise ValueError(_ENV_EXPECTED)
    return [(name, content) for name, _, content in (word.rstrip(",").partition("=") for word in words)]


def _words(value: object) -> tuple[str, ...]:
    parts = value if isinstance(value, list | tuple) else re.split(r"[,\s]+", str(value).strip().strip("[]"))
    words = tuple(_unquoted(str(part)).lstrip("#") for part in parts)
    return tuple(word for word in words if word)


_LIMITS_EXPECTED = "names with a number each, as db=2"


def _limits(value: object) -> dict[str, int]:
    """How many runs may hold each name at the same time; a bare name leaves the number to the list (0 here)."""
    pairs = value.items() if isinstance(value, Mapping) else (word.partition("=")[::2] for word in _words(value))
    limits = {}
    for name, number in pairs:
        text = str(number).strip()
        if not str(name) or (text and not (text.isascii() and text.isdigit() and 0 < int(text) < 10**6)):
            raise ValueError(_LIMITS_EXPECTED)
        limits[str(name)] = int(text or 0)
    if not limits:
        raise ValueError(_LIMITS_EXPECTED)
    return limits


def _targets(value: object) -> dict[str, str]:
    """Names for databases, each a URL, `env:NAME`, `file:PATH` or `queue`."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError("names with a database each, as {shop: env:SHOP_URL}")
    return {str(name): _text(database) for name, database in value.items()}


_KEEP_EXPECTED = "runs, output and events to keep, as {runs: 10, output: 30d, events: 90d}"


def _keep(value: object) -> dict[str, object]:
    """How much of a list's past is kept: a number of runs, and durations in seconds for output and events."""
    if not isinstance(value, Mapping) or not value or not set(value) <= {"runs", "output", "events"}:
        raise ValueError(_KEEP_EXPECTED)
    return {
        str(name): _whole(1)(number) if name == "runs" else durations.read(number).total_seconds()
        for name, number in value.items()
    }


def _languages(value: object) -> dict[str, str]:
    """A mapping from language to command; a bare name is its own command."""
    if isinstance(value, Mapping):
        return {str(language).lower(): _text(command) for language, command in value.items()}
    if isinstance(value, str | list) and value:
        return {word.lower(): word for word in _words(value)}
    raise ValueError("language names, or a mapping from language to command")


_ENTRY = patterns.lazy(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*", re.ASCII)


def _entry(value: object) -> str:
    entry = _text(value)
    if not _ENTRY.fullmatch(entry):
        raise ValueError("a function to call: package.module:function")
    return entry


_GATE_EXPECTED = "human, with before, after or both, and @name for whose word it is"
_GATES = {
    **dict.fromkeys(("human", "person", "manual", "true", "yes", "on", "and"), ()),
    **dict.fromkeys(("before", "approve", "approval"), ("approval",)),
    **dict.fromkeys(("after", "review"), ("review",)),
    "both": ("approval", "review"),
}


def _gate(value: object) -> str:
    """When a person is asked, `approval` before the work and `review` after it, and who, as `approval review @ann`."""
    words = re.split(r"[\s,+]+", _text(value))
    who = [word for word in words if len(word) > 1 and word.startswith("@")]
    asked = [_GATES.get(word.casefold()) for word in words if word not in who]
    if None in asked or len(who) > 1:
        raise ValueError(_GATE_EXPECTED)
    moments = {moment for one in asked for moment in one or ()} or {"approval"}
    return " ".join([*sorted(moments), *who])


def _names(value: object) -> dict[str, str]:
    """A name for each beginning of an id: `{DOC: writer, BLD: builder}`."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError("a name for each beginning of an id, as {DOC: writer, BLD: builder}")
    return {str(prefix): _name(name) for prefix, name in value.items()}


_SECRET = patterns.lazy(r"(?:env|file|command):.+", re.DOTALL)


def _secrets(value: object) -> dict[str, str]:
    """Where secrets are, never what they are."""
    if not isinstance(value, Mapping) or not all(_SECRET.fullmatch(str(place)) for place in value.values()):
        raise ValueError("places of secrets, as {TOKEN: env:CI_TOKEN, KEY: file:key.txt, PASS: command:pass show db}")
    return {str(name): str(place) for name, place in value.items()}


_BUDGET_EXPECTED = "amounts, as {usd: 20, tokens: 5M, time: 8h, day: {usd: 5}, task: {usd: 1}}"
_AMOUNT = patterns.lazy(r"\$?(\d[\d_]*(?:\.\d+)?)\s*([kM]?)")


def _budget(value: object) -> dict[str, object]:
    """What a list may cost, what any 24 hours of it may, and what each of its tasks may; times in seconds."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError(_BUDGET_EXPECTED)
    read: dict[str, object] = {}
    for name, amount in value.items():
        if name in ("day", "task") and isinstance(amount, Mapping) and not {"day", "task"} & set(amount):
            read[str(name)] = _budget(amount)
        elif name == "time":
            read["time"] = durations.read(amount).total_seconds()
        elif name in ("usd", "tokens") and (match := _AMOUNT.fullmatch(str(amount).strip())):
            read[str(name)] = float(match[1]) * {"": 1, "k": 1000, "M": 1_000_000}[match[2]]
        else:
            raise ValueError(_BUDGET_EXPECTED)
    return read


def _batch(value: object) -> str:
    """A number of rows, with the key behind it where that is said on the same line: `5000 key: id`."""
    if isinstance(value, Mapping):
        value = f"{value.get('size')} key: {value.get('key')}"
    match = _BATCH.fullmatch(str(value).strip())
    if not match:
        raise ValueError("a number of rows from 1, and a key: 5000 key: id")
    return " ".join(part for part in match.groups() if part)


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
        return text[1:-1].strip()
    return text


def _container(value: object) -> str:
    """An image, with options of `docker run` before it; `none` where the list names one."""
    text = _text(value)
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if not words or words[-1].startswith("-"):
        raise ValueError("an image, with options of `docker run` before it where it needs some, or none")
    return text


TABLE: tuple[Setting, ...] = (
    Setting(
        "depends_on", "task", references.names, ("depends", "dependencies", "deps", "after", "requires", "blocked_by")
    ),
    Setting("priority", "both", priorities.read),
    Setting("timeout", "both", durations.read),
    Setting("retries", "both", _whole(0)),
    Setting("retry_delay", "both", durations.read),
    Setting("dir", "both", _text, ("directory", "cwd")),
    Setting("env", "both", _environment),
    Setting("runner", "both", _choice("shell", "sql", "agent", "manual")),
    Setting("agent", "both", _name),
    Setting("agents", "list", _names),
    Setting("stall", "both", durations.read),
    Setting("verify", "list", _text),
    Setting("protect", "list", _words),
    Setting("budget", "list", _budget),
    Setting("secrets", "list", _secrets),
    Setting("gate", "task", _gate),
    Setting("gate_timeout", "both", durations.read),
    Setting("workspace", "both", _choice("shared", "worktree", "copy")),
    Setting("shell", "both", _text),
    Setting("container", "both", _container),
    Setting("container_engine", "both", _choice("docker", "podman")),
    Setting("target", "both", _text),
    Setting("python", "task", _entry),
    Setting("targets", "list", _targets),
    Setting("migrate", "task", _text),
    Setting("batch", "task", _batch),
    Setting("key", "task", _name),
    Setting("tags", "both", _words),
    Setting("assignee", "both", _name, ("owner",)),
    Setting("parallel", "task", _truth),
    Setting("needs", "both", _words),
    Setting("lock", "task", _words, ("locks",)),
    Setting("limit", "task", _limits),
    Setting("limits", "list", _limits),
    Setting("keep", "list", _keep),
    Setting("jobs", "list", _whole(1)),
    Setting("keep_going", "list", _truth),
    Setting("fail_fast", "list", _truth),
    Setting("languages", "list", _languages),
    Setting("on_duplicate", "list", _choice("error", "suffix")),
    Setting("allow_missing", "list", _truth),
    Setting("dialect", "list", _choice(*dialects.NAMES)),
)


def _index(*levels: Level) -> dict[str, Setting]:
    return {name: row for row in TABLE if row.level in levels for name in (row.name, *row.aliases)}


OF_TASK = _index("task", "both")
DESCRIPTIVE = ("priority", "assignee", "agent", "tags")  # what they say of a task changes nothing in its run
OF_LIST = _index("list", "both")


def key(text: str) -> str:
    """The key as the table spells it: `Depends on` and `depends-on` are `depends_on`."""
    return text.strip().casefold().replace(" ", "_").replace("-", "_")
