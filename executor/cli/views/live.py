"""The live view on a terminal: running tasks with their last line below, one bar, finished tasks scrolling above."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO, cast

from msgspec import Struct
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live as RichLive
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from executor import clock
from executor.cli import console
from executor.cli.views import plain
from executor.errors import ListError
from executor.model import Claimed, Counts, Skipped
from executor.outcome import Move
from executor.states import RunStatus
from loader.model import Diagnostic

_FRAMES_PER_SECOND = 5
_TITLE_MAX = 40
_BAR_WIDTH_MIN = 40
_LAST_LINE_BYTES = 400
_SHOW_CURSOR = b"\r\n\x1b[?25h"
# Between these a terminal shows nothing half drawn; one that does not know them ignores them.
_BEGIN_FRAME, _END_FRAME = "\x1b[?2026h", "\x1b[?2026l"


class _Shown(Struct):
    run: Claimed
    began: float
    progress: str = ""
    last_line: str = ""

    @property
    def saying(self) -> str:
        return (
            f"{self.progress}  {self.last_line}"
            if self.progress and self.last_line
            else self.progress or self.last_line
        )


class _Framed:
    """A terminal to which everything that is written at once is shown at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return self._stream.write(f"{_BEGIN_FRAME}{text}{_END_FRAME}")


class _Rows(Struct, frozen=True):
    """A line for each: id, how long, title, what it says of itself. A table of rich would take ten times as long."""

    rows: list[tuple[str, str, str, str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = list(zip(*self.rows, strict=True))
        ids, times, titles = (min(max(map(cell_len, column)), _TITLE_MAX) for column in columns[:3])
        for task_id, took, title, last_line in self.rows:
            head = set_cell_size(task_id, ids)
            middle = f"  {took:>{times}}  {set_cell_size(title, titles)}  "
            room = options.max_width - ids - cell_len(middle)
            if room > 0:
                yield Segment(head, _BOLD)
                yield Segment(middle)
                yield Segment(set_cell_size(last_line, min(room, cell_len(last_line))), _DIM)
            else:
                yield Segment(set_cell_size(head + middle, options.max_width))
            yield Segment.line()


_BOLD, _DIM = Style(bold=True), Style(dim=True)


class Live(plain.Plain):
    """As the plain view, with its lines above a picture of what runs now."""

    def __init__(self, counts: Counts, spelled: str) -> None:
        super().__init__(counts, spelled)
        self._console = Console(file=cast(TextIO, _Framed(sys.stdout)), highlight=False, soft_wrap=True)
        self._running: dict[int, _Shown] = {}
        self._resting: dict[str, tuple[Claimed, float]] = {}  # by agent: a task of it, and until when it rests
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._bar = self._progress.add_task("", total=self.total, completed=self.over)
        self._live = RichLive(
            console=self._console,
            refresh_per_second=_FRAMES_PER_SECOND,
            get_renderable=self._picture,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def abandon(self) -> None:
        """Past every lock and buffer: the thread that draws may hold them."""
        os.write(sys.stdout.fileno(), _SHOW_CURSOR)

    def line(self, text: str) -> None:
        """One permanent line, above the picture."""
        self._console.print(Text.from_ansi(text))

    def started(self, run: Claimed) -> None:
        if run.agent:
            self._resting.pop(run.agent, None)
        if run.runner != "container":
            self._running[run.run_id] = _Shown(run, clock.monotonic())

    def printed(self, run: Claimed, content: bytes) -> None:
        shown = self._running.get(run.run_id)
        lines = content[-_LAST_LINE_BYTES:].decode("utf-8", "replace").split("\n")
        words = [line for line in lines if line.strip()]
        if shown and words:
            shown.last_line = console.clean(words[-1].rsplit("\r", 1)[-1].strip()).replace("\t", " ")

    def progressed(self, run: Claimed, progress: str) -> None:
        shown = self._running.get(run.run_id)
        if shown:
            shown.progress = console.clean(progress)

    def ended(self, run: Claimed, move: Move, took: timedelta | None) -> None:
        self._running.pop(run.run_id, None)
        if move.run_status is RunStatus.REFUSED and move.wait and run.agent:
            self._resting[run.agent] = (run, clock.monotonic() + move.wait.total_seconds())
        super().ended(run, move, took)
        self._progress.update(self._bar, completed=self.over)

    def skipped(self, task: Skipped) -> None:
        super().skipped(task)
        self._progress.update(self._bar, completed=self.over)

    def synced(self, changes: Mapping[str, int], counts: Counts) -> None:
        super().synced(changes, counts)
        self._progress.update(self._bar, total=self.total, completed=self.over)

    def warned(self, path: Path, found: Sequence[Diagnostic]) -> None:
        for one in found:
            self.line(console.styled(console.diagnostic_line(path, one), "yellow"))

    def refused(self, error: ListError) -> None:
        for text in plain.refused_lines(error):
            self.line(console.styled(text, "yellow"))

    def _picture(self) -> RenderableType:
        """As many running tasks as fit on the screen, longest first, and the bar."""
        room = max(1, self._console.height - 3 - bool(self._waiting))
        shown = sorted(self._running.values(), key=lambda one: one.began)
        now = clock.monotonic()
        rows = [
            (one.run.task_id, console.duration(now - one.began), console.clean(one.run.title), one.saying)
            for one in shown[:room]
        ]
        rows += [
            (run.task_id, console.duration(until - now), f"until {agent} may go on", "at its limit")
            for agent, (run, until) in self._resting.items()
            if until > now
        ]
        table = [_Rows(rows)] if rows else []
        rest = [Text(f"and {len(shown) - room} more")] if len(shown) > room else []
        if self._waiting:
            rest.append(Text(f"waiting for people: {', '.join(sorted(self._waiting))}", style=_DIM, no_wrap=True))
        return Group(*table, *rest, self._overall())

    def _overall(self) -> RenderableType:
        """The bar, or what of it is readable where there is no room for one."""
        if self._console.width < _BAR_WIDTH_MIN:
            return Text(f"{self.over} of {self.total}", no_wrap=True)
        return self._progress
