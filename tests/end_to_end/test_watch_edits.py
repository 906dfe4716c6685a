"""Random edits of a big file under `watch` while it runs: the queue ends as the file, and nothing done is done again.

CHAOS=long makes a thousand edits (`make chaos`); CHAOS_SEED repeats them as far as chance allows.
"""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections import Counter

import psycopg
import pytest
from test_watch import by_moving_away, by_rename, in_pieces, in_place, twice

import loader
from executor import sync
from executor.queue import lists, plans
from tests import make

_LONG = os.environ.get("CHAOS") == "long"
_EDITS = 1000 if _LONG else 100
_TASKS = 500
_SECONDS = 240.0
_SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(1 << 30))
_STYLES = ((by_rename, 45), (in_place, 45), (twice, 5), (by_moving_away, 4), (in_pieces, 1))
_A_PERSON_TAKES = 0.8  # less than the second in which a save that overtakes a tick is seen as one (decision 16)
_ITEM = re.compile(r"- \[(?P<mark>.)\] \*\*(?P<id>\w+)\*\*")


class Editor:
    """Somebody who reads the file, changes one thing and saves, again and again."""

    def __init__(self, desk, chance: random.Random) -> None:
        self.desk = desk
        self.chance = chance
        self.unticked: Counter[str] = Counter()
        self.emptied: set[str] = set()  # by the edit at hand, and counted already
        self.fresh = 0
        self.broke = False

    def edit(self) -> None:
        path = self.desk.folder / "tasks.md"
        read_at = time.monotonic()
        head, *before = re.split(r"^(?=- \[)", path.read_bytes().decode(), flags=re.M)
        items = [one for one in before if "NO-1" not in one]
        at = self.chance.randrange(len(items))
        kinds = (self._add, self._remove, self._reword, self._move, self._rank, self._flip, self._break)
        self.broke = False
        self.chance.choices(kinds, (3, 2, 4, 3, 3, 3, 1))[0](items, at)
        if items == before:
            return  # nobody saves that; and one that only empties boxes would mean it
        save = self.chance.choices([style for style, _ in _STYLES], [weight for _, weight in _STYLES])[0]
        if save is in_pieces and not self.broke:
            save = in_place  # half a minute for a file of this size; test_watch has it
        overtaken = _ticked(path.read_text()) - _ticked("".join(items))
        save(path, (head + "".join(items)).encode())
        if time.monotonic() - read_at > _A_PERSON_TAKES:  # on a busy machine: these boxes are emptied by its word
            self.unticked.update(overtaken - self.emptied)
        self.emptied = set()

    def _add(self, items: list[str], at: int) -> None:
        self.fresh += 1
        items.insert(at, _task(f"N{self.fresh:04}", self.chance))

    def _remove(self, items: list[str], at: int) -> None:
        del items[at]

    def _reword(self, items: list[str], at: int) -> None:
        items[at] = re.sub(r"Do \w+", f"Do {self.chance.randrange(10**6)}", items[at], count=1)

    def _move(self, items: list[str], at: int) -> None:
        items.insert(self.chance.randrange(len(items)), items.pop(at))

    def _rank(self, items: list[str], at: int) -> None:
        items[at] = re.sub(r"\*\* (?:\[P\d\] )?", f"** [P{self.chance.randint(1, 4)}] ", items[at], count=1)

    def _flip(self, items: list[str], at: int) -> None:
        found = _ITEM.match(items[at])
        assert found is not None
        ticked = found["mark"] == "x"
        if ticked:
            self.unticked[found["id"]] += 1
            self.emptied.add(found["id"])
        items[at] = items[at].replace("- [x]" if ticked else "- [ ]", "- [ ]" if ticked else "- [x]", 1)

    def _break(self, items: list[str], at: int) -> None:
        self.broke = True
        items.insert(at, "- [ ] Broken (depends on NO-1)\n")


def _ticked(text: str) -> set[str]:
    return {found["id"] for found in _ITEM.finditer(text) if found["mark"] == "x"}


def _task(task_id: str, chance: random.Random) -> str:
    return make.task(
        "Do it", f"echo {task_id} >> ledger; sleep {chance.choice((0, 0, 0.1, 0.3))}", id=task_id, words="#tag"
    )


@pytest.mark.chaos
def test_after_random_edits_the_queue_is_what_the_file_says_and_nothing_ran_twice(desk):
    print(f"CHAOS_SEED={_SEED}")
    chance = random.Random(_SEED)
    path = desk.write(
        make.document(*(_task(f"T{number:04}", chance) for number in range(_TASKS)), keep_going=True, jobs=4)
    )
    watch = desk.start("watch")
    desk.until_there("ledger")
    editor = Editor(desk, chance)
    for _ in range(_EDITS):
        editor.edit()
        time.sleep(chance.choice((0.0, 0.02, 0.05, 0.1, 0.2)))
    path.write_text(
        "".join(part for part in re.split(r"^(?=- \[)", path.read_text(), flags=re.M) if "NO-1" not in part)
    )

    def is_over() -> bool:
        parsed = loader.parse(path.read_bytes())
        completed = {task_id for task_id, status in desk.statuses().items() if status == "completed"}
        return completed == {task.task_id for task in parsed.tasks} and "- [ ]" not in path.read_text()

    desk.until(is_over, "every task of the file is completed, and ticked in it", _SECONDS)
    parsed = loader.parse(path.read_bytes())
    with psycopg.connect(desk.database, autocommit=True) as connection:
        row = lists.find(connection, str(path))
        assert row is not None
        left = sync.plan(plans.known(connection, row.list_id), parsed)
    assert (left.summary(), left.changes, left.marks) == ({}, [], [])
    assert list(desk.statuses()) == [task.task_id for task in parsed.tasks]
    runs = Counter(desk.read("ledger").split())
    again = {one: number for one, number in runs.items() if number > 1 + editor.unticked[one]}
    assert again == {}, watch.said()
    watch.send(signal.SIGINT)
    assert watch.end().code == 130
