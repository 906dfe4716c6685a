"""A list drawn as text, Mermaid and DOT: what is shown, and that no title can break out of its place."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

import loader
from executor.cli.graphs import dot, mermaid, picture, text
from executor.cli.graphs.picture import Picture
from tests import make

HOSTILE = 'say "hi" <b>&amp; `run`</b> [x] {y} %%{init: {}}%% a\\b \\N #35; 1. one; -- |z|'


def drawn(source: str, **states: str) -> Picture:
    parsed = loader.parse(source.encode())
    assert not parsed.errors
    by_mark = {task.task_id: "completed" if task.mark == "x" else "queued" for task in parsed.tasks}
    return picture.of("tasks.md", parsed, by_mark | states, "queue")


def lines(source: str, **states: str) -> list[str]:
    return list(text.draw(drawn(source, **states)))


DIAMOND = make.document(
    make.task("Base", id="T1"),
    make.task("Left", id="T2", depends_on=["T1"]),
    make.task("Right", id="T3", depends_on=["T1"], priority="P1"),
    make.task("Top", id="T4", depends_on=["T2", "T3"]),
)


def test_text_shows_waves_edges_with_rule_and_line_and_the_longest_chain():
    assert lines(DIAMOND) == [
        "tasks.md: tasks 4, edges 4, waves 3; statuses of the queue",
        "",
        "1 * [ ] T1  P3  Base",
        "2 * [ ] T3  P1  Right  <- T1 (depends on, line 13)",
        "    [ ] T2  P3  Left  <- T1 (depends on, line 8)",
        "3 * [ ] T4  P3  Top  <- T2, T3 (depends on, line 18)",
        "",
        "* the longest chain of 3 tasks: T1 > T3 > T4",
    ]


def test_what_is_done_stays_in_the_picture_and_leaves_the_longest_chain():
    found = lines(DIAMOND, T1="completed", T2="running", T3="failed", T4="waiting")
    assert [line[2:9] for line in found[2:6]] == ["  [x] T", "* [!] T", "  [>] T", "* [?] T"]
    assert found[-1] == "  [>] running   [!] failed   [?] waits for a person"


def test_three_hundred_tasks_take_three_hundred_lines_of_a_width_to_read():
    parts = [make.task("A title " * 40, id="T1")]
    parts += [make.task("A title " * 40, id=f"T{n}", depends_on=[f"T{n - 1}"]) for n in range(2, 201)]
    parts += [make.task("Gather", id="T201", depends_on=[f"T{n}" for n in range(1, 201)])]
    parts += [make.task("A title", id=f"T{n}") for n in range(202, 301)]
    found = lines(make.document(*parts))
    assert len(found) < 300 + 10
    assert max(map(len, found)) < 130
    assert any("T1, T2, T3, T4, T5, T6 and 194 more (depends on" in line for line in found)


def test_a_parent_names_its_children_once():
    found = lines(make.document(make.task(id="T1", run=None, children=[make.task(id="T2"), make.task(id="T3")])))
    assert any(line.endswith("<- T2, T3 (parent)") for line in found)


def test_control_characters_of_a_title_reach_no_drawing():
    source = make.document(make.task("a \x1b[31m\u202e b", id="T1"))
    for draw in (text.draw, mermaid.draw, dot.draw):
        assert all(line.isprintable() for line in draw(drawn(source)))


def test_mermaid_knows_nodes_by_their_place_and_shows_status_rule_and_chain():
    chart = list(mermaid.draw(drawn(DIAMOND, T1="completed")))
    assert chart[:2] == ["flowchart TD", '  t1["T1<br>Base"]:::completed']
    assert "  t1 --> t2" in chart
    assert chart[chart.index("  t1 --> t2") + 1] == "  %% depends on, line 8"
    assert "  linkStyle 3 stroke-width:4px" in chart
    assert any(line.startswith("  classDef completed ") for line in chart)


def test_edges_that_nobody_wrote_are_broken_lines():
    nested = drawn(make.document(make.task(id="T1", run=None, children=[make.task(id="T2")])))
    assert "  t2 -.-> t1" in list(mermaid.draw(nested))
    assert any("t2 -> t1" in line and "style=dashed" in line for line in dot.draw(nested))


@given(st.text(max_size=60))
def test_a_label_of_mermaid_holds_any_text_and_nothing_but_text(title: str):
    label = mermaid.escaped(title)
    assert re.fullmatch(r"(?:[^\W_]|[ ,:()/._-]|#\d+;)*", label)
    assert re.sub(r"#(\d+);", lambda match: chr(int(match[1])), label) == text.plain(title, 80)
    assert not re.search(r"(?:^|\s)\d+\. |(?:^|\s)[-_]", label)


@given(st.text(max_size=60))
def test_a_string_of_dot_holds_any_text_and_ends_where_it_should(title: str):
    string = dot.quoted(title)
    assert re.fullmatch(r'"(?:[^"\\]|\\["\\])*"', string)
    plain = re.sub(r"\\(.)", r"\1", string[1:-1])
    assert "&" not in plain.replace("&amp;", "")
    assert html.unescape(plain) == text.plain(title, 80)


def test_a_hostile_title_stays_in_its_label():
    source = make.document(make.task(HOSTILE, id="T1"), make.task("b", id="T2", depends_on=["T1"]))
    chart, graph = "\n".join(mermaid.draw(drawn(source))), list(dot.draw(drawn(source)))
    assert "%%{" not in chart
    assert "`" not in chart
    assert "<b>" not in chart
    (node,) = (line for line in graph if line.startswith("  t1 ["))
    assert r"say \"hi\" <b>&amp;amp; `run`</b>" in node
    assert r"a\\b \\N" in node
