"""The named statements in `sql/queries/<noun>.sql`, as attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "queries"

_STATEMENT = re.compile(
    r"""
    ^--\ name:\ (?P<name>[a-z][a-z0-9_]*)\n
    (?P<sentence>(?:--\ .+\n)+)
    (?P<sql>(?:(?!--\ name:).*(?:\n|\Z))+?)
    (?=--\ name:|\Z)
    """,
    re.VERBOSE | re.MULTILINE,
)


class BadQueries(ValueError):
    """A query file that breaks the form: a defect of ours, found as soon as the file is loaded."""


class Queries:
    """The statements of one file: `TASKS.claim` is the SQL text.

    Bytes, because psycopg's `Query` accepts those without a cast, and no f-string can add anything to them.
    """

    __slots__ = ("_noun", "_sentences", "_statements")

    def __init__(self, noun: str, statements: Mapping[str, bytes], sentences: Mapping[str, str]) -> None:
        self._noun = noun
        self._statements = statements
        self._sentences = sentences

    def __getattr__(self, name: str) -> bytes:
        try:
            return self._statements[name]
        except KeyError:
            known = ", ".join(self._statements)
            raise AttributeError(f"no query '{name}' in {self._noun}.sql; it has {known}") from None

    def __dir__(self) -> list[str]:
        return list(self._statements)


@cache
def load(noun: str) -> Queries:
    """The queries of `<noun>.sql`, read once; raises LookupError for an unknown file, BadQueries for a bad one."""
    path = FOLDER / f"{noun}.sql"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise LookupError(f"no {path.name} in {FOLDER}; there are {', '.join(_nouns())}") from error
    return parse(noun, text)


def parse(noun: str, text: str) -> Queries:
    """Cut a query file into its statements; every line belongs to one, and each has a name and a sentence."""
    statements: dict[str, bytes] = {}
    sentences: dict[str, str] = {}
    position = 0
    for match in _STATEMENT.finditer(text):
        name = match["name"]
        _refuse_stray(noun, text, position, match.start())
        if name in statements:
            raise BadQueries(f"{noun}.sql:{_line(text, match.start())}: a second query '{name}'")
        statements[name] = match["sql"].strip().encode()
        if not statements[name]:
            raise BadQueries(f"{noun}.sql:{_line(text, match.start())}: query '{name}' has no SQL")
        sentences[name] = " ".join(line.removeprefix("-- ") for line in match["sentence"].splitlines())
        position = match.end()
    _refuse_stray(noun, text, position, len(text))
    if not statements:
        raise BadQueries(f"{noun}.sql: no query in it")
    return Queries(noun, statements, sentences)


def sentences(queries: Queries) -> Mapping[str, str]:
    """What each query is for, by name, as its file says."""
    return queries._sentences


def every() -> Iterator[tuple[str, str, bytes]]:
    """(noun, name, SQL) of every query of the program."""
    for noun in _nouns():
        queries = load(noun)
        for name in dir(queries):
            yield noun, name, getattr(queries, name)


def _nouns() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.sql"))


def _refuse_stray(noun: str, text: str, start: int, end: int) -> None:
    stray = text[start:end].strip()
    if stray:
        line = _line(text, start + text[start:end].index(stray))
        raise BadQueries(f"{noun}.sql:{line}: expected '-- name: a_name', then '-- ' and a sentence, then SQL")


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
