"""The comparison of a file with a queue, without either."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

import loader
from executor import sync
from executor.model import Known
from executor.sync import SyncPlan
from tests import make

ONE, TWO = make.task("Write it", "echo 1", id="T1"), make.task("Read it", "echo 2", id="T2")


def parsed(*parts, **settings):
    found = loader.parse(make.document(*parts, **settings).encode())
    assert not found.errors
    return found


def known(*parts, **changes):
    """What the queue would hold of a list after its first sync."""
    rows = []
    for number, row in enumerate(sync.plan([], parsed(*parts)).adds, 1):
        kept = {name: value for name, value in row.items() if name != "spec"}
        facts = {"removed": False, "met": row["status"] == "completed", "explicit_id": row["spec"]["explicit_id"]}
        rows.append(Known(queue_id=number, **facts, **kept))
    return [replace(row, **changes) for row in rows]


def test_a_new_list_is_all_additions():
    plan = sync.plan([], parsed(ONE, TWO))
    assert [row["task_id"] for row in plan.adds] == ["T1", "T2"]
    assert plan.summary() == {"added": 2}
    assert plan.restored == 0


def test_ticked_boxes_of_a_list_that_nobody_knows_are_restored():
    plan = sync.plan([], parsed(ONE.replace("[ ]", "[x]"), TWO))
    assert plan.restored == 1
    assert [row["status"] for row in plan.adds] == ["completed", "queued"]


def test_what_is_known_already_changes_nothing():
    plan = sync.plan(known(ONE, TWO), parsed(ONE, TWO))
    assert plan.summary() == {}
    assert plan == SyncPlan()


def test_an_id_that_is_shown_now_is_a_change_of_its_own():
    unnamed = "- [ ] Write it\n"
    key = parsed(unnamed).tasks[0].task_id
    (change,) = sync.plan(known(unnamed), parsed(f"- [ ] Write it <!-- id: {key} -->\n")).changes
    assert change["what"] == ["explicit_id"]
    assert change["spec"]["explicit_id"]


@pytest.mark.parametrize(
    ("part", "what"),
    [
        (ONE.replace("Write it", "Write it all"), {"title", "fingerprint"}),
        (ONE.replace("**T1**", "**T1** [P1]"), {"priority", "own_rank", "rank"}),
        (ONE.replace("echo 1", "echo one"), {"fingerprint"}),
        ("## Later\n\n" + ONE, {"section"}),
        (ONE.replace("Write it", "Write it @ann"), {"assignee"}),
        (ONE.replace("Write it", "Write it #fast"), {"tags"}),
    ],
)
def test_a_change_names_the_columns_that_differ(part, what):
    plan = sync.plan(known(ONE), parsed(part))
    assert [set(change["what"]) for change in plan.changes] == [what]


def test_tasks_are_renamed_removed_and_returned():
    old = known(make.task("Write the book", "echo 1"), make.task("Read it", "echo 2"))
    plan = sync.plan(old, parsed(make.task("Write the books", "echo 1")))
    assert len(plan.renames) == 1
    assert plan.removes == [2]
    plan = sync.plan(known(ONE, removed=True), parsed(ONE))
    assert (plan.returned, plan.summary()) == (1, {"changed": 1, "returned": 1})


def test_a_new_id_is_a_new_task_whatever_was_removed_before():
    again = parsed(ONE.replace("T1", "T9"))
    assert sync.plan(known(ONE, removed=True, status="failed"), again).summary() == {"added": 1}
    assert sync.plan(known(ONE, status="failed"), again).renames == [("T1", "T9")], "in one save it is another name"


@pytest.mark.parametrize(
    ("status", "base", "shown", "list_of"),
    [
        ("queued", "pending", "x", "completes"),
        ("failed", "pending", "x", "completes"),
        ("skipped", "pending", "x", "completes"),
        ("completed", "pending", "x", None),
        ("running", "pending", "x", None),
        ("completed", "completed", " ", "unticked"),
        ("failed", "completed", " ", "unticked"),
        ("running", "completed", " ", None),
        ("queued", "completed", " ", None),
        ("completed", "pending", " ", None),
        ("queued", "completed", "x", None),
    ],
)
def test_a_mark_that_differs_from_its_base_is_a_persons_word(status, base, shown, list_of):
    plan = sync.plan(known(ONE, status=status, mark=base), parsed(ONE.replace("[ ]", f"[{shown}]")))
    moved = {name for name in ("completes", "skips", "unticked", "edited") if getattr(plan, name)}
    assert moved == ({list_of} if list_of else set())
    assert bool(plan.marks) == (base != ("completed" if shown == "x" else "pending"))


@pytest.mark.parametrize(
    ("status", "rerun", "again"),
    [
        ("failed", False, True),
        ("skipped", False, True),
        ("completed", False, False),
        ("completed", True, True),
        ("queued", True, False),
        ("running", True, False),
    ],
)
def test_an_edited_task_is_queued_again_where_that_is_meant(status, rerun, again):
    plan = sync.plan(known(ONE, status=status), parsed(ONE.replace("echo 1", "echo 3")), rerun_changed=rerun)
    assert bool(plan.edited) == again


@pytest.mark.parametrize(
    ("part", "wished", "runner", "hold"),
    [
        (ONE, None, "shell", None),
        (ONE, "manual", "manual", "person"),
        (make.task("Ask", None), None, "manual", "person"),
        (make.task("Ask", None, verify="true"), None, "manual", "person"),
        (make.task(settings={"runner": "manual"}), "shell", "manual", "person"),
        (make.task(run="SELECT 1", language="sql"), None, "sql", None),
        (make.task("Expand", None, settings={"migrate": "sql/"}), None, "migrate", None),
        (make.task("Expand", None, settings={"migrate": "sql/"}), "manual", "manual", "person"),
        (make.task(settings={"gate": "approval"}), None, "shell", "person"),
        (make.task(mark="!"), None, "shell", "blocked"),
    ],
)
def test_who_carries_a_task_out_and_what_holds_it(part, wished, runner, hold):
    (row,) = sync.plan([], parsed(part), runner=wished).adds
    assert (row["runner"], row["hold"]) == (runner, hold)


def test_a_parent_is_a_container():
    rows = sync.plan([], parsed(make.task("Both", None, children=[ONE, TWO]))).adds
    assert [row["runner"] for row in rows] == ["container", "shell", "shell"]


def ticked_a_moment_ago(*saved, just_marked=(frozenset({"T1"}),)):
    """What a save means when T1 was ticked by us just before, and T2 long ago."""
    done = [ONE.replace("[ ]", "[x]"), TWO.replace("[ ]", "[x]"), make.task(id="T3")]
    return sync.plan(known(*done), parsed(*saved), just_marked=just_marked)


def test_a_save_that_overtakes_our_tick_beside_other_changes_leaves_the_task_completed():
    plan = ticked_a_moment_ago(ONE, TWO.replace("[ ]", "[x]"), make.task("Changed", id="T3"))
    assert (plan.unticked, plan.overtaken) == ([], ["T1"])
    assert plan.marks == [("T1", "pending")], "the base is what the file shows, so that the tick is due again"
    moved = ticked_a_moment_ago(ONE, make.task(id="T3"), TWO.replace("[ ]", "[x]"))
    assert (moved.unticked, moved.overtaken) == ([], ["T1"]), "another order is a change, if not one to tell"
    both = ticked_a_moment_ago(ONE, TWO, make.task(id="T3"))
    assert (both.unticked, both.overtaken) == ([2], ["T1"]), "an older tick is taken back all the same"


def test_a_box_that_is_all_a_save_empties_is_meant():
    plan = ticked_a_moment_ago(ONE, TWO.replace("[ ]", "[x]"), make.task(id="T3"))
    assert (plan.unticked, plan.overtaken) == ([1], [])


def test_a_save_that_shows_half_of_our_last_ticks_knows_of_all_of_them():
    saved = (ONE, TWO.replace("[ ]", "[x]"), make.task("Changed", id="T3"))
    assert ticked_a_moment_ago(*saved, just_marked=[frozenset({"T1", "T2"})]).unticked == [1]
    assert ticked_a_moment_ago(*saved, just_marked=()).unticked == [1]


def test_a_save_that_overtakes_our_ticks_may_have_ticked_one_of_them_itself():
    before = [make.task(id=one).replace("[ ]", "[x]") for one in ("T1", "T2", "T3")]
    saved = parsed(make.task(id="T1"), make.task(id="T2"), before[2], make.task(id="T4"))
    plan = sync.plan(known(*before), saved, just_marked=[frozenset({"T1", "T2", "T3"})])
    assert (plan.unticked, plan.overtaken) == ([], ["T1", "T2"])


def test_of_two_writes_a_save_may_overtake_one():
    before = [make.task(id=one).replace("[ ]", "[x]") for one in ("T1", "T2", "T3")]
    saved = parsed(make.task(id="T1"), make.task(id="T2"), before[2], make.task(id="T4"))
    plan = sync.plan(known(*before), saved, just_marked=[frozenset({"T1"}), frozenset({"T3"})])
    assert (plan.unticked, plan.overtaken) == ([2], ["T1"]), "nobody ticked T2 lately: that is a person's word"


def test_what_a_run_needs_is_plain_json_without_places():
    text = make.task(id="T1", settings={"timeout": "1m", "retry_delay": "500ms", "env": "A=1"})
    (task,) = parsed(text.replace("```sh", "```sh {timeout=2s dir=sub}")).tasks
    spec = sync.spec_of(task)
    assert spec["settings"] == {"timeout": 60.0, "retry_delay": 0.5, "env": {"A": "1"}}
    assert spec["blocks"] == [
        {"language": "sh", "role": "run", "attributes": {"timeout": 2.0, "dir": "sub"}, "content": "true\n"}
    ]


def test_settings_of_a_list_are_plain_too():
    assert sync.plain({"timeout": timedelta(minutes=1), "jobs": 4}) == {"timeout": 60.0, "jobs": 4}


def test_languages_without_a_command_are_found_with_their_lines():
    found = parsed(make.task(run="x", language="tally run", id="T1"))
    assert [(task.task_id, language, line) for task, language, line in sync.unknown_languages(found.tasks, {"sh"})] == [
        ("T1", "tally", 4)
    ]


def test_a_persons_priority_stands_until_the_files_own_changes():
    spoken = [replace(row, priority="P1", own_rank=1, rank=1, file_rank=3) for row in known(ONE)]
    assert sync.plan(spoken, parsed(ONE)).changes == []
    (edited,) = sync.plan(spoken, parsed(ONE.replace("echo 1", "echo one"))).changes
    assert (edited["priority"], edited["own_rank"], edited["file_rank"]) == ("P1", 1, 3)
    (changed,) = sync.plan(spoken, parsed(ONE.replace("**T1**", "**T1** [P2]"))).changes
    assert (changed["priority"], changed["own_rank"], changed["rank"], changed["file_rank"]) == ("P2", 2, 2, None)


def test_a_persons_priority_is_lent_to_what_the_task_waits_for():
    one, two = ONE, make.task("Read it", "echo 2", id="T2", depends_on=["T1"])
    spoken = [
        replace(row, priority="P1", own_rank=1, rank=1, file_rank=3) if row.task_id == "T2" else row
        for row in known(one, two)
    ]
    (lent,) = sync.plan(spoken, parsed(one, two)).changes
    assert (lent["task_id"], lent["priority"], lent["rank"]) == ("T1", "P3", 1)
