"""What an agent is told: the same parts in the same order for every agent (docs/reference/agents.md shows one)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

_ANSWER_MAX = 1500
_ABOUT_MAX = 2000
_ERROR_MAX = 8000

BLOCKED = "BLOCKED:"


class Task(Struct, frozen=True):
    """What is known of a task; `context` as `executor.agent_context` tells it."""

    task_id: str
    title: str
    blocks: Sequence[Mapping[str, Any]]
    last_error: str
    context: Mapping[str, Any]
    notes: Sequence[Mapping[str, str]] = ()


def compose(task: Task, *, list_name: str, list_verify: str, protected: Sequence[str]) -> str:
    """The whole prompt of a run."""
    parts = [
        _beginning(task, list_name),
        _body(task),
        _about_list(task),
        _builds_on(task),
        _notes(task),
        _last_attempt(task),
        _checks(task, list_verify),
        _limits(list_name, protected),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def again(error: str) -> str:
    """What an agent is told that goes on with a conversation it was in before."""
    told = f"It ended with:\n\n{_fenced(error[-_ERROR_MAX:])}\n\n" if error else ""
    return (
        f"Your last attempt at this task did not get through. {told}Go on with the task from where it stands now.\n\n"
    )


def _beginning(task: Task, list_name: str) -> str:
    section = " > ".join(task.context.get("section") or ())
    where = f", in the section {section}" if section else ""
    return (
        f"You are at work on one task of the list {list_name}{where}. Do this task and nothing beyond it; others do the"
        f" rest.\n\n# {task.task_id}: {task.title}"
    )


def _body(task: Task) -> str:
    """The text as it stands in the list; where the list keeps commands elsewhere, as in a table, those too."""
    body = str(task.context.get("body") or "").strip()
    missing = [block for block in task.blocks if block["role"] == "run" and block["content"].strip() not in body]
    return "\n\n".join([*([body] if body else []), *(_fenced(one["content"], one["language"]) for one in missing)])


def _about_list(task: Task) -> str:
    told = task.context.get("list") or {}
    lines = [str(told.get(name) or "").strip() for name in ("title", "description")]
    return "\n\n".join(["## The list", *(line[:_ABOUT_MAX] for line in lines if line)]) if any(lines) else ""


def _builds_on(task: Task) -> str:
    return "\n".join(["## What it builds on\n", *_results(task)]) if task.context.get("builds_on") else ""


def _results(task: Task) -> Iterator[str]:
    for one in task.context["builds_on"]:
        yield f"- {one['id']} {one['title']} ({one['status']})"
        if answer := str(one.get("answer") or "").strip():
            yield from (f"  > {line}" for line in answer[-_ANSWER_MAX:].split("\n"))


def _notes(task: Task) -> str:
    """What people added, the reason of a "no" among it."""
    lines = [f"- {note['by']}: {note['text']}" for note in task.notes]
    return "\n".join(["## What people said of it\n", *lines]) if lines else ""


def _last_attempt(task: Task) -> str:
    if not task.last_error:
        return ""
    return f"## The last attempt\n\nIt ended with:\n\n{_fenced(task.last_error[-_ERROR_MAX:])}"


def _checks(task: Task, list_verify: str) -> str:
    checks = [_fenced(one["content"], one["language"]) for one in task.blocks if one["role"] == "verify"]
    checks += [_fenced(list_verify, "sh")] if list_verify else []
    if not checks:
        return ""
    return "\n\n".join(["## How it is checked\n\nWhen you are through, these are run, and each must succeed:", *checks])


def _limits(list_name: str, protected: Sequence[str]) -> str:
    lines = [
        "## What you must not touch\n",
        f"- {list_name}: its boxes are ticked by the program that runs it. Changes of yours are taken back.",
        *(f"- {pattern}" for pattern in protected),
        "",
        f"If you cannot do the task, end your answer with a line that begins with `{BLOCKED}` and says why.",
    ]
    return "\n".join(lines)


def _fenced(content: str, language: str = "") -> str:
    ticks = "```"
    while ticks in content:
        ticks += "`"
    return f"{ticks}{language}\n{content.rstrip()}\n{ticks}"
