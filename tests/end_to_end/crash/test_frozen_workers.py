"""A worker that stands still past its lease (SIGSTOP, a suspended machine): its tasks end before others begin them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from crash_record import check_completed
from crash_site import Site, act, act_until

from tests import make

_LEASE = "2"
_PATIENT = "-c deadlock_timeout=3s"  # time enough to close a cycle in, on a slow machine too


def test_a_frozen_worker_loses_its_tasks_to_another_and_knows_it(site: Site) -> None:
    site.write(make.task(id="A", run="[ -e thawed ] || sleep 600\n" + act()), make.task(id="B", run=act(0.1)))
    frozen = site.start("-j", "2", EXECUTOR_LEASE=_LEASE)
    site.until(lambda: site.effects("B") and site.left(), "A at work, B done")
    frozen.send(signal.SIGSTOP)
    site.none_left(4.0)  # the guard
    site.put("thawed")
    assert site.run("-j", "2", EXECUTOR_LEASE=_LEASE) == 0
    assert site.runs("A") == ["lost", "succeeded"]
    frozen.send(signal.SIGCONT)
    assert site.end(frozen) == 0
    check_completed(site)


def test_a_worker_that_slept_alone_queues_its_tasks_again_and_blames_nobody(site: Site) -> None:
    site.write(make.task(id="A", run="[ -e thawed ] || sleep 600\n" + act()), make.task(id="B", run=act(0.1)))
    worker = site.start("-j", "2", EXECUTOR_LEASE=_LEASE)
    site.until(lambda: site.effects("B") and site.left(), "A at work, B done")
    worker.send(signal.SIGSTOP)
    site.none_left(4.0)
    site.put("thawed")
    worker.send(signal.SIGCONT)
    assert site.end(worker) == 0
    assert site.runs("A") == ["lost", "succeeded"]
    assert site.rows("SELECT attempts, failures FROM executor.task_queue WHERE task_id = 'A'") == [(2, 0)]
    check_completed(site)


def test_a_frozen_worker_without_a_guard_is_no_second_executor(site: Site) -> None:
    site.write(make.task(id="A", run=act_until("go")))
    frozen = site.start(EXECUTOR_LEASE=_LEASE)
    site.begun("A")
    guard = frozen.guard()
    frozen.send(signal.SIGSTOP)
    os.kill(guard, signal.SIGKILL)
    heir = site.start(EXECUTOR_LEASE=_LEASE)
    site.until(lambda: site.effects("A", "start") == 2, "the heir has the task once the lease is over")
    assert len(site.left()) >= 1
    site.put("go")
    assert site.end(heir) == 0
    frozen.send(signal.SIGCONT)
    assert site.end(frozen) == 0
    assert site.runs("A") == ["lost", "succeeded"]
    check_completed(site)


def test_two_workers_share_a_list_and_the_survivor_finishes_it(site: Site) -> None:
    site.write(
        *(make.task(id=f"T-{number}", run=act(0.2)) for number in range(60))
    )  # work for as long as a start takes
    one = site.start("-j", "2", EXECUTOR_LEASE="3")
    site.until(lambda: site.ledger(), "the first at work")
    other = site.start("-j", "2", EXECUTOR_LEASE="3")
    site.until(
        lambda: site.rows("SELECT count(DISTINCT worker_id) FROM executor.run WHERE status = 'running'") == [(2,)],
        "both at work",
    )
    one.kill()
    assert site.end(other) == 0, "without anybody starting a third"
    check_completed(site)


def test_a_worker_frozen_in_the_middle_of_its_transaction_holds_nobody_up(site: Site) -> None:
    site.write(make.task(id="A", run=act_until("go")), make.task(id="B", run=act()))
    frozen = site.start(EXECUTOR_LEASE=_LEASE)
    site.begun("A")
    with site.connect() as connection, connection.transaction():
        connection.execute("SELECT 1 FROM executor.task_queue WHERE task_id = 'A' FOR UPDATE")
        site.put("go")
        site.until(lambda: _waits_for_a_lock(site), "the worker is in the middle of settling A")
        frozen.send(signal.SIGSTOP)
    assert site.run(EXECUTOR_LEASE=_LEASE) == 0
    frozen.send(signal.SIGCONT)
    assert site.end(frozen) == 0
    check_completed(site)


def _waits_for_a_lock(site: Site) -> bool:
    return bool(
        site.rows(
            "SELECT FROM pg_stat_activity"
            " WHERE application_name = 'executor run' AND wait_event_type = 'Lock' AND datname = current_database()"
        )
    )


def test_a_live_worker_of_a_machine_with_the_same_name_keeps_its_tasks(site: Site) -> None:
    site.write(make.task(id="A", run=act_until("go")), make.task(id="B", run=act()), retries=0)
    one = site.start()
    site.begun("A")
    site.rows("UPDATE executor.worker SET boot_id = 'of a clone' RETURNING worker_id")
    other = site.start()
    site.until(lambda: site.effects("B"), "the other at work")
    assert site.runs("A") == ["running"]
    site.put("go")
    assert site.end(one) == site.end(other) == 0, site.story()
    assert site.runs("A") == ["succeeded"]
    check_completed(site)


@contextmanager
def _deadlock(site: Site, hold: str, *, until: str) -> Iterator[None]:
    """Lock what the worker will wait for, then wait for the row of task A that it holds: it is the one undone.

    The server looks for a cycle once, some time after a wait began; ours is told to look when all is over.
    """
    with site.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL deadlock_timeout = '1min'")
        connection.execute(hold)
        yield
        site.until(lambda: _waits_for_a_lock(site), until)
        connection.execute("SELECT FROM executor.task_queue WHERE task_id = 'A' FOR UPDATE")


def test_a_step_undone_by_a_deadlock_is_taken_again(site: Site) -> None:
    site.write(make.task(id="A", run=act_until("go")), make.task(id="B", run=act(), depends_on=["A"]))
    worker = site.start(PGOPTIONS=_PATIENT)
    site.begun("A")
    hold = "SELECT FROM executor.task_queue WHERE task_id = 'B' FOR UPDATE"
    with _deadlock(site, hold, until="the worker has A and waits for B"):
        site.put("go")
    assert site.end(worker) == 0, site.story()
    assert {status for (status,) in site.rows("SELECT status FROM executor.run")} == {"succeeded"}
    check_completed(site)


def test_a_leaving_worker_undone_by_a_deadlock_leaves_all_the_same(site: Site) -> None:
    site.write(make.task(id="A", run=act_until("go")))
    worker = site.start(PGOPTIONS=_PATIENT)
    site.begun("A")
    hold = "SELECT FROM executor.executor_state FOR NO KEY UPDATE"
    with _deadlock(site, hold, until="its last turn has marked A and waits for the list"):
        site.put("go")
    assert site.end(worker) == 0, site.story()
    assert site.rows("SELECT count(*) FROM executor.event WHERE kind = 'list.finished'") == [(1,)]
    check_completed(site)
