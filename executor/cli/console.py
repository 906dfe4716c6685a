"""How things look on a terminal and in a pipe: words, durations, errors, diagnostics."""

from __future__ import annotations

import json
import os
import select
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from executor.errors import ExecutorError, ListError, NoSuchTask

if TYPE_CHECKING:
    from loader.model import Diagnostic

_BOLD, _RED, _GREEN, _YELLOW, _DIM, _RESET = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[0m"
_HARMLESS = "\t\n\u200c\u200d"  # the last two join letters, and the parts of an emoji
_STYLES = {"bold": _BOLD, "red": _RED, "green": _GREEN, "yellow": _YELLOW, "dim": _DIM}


class _Outliving:
    """A stream that goes on into nothing once it cannot be written any more."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return self._carry_on(lambda: self._stream.write(text)) or 0

    def flush(self) -> None:
        self._carry_on(self._stream.flush)

    def _carry_on(self, act: Callable[[], int | None]) -> int | None:
        try:
            return act()
        except OSError:
            _into_nowhere(self._stream)
            return act()


def _into_nowhere(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def outlive_readers() -> None:
    """From here on a closed pipe, a terminal that is gone or a full disk behind `>` silences us but ends no work."""
    sys.stdout = cast(TextIO, _Outliving(sys.stdout))
    sys.stderr = cast(TextIO, _Outliving(sys.stderr))


def is_left() -> bool:
    """Has whoever read our output gone? Told without writing anything, so that a quiet reader is let go as well."""
    asked = select.poll()
    asked.register(sys.stdout.fileno(), 0)
    return any(seen & (select.POLLERR | select.POLLHUP) for _, seen in asked.poll(0))


def styled(text: str, style: str, *, stream: object = None) -> str:
    """The text in a colour, where the stream is a terminal and nobody set NO_COLOR."""
    stream = sys.stdout if stream is None else stream
    if os.environ.get("NO_COLOR") or not getattr(stream, "isatty", lambda: False)():
        return text
    return f"{_STYLES[style]}{text}{_RESET}"


def clean(text: str) -> str:
    """Text of a task's output or title without control characters that would move the cursor of a terminal."""
    return "".join(
        character if character.isprintable() or character in _HARMLESS else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def say(text: str = "") -> None:
    """A line on standard output, in one write also where nothing is buffered."""
    print(f"{text}\n", end="", flush=True)


def say_bytes(content: bytes) -> None:
    """Bytes on standard output as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


class Progress:
    """One line of a terminal that is written over; nothing where standard error is no terminal."""

    def tell(self, text: str) -> None:
        """How far it is."""
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[2K{text[: shutil.get_terminal_size().columns - 1]}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        self.tell("")


def warn(text: str) -> None:
    """A line on standard error."""
    print(text, file=sys.stderr, flush=True)


def say_json(value: object) -> None:
    """One JSON value on standard output, where nothing else goes in `--json` mode."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def pour_json(value: object) -> None:
    """As `say_json`, from a thread that a reader may hold for ever: past Python's buffer, whose lock its exit needs."""
    left = f"{json.dumps(value, ensure_ascii=False)}\n".encode(errors="surrogateescape")
    while left:
        try:
            left = left[os.write(sys.stdout.fileno(), left) :]
        except OSError:
            _into_nowhere(sys.stdout)


def error(raised: ExecutorError) -> int:
    """Show why a command stopped and what to type next; its exit code."""
    warn(f"{styled('error:', 'red', stream=sys.stderr)} {clean(str(raised))}")
    if raised.hint:
        warn(f"  hint: {clean(raised.hint)}")
    return raised.exit_code


def diagnostics(path: Path | str, found: Iterable[Diagnostic]) -> None:
    """Diagnostics as `file:line:column: CODE message`, on standard error."""
    for one in found:
        warn(diagnostic_line(path, one))


def diagnostic_line(path: Path | str, one: Diagnostic) -> str:
    """One diagnostic as one line, or two with its hint."""
    shown = short_path(Path(path) / one.file)
    line = f"{shown}:{one.line}:{one.column}: {one.code} {one.message}"
    return clean(f"{line}\n  hint: {one.hint}" if one.hint and one.severity == "error" else line)


def short_path(path: Path | str) -> str:
    """A path as people would type it from here."""
    try:
        return path_from(path, Path.cwd())
    except FileNotFoundError:  # the folder of this process was taken away
        return str(path)


def spelled(path: Path | str) -> str:
    """A list as the next command must name it: a blank and its file, or nothing where it is the one found by itself."""
    from executor.operations import files

    try:
        if files.choose(None) == Path(path):
            return ""
    except ListError:
        pass  # no usual file here, or several: then it must be named
    return f" {files.typed(Path(path))}"


@contextmanager
def listing(path: Path | str, verb: str = "list") -> Iterator[None]:
    """Where tasks of a list are named or chosen: if there is none, the hint is how to see those that there are."""
    try:
        yield
    except NoSuchTask as error:
        error.hint = f"see them with `executor {verb}{spelled(path)}`"
        raise


def path_from(path: Path | str, top: Path) -> str:
    """A path relative to a folder where it is below that, else whole."""
    try:
        return str(Path(path).relative_to(top))
    except ValueError:
        return str(path)


def repository() -> Path:
    """What code hosts count paths from: the checkout, as CI names it, else the folder up from here that has a .git."""
    if named := os.environ.get("GITHUB_WORKSPACE"):
        return Path(named).resolve()
    here = Path.cwd()
    return next((one for one in (here, *here.parents) if (one / ".git").exists()), here)


def duration(value: timedelta | float | None) -> str:
    """`0.8 s`, `12 s`, `3 m 05 s`, `2 h 10 m`."""
    if value is None:
        return ""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} m"


def counted(number: int, noun: str) -> str:
    """`1 task`, `3 tasks`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def table(rows: Sequence[Sequence[str]], *, indent: str = "", styles: Sequence[str] = ()) -> None:
    """Columns as wide as their widest cell, the last one free; `styles` are those of whole rows."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        line = (indent + "  ".join([*cells, row[-1]])).rstrip()
        say(styled(line, styles[number]) if styles else line)
