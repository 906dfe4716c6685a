"""What a migration file says: its statements, its directives and a checksum of its meaning."""

from __future__ import annotations

import hashlib
import re

from msgspec import Struct, field

from sql import directives, refusals
from sql.directives import Bounds, Directives
from sql.tokens import BadScript, Kind, scan

__all__ = ["Bounds", "Script", "Statement", "checksum", "parse", "place", "undoing"]


class Statement(Struct, frozen=True):
    """One statement without its semicolon: `offset` counts characters from 0, `line` from 1.

    `words` are its first words in upper case, quoted text left out: enough to tell what kind it is.
    """

    sql: str
    offset: int
    line: int
    words: tuple[str, ...]


class Script(Struct, frozen=True):
    """A file, understood. `up` is its text before the down part, so offsets into one are offsets into the other."""

    up: str
    down: str | None
    statements: tuple[Statement, ...]
    directives: Directives
    checksum: str

    @property
    def bounds(self) -> Bounds:
        return self.directives.bounds


WORDS_MAX = 8
_NONE = Directives()

_DEPTH = {"(": 1, ")": -1}
_LABELS_NEXT = {".", "AS"}  # after these a keyword is only a name


def parse(text: str, given: Directives = _NONE) -> Script:
    """Read a file's text (line ends as `\\n`, no byte order mark); raises BadScript at the first thing that cannot run.

    Directives are line comments, `-- migrate: …`; what follows `-- migrate: down` undoes the file. `given` are those of
    the file of which this is a part.
    """
    reader = _Reader(text, given)
    reader.read()
    return reader.finish()


def undoing(script: Script) -> Script:
    """The down part as a script to run: its places are those of the whole file. Only for a script that has one."""
    above = re.sub(r"[^\n]", " ", script.up) + " " * len("-- migrate: down")
    down = parse(above + (script.down or ""), script.directives)
    return Script(down.up, None, down.statements, script.directives, down.checksum)


def checksum(text: str) -> str:
    """The checksum of what runs, as `parse` gives it."""
    return parse(text).checksum


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of a character."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


class _Open(Struct):
    """The statement being read: its tokens as the checksum sees them, and where it begins and ends."""

    start: int = -1
    end: int = -1
    tokens: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


class _Body(Struct):
    """How deep we are between BEGIN ATOMIC and its END, where semicolons belong to the routine."""

    depth: int = 0
    last: str = ""

    def follow(self, token: str, statement: list[str]) -> None:
        """A CASE in a body has an END of its own."""
        if self.depth:
            if self.last not in _LABELS_NEXT:
                self.depth += (token == "CASE") - (token == "END")
        elif token == "ATOMIC" and self.last == "BEGIN" and statement[:1] == ["CREATE"]:
            self.depth = 1
        self.last = token


class _Reader:
    """Takes tokens one by one, so that a fault is reported before anything behind it."""

    def __init__(self, text: str, given: Directives) -> None:
        self._text = text
        self._open = _Open()
        self._statements: list[Statement] = []
        self._directives = given
        self._hash = hashlib.sha256()
        self._down_at: tuple[int, int] | None = None
        self._counted = (0, 1)
        self._alone: tuple[str, int] | None = None

    def read(self) -> None:
        """One loop without calls for the common token: large files are made of millions of them."""
        body = _Body() if "atomic" in self._text.lower() else None
        current, parens = self._open, 0
        for kind, start, text in scan(self._text):
            if kind is Kind.COMMENT:
                self._comment(text, start)
                current = self._open
                continue
            if text == ";" and not parens and not (body and body.depth):
                self._close()
                current = self._open
                continue
            if current.start < 0:
                current.start, parens = start, 0
            current.end = start + len(text)
            current.tokens.append(text if kind is Kind.QUOTED else _folded(text))
            if kind is Kind.WORD:
                if len(current.words) < WORDS_MAX:
                    current.words.append(text.upper())
            elif text in _DEPTH:
                parens = max(0, parens + _DEPTH[text])
            elif text == "\\":
                raise BadScript("commands of psql, such as \\connect or \\restrict, do not run on a server", start)
            if body:
                body.follow(text.upper(), current.words)

    def finish(self) -> Script:
        self._close()
        if self._alone and self._directives.transaction:
            kind, offset = self._alone
            raise BadScript(
                f"{kind} cannot run in a transaction; begin the file with -- migrate: no-transaction", offset
            )
        up, down = self._text, None
        if self._down_at is not None:
            up, down = self._text[: self._down_at[0]], self._text[self._down_at[1] :]
        return Script(up, down, tuple(self._statements), self._directives, self._hash.hexdigest())

    def _comment(self, text: str, start: int) -> None:
        said = directives.words(text)
        if said is not None:
            self._direct(said, start, start + len(text))

    def _close(self) -> None:
        """End the open statement. In the checksum it is a token a line and a semicolon: read again, the same."""
        closed, self._open = self._open, _Open()
        if not closed.tokens:
            return
        statement = self._statement(closed)
        refusals.refuse(statement.words, statement.sql, statement.offset)
        if self._alone is None and (kind := refusals.alone(statement.words)):
            self._alone = kind, statement.offset
        if self._down_at is None:
            self._statements.append(statement)
            self._hash.update(("\n".join(closed.tokens) + "\n;\n").encode())

    def _statement(self, closed: _Open) -> Statement:
        offset, line = self._counted
        self._counted = (closed.start, line + self._text.count("\n", offset, closed.start))
        return Statement(self._text[closed.start : closed.end], *self._counted, tuple(closed.words))

    def _direct(self, said: str, start: int, end: int) -> None:
        if self._down_at is not None:
            raise BadScript("directives stand above the down part", start)
        if said == "down":
            self._close()
            self._down_at = (start, end)
            return
        self._directives = directives.add(self._directives, said, start)


def _folded(token: str) -> str:
    """Folded as PostgreSQL folds words, ASCII only, so that a formatter may change their case."""
    return token.lower() if token.isascii() else token
