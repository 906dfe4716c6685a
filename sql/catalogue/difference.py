"""How two schemas differ, in words."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from sql.catalogue.facts import Facts, Properties, facts
from sql.catalogue.values import Catalogue

# Things whose parts are told by themselves only while the thing itself is on both sides.
_WHOLES = (
    "table ",
    "partitioned table ",
    "foreign table ",
    "view ",
    "materialized view ",
    "composite type ",
    "domain type ",
)


class Difference(Struct, frozen=True):
    """`thing` is there and should not be, is not there and should be, or is another than it should be."""

    thing: str
    text: str

    def __str__(self) -> str:
        return f"{self.thing} {self.text}"


def differences(expected: Catalogue, found: Catalogue) -> tuple[Difference, ...]:
    """Every way in which `found` is not as expected, by name; none exactly when the fingerprints are equal.

    A whole table that is missing or new is one difference, with its columns and indexes left unsaid.
    """
    return between(facts(expected), facts(found))


def between(expected: Facts, found: Facts) -> tuple[Difference, ...]:
    """The same of facts that were kept."""
    return tuple(_differences(expected, found))


def _differences(expected: Facts, found: Facts) -> Iterator[Difference]:
    unsaid = tuple(f" of {_path(thing)}" for thing in expected.keys() ^ found.keys() if thing.startswith(_WHOLES))
    for thing in sorted(expected.keys() | found.keys()):
        if thing not in found:
            if not thing.endswith(unsaid):
                yield Difference(thing, "is missing")
        elif thing not in expected:
            if not thing.endswith(unsaid):
                yield Difference(thing, "is there, and no migration made it")
        elif expected[thing] != found[thing]:
            yield from (Difference(thing, text) for text in _changes(expected[thing], found[thing]))


def _changes(expected: Properties, found: Properties) -> Iterator[str]:
    for name in sorted(expected.keys() | found.keys()):
        was, now = expected.get(name), found.get(name)
        if was == now or (name == "columns" and not _moved(was, now)):
            continue
        if name == "columns":
            yield f"has its columns in another order: {now}"
        elif "True" in (was, now):
            yield f"should be {_noun(name)}" if was else f"should not be {_noun(name)}"
        elif was is None:
            yield f"has {_said(name, now)}, and should have none"
        elif now is None:
            yield f"has no {_noun(name)}, and should have {_said(name, was)}"
        else:
            yield f"has {_said(name, now)}, and should have {_short(was)}"


def _moved(was: str | None, now: str | None) -> bool:
    """Whether the same columns stand in another order; others are told one by one."""
    return sorted((was or "").split(", ")) == sorted((now or "").split(", "))


def _said(name: str, value: str | None) -> str:
    return f"the {_noun(name)} {_short(value or '')}"


def _noun(name: str) -> str:
    return name.replace("_", " ")


def _short(value: str) -> str:
    """On one line, and whole: the end of a definition may be what differs."""
    return " ".join(value.split())


def _path(thing: str) -> str:
    kind = next(kind for kind in _WHOLES if thing.startswith(kind))
    return thing.removeprefix(kind)
