from __future__ import annotations

import loader
from executor import order
from tests import make


def ordered(text):
    found = order.of(loader.parse(text.encode()))
    return [[task.task_id for task in wave] for wave in found.waves], [task.task_id for task in found.critical]


def test_what_waits_for_nothing_is_the_first_wave_most_urgent_first():
    text = make.document(make.task(id="T1"), make.task(id="T2", priority="P1"), make.task(id="T3", depends_on=["T1"]))
    assert ordered(text) == ([["T2", "T1"], ["T3"]], ["T1", "T3"])


def test_the_longest_chain_goes_through_a_diamond():
    text = make.document(
        make.task(id="T1"),
        make.task(id="T2", depends_on=["T1"]),
        make.task(id="T3", depends_on=["T2"]),
        make.task(id="T4", depends_on=["T1", "T3"]),
    )
    assert ordered(text) == ([["T1"], ["T2"], ["T3"], ["T4"]], ["T1", "T2", "T3", "T4"])


def test_what_is_done_is_out_of_the_way():
    text = make.chain("T1", "T2", "T3").replace("[ ] **T1**", "[x] **T1**")
    assert ordered(text) == ([["T2"], ["T3"]], ["T2", "T3"])


def test_a_list_with_nothing_to_do_has_no_order():
    assert ordered(make.document(make.task(mark="x"))) == ([], [])


def test_thousands_in_a_row_need_no_recursion():
    ids = [f"T{n}" for n in range(3000)]
    waves, critical = ordered(make.chain(*ids))
    assert len(waves) == 3000
    assert critical == ids


def test_what_was_not_chosen_holds_up_what_waits_for_it():
    text = make.document(
        make.task(id="T1"),
        make.task(id="T2", depends_on=["T1"]),
        make.task(id="T3", depends_on=["T2"]),
        make.task(id="T4"),
        make.task(id="T5", depends_on=["T4"]),
    )
    found = order.of(loader.parse(text.encode()), chosen={"T2", "T3", "T4", "T5"})
    assert [[task.task_id for task in wave] for wave in found.waves] == [["T4"], ["T5"]]
    assert [task.task_id for task in found.held_up] == ["T2", "T3"]
    assert [task.task_id for task in found.critical] == ["T4", "T5"]


def test_a_parent_is_done_with_its_children_chosen_or_not():
    inner = make.task("Inner", None, id="T2", children=[make.task(id="T3")])
    text = make.document(
        make.task("Outer", None, id="T1", children=[inner]),
        make.task("Other", None, id="T4", children=[make.task(id="T5"), make.task(id="T6")]),
    )
    found = order.of(loader.parse(text.encode()), chosen={"T3", "T5"})
    assert [[task.task_id for task in wave] for wave in found.waves] == [["T3", "T5"], ["T2"], ["T1"]]
    assert found.held_up == (), "nobody asked for the other parent"


def test_all_of_a_list_is_held_up_by_nothing():
    assert order.of(loader.parse(make.chain("T1", "T2").encode())).held_up == ()
