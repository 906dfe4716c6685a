"""What people are asked to do, in words and as the command to type."""

from __future__ import annotations

from executor.cli import console

_COMMANDS = {
    "approval": "executor approve {}",
    "review": "executor approve {}, or executor reject {} -m WHY",
    "work": "executor done {}",
}


def command(wants: str, task_id: str, spelled: str = "") -> str:
    """How to answer; `spelled` is the file as a command must name it, with a blank before it, or nothing."""
    if wants == "mark":
        return "marked as blocked in the file; change its mark there"
    return _COMMANDS[wants].replace("{}", f"{task_id} --file{spelled}" if spelled else task_id)


def line(task_id: str, title: str, who: str | None, wants: str, spelled: str = "") -> str:
    """One task that waits, in a line without its id."""
    return f"{f'@{who}  ' if who else ''}{console.clean(title)}  ({command(wants, task_id, spelled)})"
