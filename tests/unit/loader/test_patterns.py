"""Patterns that are compiled late say what those compiled at once say, whoever asks first."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

from loader import patterns

TEXT = "a1 b22, c333"


def test_a_late_pattern_answers_as_one_compiled_at_once() -> None:
    late, soon = patterns.lazy(r"([A-Z])(\d+)", re.IGNORECASE), re.compile(r"([A-Z])(\d+)", re.IGNORECASE)
    for _ in range(2):  # the first use, and a later one
        assert (late.pattern, late.flags, late.groups) == (soon.pattern, soon.flags, soon.groups)
        assert late.findall(TEXT) == soon.findall(TEXT)
        assert late.split(TEXT) == soon.split(TEXT)
        assert late.sub(r"\2\1", TEXT) == soon.sub(r"\2\1", TEXT)
        assert late.subn("", TEXT, count=1) == soon.subn("", TEXT, count=1)
        assert [found.span() for found in late.finditer(TEXT, 3)] == [found.span() for found in soon.finditer(TEXT, 3)]
        for asked, known in ((late.search, soon.search), (late.match, soon.match), (late.fullmatch, soon.fullmatch)):
            assert str(asked(TEXT)) == str(known(TEXT))


def test_threads_that_use_a_pattern_for_the_first_time_at_once_get_the_same_answer() -> None:
    together = threading.Barrier(8)

    def ask(late: re.Pattern[bytes]) -> list[bytes]:
        together.wait(10)
        return late.findall(b"sk-abc sk-def") + late.sub(b"*", b"sk-abc").split()

    with ThreadPoolExecutor(8) as threads:
        for number in range(50):  # another text each time, for `re` remembers those it has compiled
            late = patterns.lazy(rb"sk-(?:[a-z]{2}|x{%d})[a-z]" % number)
            answers = list(threads.map(ask, [late] * 8))
            assert answers == [[b"sk-abc", b"sk-def", b"*"]] * 8
