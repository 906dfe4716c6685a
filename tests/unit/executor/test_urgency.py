"""What goes first: urgency that passes on to what is waited for."""

from __future__ import annotations

import time
from random import Random

from hypothesis import given
from hypothesis import strategies as st

import loader
from executor import order, urgency
from loader.model import Edge, MarkPlace, Status, Task, TaskList
from tests.benchmarks import graph


def parse(text: str) -> TaskList:
    return loader.parse(text.encode())


def ranks(tasks: TaskList) -> dict[str, int]:
    lent = urgency.of(tasks)
    todo = [task for task in tasks.tasks if task.status is not Status.COMPLETED]
    return {task.task_id: lent[task.task_id].rank if task.task_id in lent else task.rank for task in todo}


def large(count: int, edges: int) -> TaskList:
    """Tasks in random priorities, each edge from a task to one before it."""
    random = Random(7)
    place = MarkPlace(0, 1)
    tasks = tuple(
        Task(
            task_id=f"T{number}",
            title="",
            body="",
            priority="P3",
            priority_raw="",
            rank=random.randrange(5),
            section=(),
            dependencies=(),
            mark=" ",
            status=Status.PENDING,
            lines=(number + 1, number + 1),
            position=number + 1,
            fingerprint="",
            mark_place=place,
        )
        for number in range(count)
    )
    made = []
    for _ in range(edges):
        later = random.randrange(1, count)
        made.append(Edge(f"T{later}", f"T{random.randrange(later)}", "after", later))
    return TaskList("", "", "plain", {}, tasks, tuple(made), (), "")


def test_what_blocks_an_urgent_task_is_as_urgent() -> None:
    tasks = parse(
        "- [ ] T001 [P4] base\n- [ ] T002 [P3] half (depends on T001)\n"
        "- [ ] T003 [P1] urgent (depends on T002)\n- [ ] T004 [P2] other\n"
    )
    assert ranks(tasks) == {"T001": 1, "T002": 1, "T003": 1, "T004": 2}


def test_who_lends_the_urgency_is_known() -> None:
    tasks = parse(
        "- [ ] T001 [P4] base\n- [ ] T002 [P1] first (depends on T001)\n"
        "- [ ] T003 [P1] second (depends on T001, T002)\n"
    )
    lenders = {task_id: urgent.lender for task_id, urgent in urgency.of(tasks).items()}
    assert lenders == {"T001": "T002"}


def test_what_is_done_makes_nothing_urgent() -> None:
    tasks = parse("- [ ] T001 [P4] base\n- [x] T002 [P1] urgent (depends on T001)\n")
    assert ranks(tasks) == {"T001": 4}


def test_an_urgent_task_makes_nothing_urgent_that_waits_for_it() -> None:
    tasks = parse("- [ ] T001 [P0] base\n- [ ] T002 [P4] later (depends on T001)\n")
    assert ranks(tasks) == {"T001": 0, "T002": 4}


def test_all_of_a_circle_are_as_urgent_as_the_most_urgent_of_it() -> None:
    tasks = parse("- [ ] T001 [P1] a (depends on T002)\n- [ ] T002 [P4] b (depends on T001)\n- [ ] T003 c\n")
    assert ranks(tasks) == {"T001": 1, "T002": 1, "T003": 3}


def test_urgency_never_lets_a_task_go_after_one_that_waits_for_it() -> None:
    tasks = large(2_000, 4_000)
    found = ranks(tasks)
    assert all(found[edge.depends_on] <= found[edge.task_id] for edge in tasks.edges)
    assert all(found[task.task_id] <= task.rank for task in tasks.tasks)


@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=40), st.data())
def test_a_task_is_as_urgent_as_the_most_urgent_it_holds_up(
    count: int, pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    own = data.draw(st.lists(st.integers(0, 4), min_size=count, max_size=count))
    edges = [(waits % count, needed % count) for waits, needed in pairs]
    lenders = urgency.inherited(own, [[needed for waits, needed in edges if waits == place] for place in range(count)])
    for place in range(count):
        held_up, ahead = {place}, [place]
        while ahead:
            at = ahead.pop()
            further = {waits for waits, needed in edges if needed == at} - held_up
            held_up |= further
            ahead += further
        assert own[lenders[place]] == min(own[one] for one in held_up)
        assert lenders[place] in held_up
        assert lenders[place] == place or own[lenders[place]] < own[place]


def test_a_hundred_thousand_tasks_are_ordered_in_two_seconds() -> None:
    tasks = large(100_000, 200_000)
    began = time.process_time()
    ordered = order.of(tasks)
    assert time.process_time() - began < 2
    assert sum(map(len, ordered.waves)) == 100_000
    assert len(ordered.urgencies) > 10_000


def test_the_whole_graph_of_a_large_list_takes_seconds_also_on_a_busy_machine() -> None:
    costs = graph.measured()
    assert costs.whole < 3 * graph.SECONDS_MAX, costs.steps
