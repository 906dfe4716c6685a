"""Tools that keep up and down in one file, told apart by comments: dbmate, goose and node-pg-migrate."""

from __future__ import annotations

import re

from msgspec import Struct

from sql.adoption.values import Draft, Line, Notes, Source, lines
from sql.tokens import BadScript, Kind, lex


class Marks(Struct, frozen=True):
    """How a tool says where a part begins, and how its files are named. `up_needed`: without it nothing would run."""

    name: re.Pattern[str]
    up: re.Pattern[str]
    down: re.Pattern[str]
    no_transaction: re.Pattern[str] | None = None
    begin: re.Pattern[str] | None = None
    end: re.Pattern[str] | None = None
    refused: re.Pattern[str] | None = None
    up_needed: bool = True


DBMATE = Marks(
    name=re.compile(r"(?P<version>\d+).*?_(?P<title>.*)\.sql|(?P<bare>\d+)\.sql"),
    up=re.compile(r"--\s*migrate:up(\s*$|\s+\S+)", re.ASCII),
    down=re.compile(r"--\s*migrate:down(\s*$|\s+\S+)", re.ASCII),
    no_transaction=re.compile(r"--\s*migrate:(?:up|down)\s.*transaction:false"),
)
GOOSE = Marks(
    name=re.compile(r"(?P<version>\d+)_(?P<title>.*)\.sql"),
    up=re.compile(r"--\s*\+goose\s+Up\s*", re.IGNORECASE),
    down=re.compile(r"--\s*\+goose\s+Down\s*", re.IGNORECASE),
    no_transaction=re.compile(r"--\s*\+goose\s+NO\s+TRANSACTION\s*", re.IGNORECASE),
    begin=re.compile(r"--\s*\+goose\s+StatementBegin\s*", re.IGNORECASE),
    end=re.compile(r"--\s*\+goose\s+StatementEnd\s*", re.IGNORECASE),
    refused=re.compile(r"--\s*\+goose\s+(?P<what>ENVSUB\s+ON.*)", re.IGNORECASE),
)
NODE = Marks(
    name=re.compile(r"(?P<version>\d+)[_-](?P<title>.*)\.sql"),
    up=re.compile(r"\s*--[\s-]*up\s+migration.*", re.IGNORECASE),
    down=re.compile(r"\s*--[\s-]*down\s+migration.*", re.IGNORECASE),
    up_needed=False,
)


def draft(source: Source, marks: Marks, notes: Notes) -> Draft | None:
    """One file as a migration; None when it is refused."""
    match = marks.name.fullmatch(source.name)
    if match is None:
        notes.refuse(source.name, 0, "not named like a migration of that tool")
        return None
    named = match.groupdict()
    version = named["version"] or named.get("bare") or ""
    reader = _Reader(source, marks, notes)
    for line in lines(source):
        reader.take(line)
    reader.finish()
    return Draft(
        key=source.name.removesuffix(".sql") if marks is NODE else version,
        order=(int(version),),
        title=named["title"] or "",
        path=source.name,
        up=reader.up,
        down=reader.down,
        transaction=reader.transaction,
    )


class _Reader:
    """Sorts the lines of a file into its parts; the marks themselves become ours."""

    def __init__(self, source: Source, marks: Marks, notes: Notes) -> None:
        self.up: list[Line] = []
        self.down: list[Line] | None = None
        self.transaction = True
        self._source = source
        self._marks = marks
        self._notes = notes
        self._seen_up = False
        self._in_down = False
        self._block: list[Line] | None = None
        self._alone: dict[str, int] = {}

    def take(self, line: Line) -> None:
        marks = self._marks
        if self._is(marks.refused, line):
            self._notes.refuse(line.path, line.number, "variables are put into the SQL before it runs; write it out")
        elif self._is(marks.up, line):
            self._enter_up(line)
        elif self._is(marks.down, line):
            self._enter_down(line)
        elif self._is(marks.no_transaction, line):
            self._without_transaction(line, "file")
        elif self._is(marks.begin, line):
            self._block = []
        elif self._is(marks.end, line):
            self._close_block(line)
        else:
            (self.down if self._in_down and self.down is not None else self.up).append(line)
            if self._block is not None:
                self._block.append(line)

    def finish(self) -> None:
        if self._marks.up_needed and not self._seen_up:
            self._notes.refuse(self._source.name, 0, "no part that says it is the way up")
        if self._block is not None:
            self._notes.refuse(self._source.name, 0, "a statement begins that never ends")
        up, down = self._alone.get("up"), self._alone.get("down")
        if down and not up and self.down:
            self._notes.refuse(
                self._source.name,
                down,
                "the way down runs outside a transaction and the way up inside one: make them two migrations",
            )
        elif up and self.down is not None and not down:
            self._notes.decide(self._source.name, up, "runs outside a transaction, and its down part now does too")

    def _is(self, pattern: re.Pattern[str] | None, line: Line) -> bool:
        return pattern is not None and pattern.match(line.text) is not None

    def _enter_up(self, line: Line) -> None:
        if self._seen_up:
            self._notes.refuse(line.path, line.number, "a second part that says it is the way up")
        self._seen_up, self._in_down = True, False
        self._without_transaction(line, "up")

    def _enter_down(self, line: Line) -> None:
        if self.down is not None:
            self._notes.refuse(line.path, line.number, "a second part that says it is the way down")
        self._in_down = True
        self.down = self.down or []
        self._without_transaction(line, "down")

    def _without_transaction(self, line: Line, part: str) -> None:
        pattern = self._marks.no_transaction
        if pattern is None or not pattern.match(line.text):
            return
        for one in ("up", "down") if part == "file" else (part,):
            self._alone[one] = line.number
        self.transaction = "up" not in self._alone

    def _close_block(self, line: Line) -> None:
        block, self._block = self._block or [], None
        if block and not _ends("\n".join(one.text for one in block)):
            where = self.down if self._in_down and self.down is not None else self.up
            where.append(Line(";", line.path, 0))
            self._notes.decide(line.path, line.number, "a statement ended here without a semicolon; it has one now")


def _ends(text: str) -> bool:
    """Whether the last thing in it is a semicolon."""
    last = ";"
    try:
        for token in lex(text):
            if token.kind not in (Kind.BLANK, Kind.COMMENT):
                last = token.text
    except BadScript:
        return True  # told with its place when the whole is read
    return last == ";"
