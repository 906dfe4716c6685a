"""Claims that begin where nothing was ready before: the same order, and no dearer beside old transactions."""

from __future__ import annotations

import psycopg
import pytest
from bench import Bench, bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from executor import outcome
from executor.outcome import Outcome
from executor.queue import waterline
from executor.queue.steps import STEPS, Appetite, _appetite_columns
from executor.queue.waterline import Waterline
from executor.states import RunStatus
from tests import make

DONE = Outcome(RunStatus.SUCCEEDED, exit_code=0)
ALL = Appetite(1, in_order=False, stop_if_failed_since="infinity")


def drained(at, limit, line=None):
    """The ids of a list in the order of their claims, so many a turn, each turn ending the runs of the last."""
    order, held, may_be_more = [], [], True
    while held or may_be_more:
        moves = [outcome.decide(one.run_id, one.queue_id, DONE, again=None, skip=False) for one in held]
        beyond = line.now() if line else 0
        held = at.turn(moves=moves, appetite=replace(ALL, limit=limit, beyond=beyond), orders=False).claimed
        may_be_more = line.rise(beyond, limit, held) if line else len(held) == limit
        order += [one.task_id for one in held]
    return order


@st.composite
def documents(draw):
    """Lists in which tasks wait for tasks before and behind them, some of them for keys too."""
    count = draw(st.integers(2, 12))
    ids = [f"T{number}" for number in range(count)]
    sequence = draw(st.permutations(range(count)))  # a task waits only for those before it in here: no circles
    parts = {}
    for at, number in enumerate(sequence):
        needed = draw(st.lists(st.sampled_from(sequence[:at]), max_size=2, unique=True)) if at else []
        parts[number] = make.task(
            id=ids[number],
            priority=draw(st.sampled_from([None, None, "P1", "P4"])),
            depends_on=[ids[one] for one in needed],
            settings=draw(st.sampled_from([{}, {}, {}, {"lock": "a"}])),
        )
    return make.document(*(parts[number] for number in range(count)))


@pytest.mark.usefixtures("lasting_line")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(text=documents(), limit=st.integers(1, 4))
def test_the_line_changes_nothing_in_the_order_of_claims(connection, text, limit):
    without = drained(bench(connection, text, "/without.md"), limit)
    assert drained(bench(connection, text, "/with.md"), limit, Waterline()) == without
    connection.execute("TRUNCATE executor.executor_state CASCADE")


@pytest.fixture
def lasting_line(monkeypatch):
    """A look at all places counts for as long as the test takes."""
    monkeypatch.setattr(waterline, "WHOLE_SECONDS", 3600.0)


@pytest.mark.usefixtures("lasting_line")
def test_what_others_make_ready_below_the_line_is_found_when_it_falls(connection):
    at = bench(connection, make.document(*(make.task(id=f"T{n}") for n in range(4))))
    line = Waterline()
    (first,) = at.turn(appetite=ALL).claimed
    assert line.rise(0, 1, [first])
    at.settle(first, RunStatus.FAILED, again=None)
    connection.execute("UPDATE executor.task_queue SET status = 'queued', completed_at = NULL WHERE status = 'failed'")
    (second,) = at.turn(appetite=replace(ALL, beyond=line.now())).claimed
    assert second.task_id == "T1"
    line.fall()
    assert [one.task_id for one in at.turn(appetite=replace(ALL, beyond=line.now())).claimed] == ["T0"]


def test_a_short_claim_above_the_line_is_not_the_end(connection):
    at = bench(connection, make.document(*(make.task(id=f"T{n}") for n in range(3))))
    line = Waterline()
    claimed = at.turn(appetite=replace(ALL, limit=2)).claimed
    assert line.rise(0, 2, claimed)
    beyond = line.now()
    assert beyond == claimed[-1].place + 1
    assert line.rise(beyond, 2, at.turn(appetite=replace(ALL, limit=2, beyond=beyond)).claimed), (
        "it did not look at all"
    )
    assert line.now() == 0
    assert not line.rise(0, 2, at.turn(appetite=replace(ALL, limit=2)).claimed)


def test_after_a_while_a_claim_looks_at_all_places_again(connection, monkeypatch):
    monkeypatch.setattr(waterline, "WHOLE_SECONDS", 0.0)
    at = bench(connection, make.document(*(make.task(id=f"T{n}") for n in range(3))))
    line = Waterline()
    line.rise(0, 1, at.turn(appetite=ALL).claimed)
    assert line.now() == 0


def test_a_claim_beside_an_open_transaction_reads_what_it_takes(connection, ready_database):
    """What was claimed cannot be cleared out of the index meanwhile; thousands of entries lie before what is ready."""
    at = Bench(connection, make.entered(connection, [make.row(task_id=f"T{n}", position=n) for n in range(1, 6001)]))
    with psycopg.connect(ready_database) as elsewhere:
        elsewhere.execute("SELECT pg_current_xact_id()")
        line = Waterline()
        for _ in range(50):
            held = at.turn(appetite=replace(ALL, limit=100, beyond=line.now())).claimed
            line.rise(0, 100, held)
            at.turn(moves=[outcome.decide(one.run_id, one.queue_id, DONE, again=None, skip=False) for one in held])
        assert pages(at, beyond=line.place) < 250
        assert pages(at, beyond=0) > 400


def pages(at, *, beyond):
    """How many pages a claim of eight reads."""
    here = {"list_id": at.list_id, "worker_id": at.worker_id, "worker": "w", "settled": []}
    query = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + STEPS.claim.replace(b"LIMIT 1 ", b"LIMIT 8 ")
    with at.connection.transaction(force_rollback=True):
        at.connection.execute(STEPS.enter, here)
        parameters = here | _appetite_columns(replace(ALL, beyond=beyond))
        ((plans,),) = at.connection.execute(query, parameters).fetchall()
    return plans[0]["Plan"]["Shared Hit Blocks"] + plans[0]["Plan"]["Shared Read Blocks"]
