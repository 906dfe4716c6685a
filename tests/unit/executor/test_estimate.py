"""When the rest of a list will be done, from durations measured so far."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.estimate import Job, seconds_left

TEN = {"shell": 10.0}


def job(task_id, *waits_for, kind="shell", rank=3, position=0, elapsed=None, held=False):
    return Job(task_id, kind, rank, position, waits_for, elapsed, held)


@pytest.mark.parametrize(
    ("jobs", "slots", "seconds"),
    [
        ([], 1, 0),
        ([job("A"), job("B"), job("C")], 1, 30),
        ([job("A"), job("B"), job("C")], 2, 20),
        ([job("A"), job("B"), job("C")], 8, 10),
        ([job("A"), job("B", "A"), job("C", "B")], 8, 30),
        ([job("A"), job("B", "A"), job("C", "A"), job("D", "B", "C")], 2, 30),
        ([job("A", elapsed=4)], 1, 6),
        ([job("A", elapsed=4), job("B", "A")], 1, 16),
        ([job("A", elapsed=40)], 1, 20),
        ([job("A", held=True), job("B", "A"), job("C")], 1, 10),
        ([job("A", held=True), job("B", "A")], 1, 0),
        ([job("A", "GONE")], 1, 0),
        ([job("A", "B"), job("B", "A"), job("C")], 1, 10),
    ],
)
def test_claims_to_come_are_played_through(jobs, slots, seconds):
    assert seconds_left(jobs, TEN, slots) == pytest.approx(seconds)


def test_kinds_take_their_own_time_and_an_unknown_kind_the_mean_of_all():
    jobs = [job("A"), job("B", kind="agent"), job("C", kind="sql")]
    assert seconds_left(jobs, {"shell": 10, "agent": 100}, 1) == 165


def test_nothing_is_guessed_before_anything_was_measured():
    assert seconds_left([job("A")], {}, 1) is None


def test_an_urgent_long_one_that_goes_first_shortens_the_whole():
    jobs = [job("A", kind="agent", rank=1, position=9), *(job(f"S{n}", position=n) for n in range(4))]
    assert seconds_left(jobs, {"agent": 40, "shell": 10}, 2) == 40
    late = [job("A", kind="agent", rank=4, position=9), *(job(f"S{n}", position=n) for n in range(4))]
    assert seconds_left(late, {"agent": 40, "shell": 10}, 2) == 60


@given(st.integers(1, 30), st.integers(1, 8), st.integers(0, 2**32))
def test_no_estimate_is_below_the_longest_chain_or_the_work_shared_by_all_slots(tasks, slots, seed):
    dice = random.Random(seed)
    needs = [{dice.randrange(place) for _ in range(dice.randrange(3))} if place else set() for place in range(tasks)]
    jobs = [job(f"T{place}", *(f"T{one}" for one in needs[place]), position=place) for place in range(tasks)]
    depth = []
    for place in range(tasks):
        depth.append(1 + max((depth[one] for one in needs[place]), default=0))
    left = seconds_left(jobs, TEN, slots)
    assert max(10 * max(depth), 10 * tasks / slots) <= left + 1e-6 <= 10 * tasks + 1


def test_ten_thousand_tasks_are_estimated_in_a_moment():
    jobs = [job(f"T{n}", *([f"T{n - 10}"] if n >= 10 else []), position=n) for n in range(10_000)]
    began = time.process_time()
    assert seconds_left(jobs, TEN, 4) == 25_000
    assert time.process_time() - began < 0.5
