"""What a file asks for in its `-- migrate:` comments."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from sql.tokens import BadScript


class Bounds(Struct, frozen=True):
    """How long a file may wait, as its directives say; a timeout of zero waits for ever."""

    lock_timeout: timedelta = timedelta(seconds=5)
    statement_timeout: timedelta = timedelta(0)
    retries: int = 5


class Directives(Struct, frozen=True):
    """All that a file may ask for. `allow` names lint rules, `replaces` the first and last version of a squashed range.

    `waits` tells whether the lock timeout is the file's own word, and not the default.
    """

    bounds: Bounds = Bounds()
    transaction: bool = True
    waits: bool = False
    role: str | None = None
    allow: tuple[str, ...] = ()
    irreversible: bool = False
    replaces: tuple[int, int] | None = None


KNOWN = (
    "no-transaction, lock-timeout=5s, statement-timeout=10min, retries=5, role=NAME, allow=RULE,RULE, irreversible, "
    "replaces=0001-0040, down"
)

_COMMENT = re.compile(r"--[ \t]*migrate[ \t]*:[ \t]*(?P<words>.*?)[ \t]*", re.IGNORECASE)
_DURATION = re.compile(r"(?P<number>\d{1,9})(?P<unit>ms|s|min|h|d)?")
_RANGE = re.compile(r"(?P<first>\d{4,14})-(?P<last>\d{4,14})", re.ASCII)
_RULES = re.compile(r"[a-z0-9-]+(?:,[a-z0-9-]+)*")
_UNITS = {
    None: timedelta(milliseconds=1),  # as PostgreSQL reads a bare number in its own timeouts
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def words(comment: str) -> str | None:
    """What a comment says to the toolkit; None for a comment that is for people."""
    match = _COMMENT.fullmatch(comment)
    return match["words"] if match else None


def add(directives: Directives, said: str, offset: int) -> Directives:
    """The directives with those of one comment; raises BadScript for a word that is not understood."""
    if not said:
        raise BadScript(f"an empty directive; known are {KNOWN}", offset)
    for word in said.split():
        key, equals, value = word.partition("=")
        read = _VALUES.get(key) if equals else _FLAGS.get(key)
        if read is None:
            read = _VALUES.get(key)  # a value forgotten is told by its reader, which knows an example
        if read is None or (equals and key in _FLAGS):
            raise BadScript(f"unknown directive '{word}'; known are {KNOWN}", offset)
        try:
            directives = read(directives, value)
        except ValueError as error:
            raise BadScript(f"bad directive '{word}': expected {error}", offset) from None
    return directives


def _lock_timeout(directives: Directives, value: str) -> Directives:
    return replace(directives, bounds=replace(directives.bounds, lock_timeout=_duration(value)), waits=True)


def _statement_timeout(directives: Directives, value: str) -> Directives:
    return replace(directives, bounds=replace(directives.bounds, statement_timeout=_duration(value)))


def _retries(directives: Directives, value: str) -> Directives:
    if not re.fullmatch(r"\d{1,3}", value, re.ASCII):
        raise ValueError("a number such as retries=5")
    return replace(directives, bounds=replace(directives.bounds, retries=int(value)))


def _role(directives: Directives, value: str) -> Directives:
    if not value:
        raise ValueError("a role such as role=app_owner")
    return replace(directives, role=value)


def _allow(directives: Directives, value: str) -> Directives:
    if not _RULES.fullmatch(value):
        raise ValueError("lint rules such as allow=drop-column,rename")
    return replace(directives, allow=(*directives.allow, *value.split(",")))


def _replaces(directives: Directives, value: str) -> Directives:
    match = _RANGE.fullmatch(value)
    if match is None or int(match["first"]) > int(match["last"]):
        raise ValueError("a range such as replaces=0001-0040")
    return replace(directives, replaces=(int(match["first"]), int(match["last"])))


def _duration(value: str) -> timedelta:
    match = _DURATION.fullmatch(value)
    if match is None:
        raise ValueError("a duration such as 500ms, 5s or 10min")
    return int(match["number"]) * _UNITS[match["unit"]]


_Reader = Callable[[Directives, str], Directives]
_FLAGS: dict[str, _Reader] = {
    "no-transaction": lambda directives, _: replace(directives, transaction=False),
    "irreversible": lambda directives, _: replace(directives, irreversible=True),
}
_VALUES: dict[str, _Reader] = {
    "lock-timeout": _lock_timeout,
    "statement-timeout": _statement_timeout,
    "retries": _retries,
    "role": _role,
    "allow": _allow,
    "replaces": _replaces,
}
