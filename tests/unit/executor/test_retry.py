from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from executor.retry import RetryPolicy

SECOND = timedelta(seconds=1)
policies = st.builds(
    RetryPolicy,
    retries=st.integers(0, 100),
    delay=st.timedeltas(timedelta(milliseconds=1), timedelta(minutes=1)),
    delay_max=st.timedeltas(timedelta(minutes=1), timedelta(hours=1)),
)


def test_a_task_without_retries_fails_at_once():
    assert RetryPolicy().wait(1) is None


def test_the_wait_doubles_up_to_its_bound():
    policy = RetryPolicy(retries=9, delay=SECOND, delay_max=10 * SECOND)
    assert [policy.wait(n) / SECOND for n in range(1, 7)] == [1, 2, 4, 8, 10, 10]
    assert policy.wait(9) == 10 * SECOND
    assert policy.wait(10) is None


@given(policies, st.integers(1, 100), st.floats(-1, 1))
def test_no_wait_is_negative_or_more_than_a_fifth_beyond_the_bound(policy, failures, jitter):
    wait = policy.wait(failures, jitter)
    assert (wait is None) == (failures > policy.retries)
    if wait is not None:
        assert timedelta() < wait <= policy.delay_max * 1.2


@given(policies, st.integers(1, 99))
def test_a_later_wait_is_never_shorter(policy, failures):
    now, then = policy.wait(failures), policy.wait(failures + 1)
    assert now is None or then is None or now <= then
