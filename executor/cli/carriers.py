"""How a list was read, for people: its dialect, its carriers and why; shared by `plan` and `parse`."""

from __future__ import annotations

from executor.cli import console
from loader.model import Part, TaskList

_PARTS_MAX = 12


def show(parsed: TaskList) -> None:
    """One line for the dialect, and one for each part that is written in a way of its own."""
    console.say(f"read as {parsed.dialect}: {console.clean(parsed.dialect_reason)}")
    if len(parsed.parts) == 1:
        console.say(f"tasks are {console.clean(parsed.parts[0].reason)}")
        return
    for part in parsed.parts[:_PARTS_MAX]:
        console.say(f"  {_where(part)}: {console.counted(part.count, 'task')}, {console.clean(part.reason)}")
    if len(parsed.parts) > _PARTS_MAX:
        console.say(f"  and {len(parsed.parts) - _PARTS_MAX} parts more: executor parse")


def _where(part: Part) -> str:
    lines = "" if part.lines is None else f"lines {part.lines[0]}-{part.lines[1]}"
    return f"{lines}, {console.clean(part.section[-1])}" if part.section else lines
