"""Task lists made for tests: every part has a default, and a test names only what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

import loader
from executor import sync
from executor.queue import lists, plans, tasks
from executor.sync import SyncPlan

PATH = "/lists/tasks.md"
ACTOR = "tester"


def task(
    title: str = "Do it",
    run: str | None = "true",
    *,
    id: str | None = None,
    mark: str = " ",
    priority: str | None = None,
    depends_on: Iterable[str] = (),
    verify: str | None = None,
    language: str = "sh",
    words: str = "",
    settings: Mapping[str, Any] | None = None,
    children: Iterable[str] = (),
) -> str:
    """One item of a list, in the spelling of the README. `run=None` leaves the work to a person."""
    named = _named(id) if id else ""
    urgent = f"[{priority}] " if priority else ""
    needed = f" (depends on {', '.join(depends_on)})" if depends_on else ""
    lines = [f"- [{mark}] {named}{urgent}{title}{needed}{f' {words}' if words else ''}"]
    lines += [f"  - {key}: {value}" for key, value in (settings or {}).items()]
    if run is not None:
        lines += _fence(language, run)
    if verify is not None:
        lines += _fence(f"{language} verify", verify)
    lines += [f"  {line}" for child in children for line in child.rstrip("\n").split("\n")]
    return "\n".join(lines) + "\n"


def _named(task_id: str) -> str:
    """Only some spellings are ids by themselves; a comment makes one of anything."""
    return f"**{task_id}** " if re.fullmatch(r"[A-Z]+-?\d+", task_id) else f"<!-- id: {task_id} --> "


def _fence(info: str, content: str) -> list[str]:
    return [f"  ```{info}", *(f"  {line}" for line in content.rstrip("\n").split("\n")), "  ```"]


def document(*parts: str, title: str = "A list", **settings: Any) -> str:
    """A whole file. `settings` go to the front matter."""
    front = ["---", f"executor: {_yaml(settings)}", "---"] if settings else []
    return "\n".join([*front, f"# {title}", "", *parts])


def _yaml(value: object) -> str:
    """Flow style, which YAML shares with JSON but for bare words."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_yaml(content)}" for key, content in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def chain(*ids: str, run: str = "true") -> str:
    """Tasks that wait each for the one before."""
    return document(*(task(id=one, run=run, depends_on=ids[at - 1 : at]) for at, one in enumerate(ids)))


def wait_for(name: str) -> str:
    """A shell line that waits until a file exists."""
    return f"until [ -e {name} ]; do sleep 0.01; done"


def synced(connection: Connection[Any], text: str, path: str = PATH, **options: Any) -> tuple[int, SyncPlan]:
    """Bring a list into the queue as `executor run` does, without any file; its id and what was done."""
    parsed = loader.parse(text.encode())
    assert not parsed.errors, parsed.errors
    with connection.transaction():
        list_id = lists.create(connection, path)
        tasks.enter_alone(connection, list_id)
        plan = sync.plan(plans.known(connection, list_id), parsed, **options)
        plans.apply(connection, list_id, path, plan, ACTOR)
        plans.record(
            connection,
            list_id,
            actor=ACTOR,
            columns={
                "title": parsed.title,
                "description": parsed.description,
                "dialect": parsed.dialect,
                "sequential": parsed.sequential,
                "sha256": parsed.sha256,
                "reader": "tests",
                "host": "here",
                "noted": True,
            },
            settings=sync.plain(parsed.settings),
            reading={},
            summary=plan.summary(),
        )
    return list_id, plan


def row(**columns: Any) -> dict[str, Any]:
    """The columns of a task as the sync writes them, without a file behind them."""
    made = {
        "task_id": "T1",
        "parent": None,
        "title": "Do it",
        "description": "",
        "section": [],
        "priority": "P3",
        "rank": 3,
        "position": 1,
        "dependencies": [],
        "assignee": None,
        "agent": None,
        "runner": "shell",
        "hold": None,
        "needs": [],
        "keys": [],
        "places": [],
        "spec": {"blocks": [], "settings": {}, "optional": False, "parallel": False, "explicit_id": True},
        "fingerprint": "f",
        "tags": [],
        "mark": "pending",
        "status": "queued",
    }
    made |= columns
    return {"own_rank": made["rank"]} | made


def entered(connection: Connection[Any], rows: Iterable[Mapping[str, Any]], path: str = PATH) -> int:
    """Rows made by `row` in the queue; the id of their list."""
    list_id = lists.create(connection, path)
    connection.execute(
        plans.SYNC.add, {"list_id": list_id, "path": path, "actor": ACTOR, "rows": Jsonb([dict(one) for one in rows])}
    )
    return list_id
