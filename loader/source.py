"""A file as lines of text that know their place in the bytes."""

from __future__ import annotations

from itertools import accumulate

from msgspec import Struct

from loader import patterns

_LINE_END = patterns.lazy(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")


class NotTextError(ValueError):
    """The bytes are not UTF-8 text; `line` is where that shows first, from 1."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.line = line


class Source(Struct, frozen=True):
    """`lines` are without their endings, `starts` are the byte offsets of their first characters, BOM counted."""

    data: bytes
    lines: list[str]
    starts: list[int]

    def offset(self, line: int, column: int) -> int:
        """Where the character at `column` (from 0) of `line` (from 0) is in the bytes."""
        return self.starts[line] + len(self.lines[line][:column].encode())


def decode(data: bytes) -> Source:
    """Split into lines at LF, CRLF and CR alone, as CommonMark does; raises NotTextError.

    NUL is refused as well: no PostgreSQL text can hold it, and no list has one on purpose.
    """
    if data.startswith(_WIDE_BOMS):
        raise NotTextError("it is UTF-16", 1)
    if (nul := data.find(b"\0")) >= 0:
        raise NotTextError(f"it holds a NUL byte (offset {nul})", _line_of(data, nul))
    start = len(_BOM) if data.startswith(_BOM) else 0
    try:
        text = data[start:].decode()
    except UnicodeDecodeError as error:
        at = start + error.start
        raise NotTextError(f"byte 0x{data[at]:02X} at offset {at} is not UTF-8", _line_of(data, at)) from error
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if b"\r" in data:
        starts = [start, *(match.end() for match in _LINE_END.finditer(data))]
    else:
        starts = [start, *accumulate([len(line) + 1 for line in data.split(b"\n")[:-1]])]
    return Source(data, lines, starts)


def _line_of(data: bytes, offset: int) -> int:
    return 1 + sum(1 for _ in _LINE_END.finditer(data, 0, offset))
