"""What a migration file says: its statements, its directives and a checksum of its meaning."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise

from sql.tokens import BadScript, Kind, Token, lex


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement without its semicolon: `offset` counts characters from 0, `line` from 1.

    `words` are its first words in upper case, quoted text left out: enough to tell what kind it is.
    """

    sql: str
    offset: int
    line: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a file may wait, as its directives say; a timeout of zero waits for ever."""

    lock_timeout: timedelta = timedelta(seconds=5)
    statement_timeout: timedelta = timedelta(0)
    retries: int = 5


@dataclass(frozen=True, slots=True)
class Script:
    """A file, understood. `up` is its text before the down part, so offsets into one are offsets into the other."""

    up: str
    down: str | None
    statements: tuple[Statement, ...]
    bounds: Bounds
    checksum: str


WORDS_MAX = 8

_DIRECTIVE = re.compile(r"--[ \t]*migrate[ \t]*:[ \t]*(?P<words>.*?)[ \t]*", re.IGNORECASE)
_DURATION = re.compile(r"(?P<number>\d{1,9})(?P<unit>ms|s|min|h|d)?")
_UNITS = {
    None: timedelta(milliseconds=1),  # as PostgreSQL reads a bare number in its own timeouts
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_KNOWN = "down, lock-timeout=5s, statement-timeout=10min, retries=5"
_ENDS_TRANSACTION = {"BEGIN", "START", "COMMIT", "END", "ABORT", "ROLLBACK"}
_LABELS_NEXT = {".", "AS"}  # after these a keyword is only a name


def parse(text: str) -> Script:
    """Read a file's text (line ends as `\\n`, no byte order mark); raises BadScript at the first thing that cannot run.

    Directives are line comments, `-- migrate: …`; what follows `-- migrate: down` undoes the file.
    """
    reader = _Reader(text)
    for token in lex(text):
        reader.take(token)
    return reader.finish()


def checksum(text: str) -> str:
    """The checksum of what runs, as `parse` gives it."""
    return parse(text).checksum


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of a character."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


@dataclass(slots=True)
class _Open:
    """The statement being read: its tokens, and how deep they are inside something that may hold semicolons."""

    tokens: list[Token] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    parens: int = 0
    atomic: int = 0
    last: str = ""

    def add(self, token: Token) -> None:
        self.tokens.append(token)
        word = token.text.upper() if token.kind is Kind.WORD else token.text
        if token.kind is Kind.WORD:
            if len(self.words) < WORDS_MAX:
                self.words.append(word)
            self._follow_body(word)
        elif word == "(":
            self.parens += 1
        elif word == ")":
            self.parens = max(0, self.parens - 1)
        self.last = word

    def ends_at(self, token: Token) -> bool:
        return token.text == ";" and not self.parens and not self.atomic

    def _follow_body(self, word: str) -> None:
        """Semicolons between BEGIN ATOMIC and its END belong to the routine; a CASE in there has an END of its own."""
        if self.atomic:
            if self.last not in _LABELS_NEXT:
                self.atomic += (word == "CASE") - (word == "END")
        elif word == "ATOMIC" and self.last == "BEGIN" and self.words[0] == "CREATE":
            self.atomic = 1


class _Reader:
    """Takes tokens one by one, so that a fault is reported before anything behind it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._open = _Open()
        self._statements: list[Statement] = []
        self._bounds = Bounds()
        self._hash = hashlib.sha256()
        self._down_at: tuple[int, int] | None = None
        self._counted = (0, 1)

    def take(self, token: Token) -> None:
        if token.kind is Kind.BLANK:
            return
        if token.kind is Kind.COMMENT:
            if directive := _DIRECTIVE.fullmatch(token.text):
                self._direct(directive["words"], token)
        elif token.text == "\\":
            raise BadScript("commands of psql, such as \\connect or \\restrict, do not run on a server", token.start)
        elif self._open.ends_at(token):
            self._close()
        else:
            self._open.add(token)

    def finish(self) -> Script:
        self._close()
        up, down = self._text, None
        if self._down_at is not None:
            up, down = self._text[: self._down_at[0]], self._text[self._down_at[1] :]
        return Script(up, down, tuple(self._statements), self._bounds, self._hash.hexdigest())

    def _close(self) -> None:
        tokens = self._open.tokens
        if tokens:
            statement = self._statement(tokens[0].start, tokens[-1].end)
            _refuse(statement, tokens)
            if self._down_at is None:
                self._statements.append(statement)
                self._hash.update(_normal(tokens).encode())
        self._open = _Open()

    def _statement(self, start: int, end: int) -> Statement:
        offset, line = self._counted
        self._counted = (start, line + self._text.count("\n", offset, start))
        return Statement(self._text[start:end], start, self._counted[1], tuple(self._open.words))

    def _direct(self, words: str, token: Token) -> None:
        if self._down_at is not None:
            raise BadScript("directives stand above the down part", token.start)
        if words == "down":
            self._close()
            self._down_at = (token.start, token.end)
            return
        if not words:
            raise BadScript(f"an empty directive; known are {_KNOWN}", token.start)
        for word in words.split():
            self._bounds = _bound(self._bounds, word, token.start)


