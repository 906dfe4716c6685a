"""A task list as plain values for JSON, in the stable shape of `executor parse --json`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from loader.model import Block, Diagnostic, Edge, Part, Task, TaskList

if TYPE_CHECKING:
    from loader.accounts import Account


def as_dict(task_list: TaskList) -> dict[str, object]:
    """The whole list; durations are seconds."""
    return {
        "title": task_list.title,
        "description": task_list.description,
        "dialect": task_list.dialect,
        "dialect_reason": task_list.dialect_reason,
        "parts": [part_as_dict(part) for part in task_list.parts],
        "settings": _settings(task_list.settings),
        "tasks": [_task(task) for task in task_list.tasks],
        "edges": [_edge(edge) for edge in task_list.edges],
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in task_list.diagnostics],
    }


def account_as_dict(account: Account) -> dict[str, object]:
    """What became of one line."""
    return {
        "file": account.file,
        "line": account.line,
        "look": account.look,
        "text": account.text,
        "verdict": account.verdict,
        "task": account.task_id or None,
        "code": account.code or None,
        "reason": account.reason,
    }


def part_as_dict(part: Part) -> dict[str, object]:
    """What is written in one way: its carrier, and why it was read so."""
    return {
        "carrier": part.carrier,
        "reason": part.reason,
        "section": list(part.section),
        "lines": None if part.lines is None else list(part.lines),
        "tasks": part.count,
    }


def _task(task: Task) -> dict[str, object]:
    return {
        "id": task.task_id,
        "title": task.title,
        "priority": task.priority,
        "section": list(task.section),
        "carrier": task.carrier,
        "mark": task.mark,
        "status": task.status.value,
        "dependencies": list(task.dependencies),
        "parent": task.parent,
        "container": task.container,
        "parallel": task.parallel,
        "optional": task.optional,
        "assignee": task.assignee,
        "agent": task.agent,
        "tags": list(task.tags),
        "settings": _settings(task.settings),
        "file": task.file,
        "lines": list(task.lines),
        "position": task.position,
        "body": task.body,
        "blocks": [_block(block) for block in task.blocks],
        "steps": [{"mark": step.mark, "line": step.line} for step in task.steps],
    }


def _block(block: Block) -> dict[str, object]:
    return {
        "lang": block.language,
        "role": block.role,
        "attributes": dict(block.attributes),
        "content": block.content,
        "line": block.line,
    }


def _edge(edge: Edge) -> dict[str, object]:
    return {
        "task": edge.task_id,
        "depends_on": edge.depends_on,
        "rule": edge.rule,
        "file": edge.file,
        "line": edge.line,
    }


def _diagnostic(diagnostic: Diagnostic) -> dict[str, object]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "file": diagnostic.file,
        "line": diagnostic.line,
        "column": diagnostic.column,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
    }


def _settings(settings: Mapping[str, object]) -> dict[str, object]:
    return {key: _plain(value) for key, value in settings.items()}


def _plain(value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(key): _plain(content) for key, content in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(content) for content in value]
    return value
