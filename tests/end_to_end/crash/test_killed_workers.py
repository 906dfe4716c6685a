"""kill -9 of a worker, its guard, a child, several at once: nothing is left, nothing lost, nothing counted twice."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path

import pytest
from crash_record import check_completed, check_events
from crash_site import Site, Worker, act, act_until

from tests import make

# What an agent's tools do: a session of their own, and a parent that leaves at once.
_SETSID = "setsid sleep 600 &\n"
_DOUBLE_FORK = "( setsid sh -c 'sleep 600 & sleep 600 &' & )\n"


def _at_work(site: Site, worker: Worker, processes: int) -> None:
    site.begun("A")
    site.until(lambda: len(site.left()) >= processes, f"{processes} processes of the task")
    assert worker.guard()


def _scratch_folders(pid: int) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"executor-*.{pid}.*"))


def test_children_are_gone_within_a_second_of_their_worker(site: Site) -> None:
    site.write(make.task(id="A", run=_SETSID + _DOUBLE_FORK + act(600)))
    worker = site.start()
    _at_work(site, worker, 5)
    worker.kill()
    site.none_left(1.0)


def test_a_killed_guard_is_replaced_and_the_new_one_does_its_work(site: Site) -> None:
    site.write(make.task(id="A", run=_SETSID + act(600)))
    worker = site.start()
    _at_work(site, worker, 3)
    killed = worker.guard()
    os.kill(killed, signal.SIGKILL)
    site.until(lambda: worker.guard() not in (0, killed), "another guard", 3.0)
    assert site.left(), "the task goes on"
    worker.kill()
    site.none_left(1.0)


def test_worker_and_guard_killed_at_once_leave_what_the_next_run_ends_before_it_begins(site: Site) -> None:
    site.write(
        make.task(id="A", run=f"[ -e second ] || {{ touch second\n{_SETSID}{_DOUBLE_FORK}{act(600)}\n}}\n{act()}")
    )
    worker = site.start()
    _at_work(site, worker, 5)
    guard = worker.guard()
    worker.send(signal.SIGSTOP)  # so that neither can act on the other's end
    os.kill(guard, signal.SIGKILL)
    worker.kill()
    assert len(site.left()) >= 5, "nobody was there to end them"
    assert _scratch_folders(worker.pid), "nor to remove the scripts"
    began = time.monotonic()
    assert site.run() == 0
    assert time.monotonic() - began < 10, "at once, not when a lease of 30 s is over"
    assert not _scratch_folders(worker.pid)
    assert site.runs("A") == ["lost", "succeeded"]
    check_completed(site)


def test_a_killed_child_is_a_failed_attempt(site: Site) -> None:
    site.write(make.task(id="A", run=act_until("go"), settings={"retries": 1, "retry_delay": "100ms"}))
    worker = site.start()
    site.begun("A")
    os.kill(site.oldest(), signal.SIGKILL)
    site.put("go")
    assert site.end(worker) == 0
    assert site.runs("A") == ["failed", "succeeded"]
    assert site.rows("SELECT signal, exit_code FROM executor.run WHERE status = 'failed'") == [(9, None)]
    assert site.rows("SELECT attempts, failures FROM executor.task_queue") == [(2, 1)]
    check_completed(site)


def test_a_pause_survives_its_worker(site: Site) -> None:
    site.write(make.task(id="A", run=act_until("go")), make.task(id="B", run=act()), make.task(id="C", run=act()))
    worker = site.start()
    site.begun("A")
    site.command("pause", str(site.file))
    site.until(lambda: "paused" in worker.said(), "the worker has heard of the pause", 2.0)
    worker.kill()
    site.none_left()
    site.put("go")
    assert site.run() == 3
    assert "paused" in site.started[-1].said()
    assert site.effects("A") == site.effects("B") == 0
    site.command("resume", str(site.file))
    assert site.run() == 0
    check_completed(site)


def test_a_task_that_kills_every_worker_is_given_up(site: Site) -> None:
    site.write(make.task(id="A", run='kill -9 "$PPID"\nsleep 600'), make.task(id="B", run="true", depends_on=["A"]))
    codes = [site.run()]
    while codes[-1] == -signal.SIGKILL and len(codes) < 25:
        codes.append(site.run())
    assert codes == [*[-signal.SIGKILL] * 21, 1]
    assert site.rows("SELECT status, attempts FROM executor.task_queue ORDER BY position") == [
        ("failed", 21),
        ("skipped", 0),
    ]
    assert set(site.runs("A")) == {"lost"}
    check_events(site)
    site.none_left()


@pytest.mark.parametrize(
    "point", ["claimed-not-spawned", "spawned-not-guarded", "exited-not-settled", "settled-not-marked"]
)
def test_a_death_between_two_steps_costs_at_most_a_repetition(site: Site, point: str) -> None:
    site.write(*(make.task(id=one, run=act(0.05)) for one in "ABCD"), make.task(id="E", run=act(), depends_on=["A"]))
    assert site.run("-j", "2", EXECUTOR_FAULT=f"{point}:kill") == -signal.SIGKILL
    site.none_left()
    if point == "settled-not-marked":
        assert site.ticks() == 0, "the record is ahead of the file"
        assert site.rows("SELECT run_id FROM executor.run WHERE status = 'succeeded'")
    else:
        assert site.rows("SELECT count(*) FROM executor.task_queue WHERE status = 'running'") != [(0,)]
    assert site.run("-j", "2") == 0
    check_completed(site)
