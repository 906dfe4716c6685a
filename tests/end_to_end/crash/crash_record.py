"""The oracle: what must be true of a list that was carried to its end, however often it crashed on the way."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from crash_site import Site

_OVER = {"succeeded", "failed", "timed_out", "cancelled", "lost"}


def check_completed(site: Site) -> None:
    """Every promise, for a list in which nothing fails by itself: record, effects, events, processes and file agree."""
    tasks = site.rows("SELECT queue_id, task_id, status, attempts, mark FROM executor.task_queue ORDER BY position")
    runs: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for queue_id, run_id, status in site.rows("SELECT queue_id, run_id, status FROM executor.run ORDER BY run_id"):
        runs[queue_id].append((run_id, status))
    ledger = site.ledger()
    effects = {(task_id, run_id) for task_id, run_id, word in ledger if word == "end"}

    assert tasks, "there is a list"
    for queue_id, task_id, status, attempts, mark in tasks:
        told = f"{task_id}: {status}, {attempts} attempts, runs {runs[queue_id]}\n{site.story()}"
        assert status == "completed", told
        assert mark == "completed", told
        succeeded = [run_id for run_id, how in runs[queue_id] if how == "succeeded"]
        assert len(succeeded) == 1, f"completed once in the record: {told}"
        assert attempts == sum(how != "cancelled" for _, how in runs[queue_id]), f"attempts tell the truth: {told}"
        assert {how for _, how in runs[queue_id]} <= _OVER, told
        assert (task_id, succeeded[0]) in effects, f"its effect is there: {told}"
    check_effects(site)
    check_events(site)
    check_file(site)
    site.none_left()
    assert site.rows("SELECT worker_id, pid FROM executor.worker") == [], "every worker is off the books"


def check_effects(site: Site) -> None:
    """No task ran beside itself, no run was carried out twice, and each one carried out is in the record."""
    ledger = site.ledger()
    beside = {task_id for task_id, _, word in ledger if word == "overlap"}
    assert not beside, f"ran beside itself: {[line for line in ledger if line[0] in beside]}\n{site.story()}"
    twice = [line for line, number in Counter(ledger).items() if number > 1]
    assert twice == [], f"carried out twice: {twice}\n{site.story()}"
    known = {run_id for (run_id,) in site.rows("SELECT run_id FROM executor.run")}
    unknown = {run_id for _, run_id, _ in ledger} - known
    assert unknown == set(), f"not in the record: {unknown}\n{site.story()}"


def check_file(site: Site) -> None:
    """Every box is ticked, and not one other byte is changed."""
    now = site.file.read_bytes()
    assert b"- [ ] " not in now, now.decode()
    assert now.replace(b"- [x] ", b"- [ ] ") == site.text


def check_events(site: Site) -> None:
    """Replaying the events of every task leads to what the table says."""
    told: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for queue_id, *event in site.rows(
        "SELECT queue_id, kind, run_id, attempt, actor, detail FROM executor.event"
        " WHERE queue_id IS NOT NULL AND kind <> 'task.output' ORDER BY event_id"
    ):
        told[queue_id].append(tuple(event))
    for queue_id, task_id, status, attempts in site.rows(
        "SELECT queue_id, task_id, status, attempts FROM executor.task_queue"
    ):
        assert _replay(task_id, told[queue_id]) == (status, attempts), f"{task_id}: {told[queue_id]}"


def _replay(task_id: str, events: list[tuple[Any, ...]]) -> tuple[str, int]:
    """Where a task stands after its events, and how many attempts it has had."""
    status, attempts, running = "unknown", 0, None
    for kind, run_id, attempt, actor, detail in events:
        told = f"{task_id}: {kind} of run {run_id} while {status} (run {running}): {events}"
        assert actor, told
        match kind:
            case "task.added":
                status = "queued"
            case "task.changed":
                continue
            case "task.started":
                assert status == "queued", told
                status, running, attempts = "running", run_id, attempts + 1
                assert attempt == attempts, told
            case "task.completed" if detail.get("was"):  # on a person's word
                status = "completed"
            case "task.completed" | "task.failed" | "task.retried" | "task.requeued" | "task.lost" if run_id:
                assert (status, running) == ("running", run_id), told
                running = None
                status = {"task.completed": "completed", "task.failed": "failed"}.get(kind, detail.get("now", "queued"))
                attempts -= kind == "task.requeued"
            case "task.requeued":
                status = "queued"
            case "task.skipped":
                status = "skipped"
            case _:
                raise AssertionError(told)
    assert running is None, f"{task_id} still runs: {events}"
    return status, attempts