def _bound(bounds: Bounds, word: str, offset: int) -> Bounds:
    key, _, value = word.partition("=")
    match key:
        case "lock-timeout":
            return replace(bounds, lock_timeout=_duration(word, value, offset))
        case "statement-timeout":
            return replace(bounds, statement_timeout=_duration(word, value, offset))
        case "retries":
            if not re.fullmatch(r"\d{1,3}", value, re.ASCII):
                raise BadScript(f"bad directive '{word}': expected a number such as retries=5", offset)
            return replace(bounds, retries=int(value))
        case _:
            raise BadScript(f"unknown directive '{word}'; known are {_KNOWN}", offset)


def _duration(word: str, value: str, offset: int) -> timedelta:
    match = _DURATION.fullmatch(value)
    if match is None:
        raise BadScript(f"bad directive '{word}': expected a duration such as 500ms, 5s or 10min", offset)
    return int(match["number"]) * _UNITS[match["unit"]]


def _normal(tokens: list[Token]) -> str:
    """A statement with one token a line and a semicolon after it: lexing that gives the same tokens again.

    Words are folded as PostgreSQL folds them, ASCII only, so that a formatter may change their case.
    """
    return "\n".join([_fold(token) for token in tokens]) + "\n;\n"


def _fold(token: Token) -> str:
    return token.text.lower() if token.kind is not Kind.QUOTED and token.text.isascii() else token.text


def _refuse(statement: Statement, tokens: list[Token]) -> None:
    """Statements that would end our transaction, change how the file is read, or speak to a client we are not."""
    words = statement.words
    first = words[0] if words else ""
    if (first in _ENDS_TRANSACTION and not _goes_to_savepoint(words)) or words[:2] == ("PREPARE", "TRANSACTION"):
        raise BadScript(f"{first} in a migration: every file runs in a transaction of its own", statement.offset)
    if first == "SET" and "STANDARD_CONFORMING_STRINGS" in words and "ON" not in words:
        raise BadScript("standard_conforming_strings stays on; write E'…' where a backslash escapes", statement.offset)
    if first == "SET" and "CLIENT_ENCODING" in words and not re.search("utf-?8", statement.sql, re.IGNORECASE):
        raise BadScript("client_encoding stays UTF8: migration files are UTF-8", statement.offset)
    if first == "COPY" and _names_client(tokens):
        raise BadScript("COPY from or to the client: write INSERT, or COPY a file of the server", statement.offset)


def _names_client(tokens: list[Token]) -> bool:
    words = [token.text.upper() for token in tokens if token.kind is Kind.WORD]
    return any(pair in (("FROM", "STDIN"), ("TO", "STDOUT")) for pair in pairwise(words))


def _goes_to_savepoint(words: tuple[str, ...]) -> bool:
    return words[:2] == ("ROLLBACK", "TO") or (words[:1] == ("ROLLBACK",) and words[2:3] == ("TO",))
