from __future__ import annotations

import pytest

from executor.watch import stillness
from executor.watch.stamp import Stamp
from executor.watch.stillness import breaks_off


def stamp(inode=1, size=10, changed=0):
    return Stamp((("", inode, size, changed),), changed)


def looks(*seen):
    """The sighting after looks at (seconds, stamp)."""
    (began, first), *rest = seen
    sighting = stillness.first(first, began, 0)
    for now, one in rest:
        sighting = sighting.again(one, now)
    return sighting


def test_a_file_may_be_read_a_tenth_of_a_second_after_its_last_change():
    sighting = looks((5.0, stamp(size=1)), (5.05, stamp(size=2)), (5.1, stamp(size=2)))
    assert not sighting.stood_still(5.14)
    assert sighting.stood_still(5.16)


def test_its_own_word_on_its_age_counts_for_a_part_of_that():
    sighting = stillness.first(stamp(changed=0), 5.0, 10**12)
    assert not sighting.stood_still(5.03)
    assert sighting.stood_still(5.05)
    assert not stillness.first(stamp(changed=10**12), 5.0, 0).stood_still(5.05), "stamped in the future"


def test_a_file_that_is_gone_may_come_back_in_a_moment():
    sighting = looks((5.0, stamp()), (5.1, None))
    assert not sighting.stood_still(5.5)
    assert sighting.stood_still(5.7)


def test_a_file_replaced_without_rest_is_read_in_a_brief_pause_but_one_written_in_place_is_not():
    replaced = looks(*((5.0 + at * 0.05, stamp(inode=at % 2)) for at in range(40)))
    written = looks(*((5.0 + at * 0.05, stamp(size=at)) for at in range(40)))
    assert replaced.stood_still(6.99)
    assert not written.stood_still(6.99)
    assert written.stood_still(7.06)


@pytest.mark.parametrize(
    ("content", "ended_lines", "answer"),
    [
        (b"", True, True),
        (b"", False, True),
        (b"- [ ] one\n", True, False),
        (b"- [ ] one\r", True, False),
        (b"- [ ] on", True, True),
        (b"- [ ] on", False, False),
        ({"a.md": b"one\n", "b.md": b"tw"}, True, True),
        ({"a.md": b"one\n"}, True, False),
        ({}, True, False),
    ],
)
def test_what_ends_in_mid_line_or_is_empty_looks_like_a_beginning(content, ended_lines, answer):
    assert breaks_off(content, ended_lines=ended_lines) is answer
    sighting = looks((5.0, stamp()))
    assert sighting.is_whole(content, 5.2, ended_lines=ended_lines) is not answer
    assert sighting.is_whole(content, 5.6, ended_lines=ended_lines)
