"""YAML in a list is read within bounds."""

from __future__ import annotations

import pytest

from loader import parse, yamltext

LAUGHS = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 12)]
)


@pytest.mark.parametrize(
    ("front", "problem"),
    [
        (LAUGHS + "\npriority: *a11", "its aliases stand for too much"),
        ("a: &a [*a]", "its aliases stand for too much"),
        ("a: " + "[" * 50_000, "it is nested too deeply"),
        ("- " * 30_000, "it is nested too deeply"),
        ("a: " + "x" * yamltext.SIZE_MAX, "it is longer than 64 KiB"),
    ],
    ids=["aliases", "itself", "brackets", "bullets", "long"],
)
def test_front_matter_that_would_take_too_much_is_an_error(front: str, problem: str) -> None:
    tasks = parse(f"---\n{front}\n---\n- [ ] a\n".encode())
    assert [task.title for task in tasks.tasks] == ["a"]
    assert [problem in error.message for error in tasks.errors] == [True]


def test_a_yaml_fence_that_would_take_too_much_is_no_task() -> None:
    tasks = parse(f"```yaml\nid: a\n{LAUGHS}\ntitle: *a11\n```\n".encode() * 2)
    assert tasks.tasks == ()


def test_an_alias_is_read_as_what_it_stands_for() -> None:
    tasks = parse(b"---\nwait: &wait 10m\nexecutor: {timeout: *wait}\n---\n- [ ] a\n")
    assert str(tasks.settings["timeout"]) == "0:10:00"


@pytest.mark.parametrize("text", ["a: 1", "[1, 2]", "", "a: {b: [c, 2001-01-01]}", "a: 'ä 😀'", "<<: {a: 1}\nb: 0o17"])
def test_both_parsers_of_yaml_give_the_same(text: str) -> None:
    deep = text + "\n" + "".join(f"#{opening}" for opening in ["["] * 200)
    assert yamltext.load(text)[0] == yamltext.load(deep)[0]
