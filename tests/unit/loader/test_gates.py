"""When a person is asked, and who, as a setting says it."""

from __future__ import annotations

import pytest

from loader.settings import OF_TASK


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("human", "approval"),
        ("yes", "approval"),
        ("approval", "approval"),
        ("human before", "approval"),
        ("human after", "review"),
        ("After", "review"),
        ("review @Ann", "review @Ann"),
        ("@ops", "approval @ops"),
        ("human, before and after, @ops", "approval review @ops"),
        ("both", "approval review"),
        (True, "approval"),
    ],
)
def test_a_gate_is_read(text, read):
    assert OF_TASK["gate"].read(text) == read


@pytest.mark.parametrize("text", ["aftr", "no", "none", "@ann @bob", "@"])
def test_a_gate_that_says_nothing_we_know_is_refused(text):
    with pytest.raises(ValueError, match="human, with before, after or both"):
        OF_TASK["gate"].read(text)
