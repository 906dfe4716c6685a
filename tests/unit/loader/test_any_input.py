"""Whatever the bytes: no exception, no lost box, marks that change nothing but themselves (`tests/invariants.py`)."""

from __future__ import annotations

import gc
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import loader
from tests import invariants

CASES = Path(__file__).parents[1] / "cases"
NAMES = {"prd-json": "prd.json", "task-master": "tasks.json", "todo-txt": "todo.txt"}
FENCED = re.compile(r"^`{5}\w*(?: (?P<how>[^\n]+))?\n(?P<source>.*?)^`{5}$", re.MULTILINE | re.DOTALL)
PIECES = [
    "- [ ] ",
    "- [x] ",
    "* [~] ",
    "1. [ ] ",
    "  ",
    "    ",
    "\t",
    "> ",
    "# ",
    "### Task 1: ",
    "---",
    "```",
    "```sh",
    "```yaml",
    "~~~",
    "<!--",
    "-->",
    "<div>",
    " T001 ",
    "**",
    "`",
    "[",
    "]",
    "x",
    "\n(depends on T001)",
    "_Requirements: 1_",
    "✅ ",
    "🆔 a",
    "[P] ",
    "timeout: 5m",
    "id: a",
    "status: todo",
    "`[x]` done ",
    "- ",
    "\r",
    "\ufeff",
    "1.2 ",
]
PIECES += ["\n"] * 12 + ["|", "| id | status |\n|---|---|\n| 1 | done |\n"]


def sources() -> Iterator[tuple[str, bytes]]:
    """The lists of the cases, with the names they are read under."""
    for path in sorted(CASES.glob("*.md")):
        for match in FENCED.finditer(path.read_text()):
            if not match["source"].startswith("dialect "):
                yield NAMES.get(path.stem, "tasks.md"), match["source"].encode()


LISTS = list(sources())


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.randoms(use_true_random=False))
def test_any_text_is_read_and_written_whole(text: str, choose: random.Random) -> None:
    source = text.encode()
    tasks = invariants.read(source)
    invariants.check_write_back(source, "tasks.md", tasks, invariants.chosen(tasks, choose.randrange))


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["tasks.md", "prd.json", "tasks.json", "todo.txt"]))
def test_any_bytes_are_read(source: bytes, name: str) -> None:
    invariants.read(source, name)


@pytest.mark.parametrize("seed", range(5))
def test_any_marks_of_every_carrier_are_written_and_read_again(seed: int) -> None:
    choose = random.Random(seed)
    carriers = set()
    for name, source in LISTS:
        tasks = invariants.read(source, name)
        invariants.check_write_back(source, name, tasks, invariants.chosen(tasks, choose.randrange))
        carriers.update(task.carrier for task in tasks.tasks)
    assert carriers == {"checkbox", "table", "heading", "yaml", "file", "json", "todo.txt"}


@pytest.mark.parametrize("seed", range(5))
def test_lists_whose_lines_are_shuffled_are_read_and_written_whole(seed: int) -> None:
    choose = random.Random(seed)
    lines = [line for name, source in LISTS if name == "tasks.md" for line in source.split(b"\n")]
    for _ in range(100):
        source = b"\n".join(choose.choices(lines, k=choose.randrange(40)))
        tasks = invariants.read(source)
        invariants.check_write_back(source, "tasks.md", tasks, invariants.chosen(tasks, choose.randrange))


def test_a_bad_value_made_of_bullets_is_told_at_its_key() -> None:
    tasks = invariants.read(b"- [ ] a\n  - timeout:\n    - soon\n    - later\n")
    assert [(error.line, error.column) for error in tasks.errors] == [(2, 1)]


SHAPES = {
    "quotes": lambda size: "> " * size + "x\n",
    "lines that go on in quotes": lambda size: "> " * 50 + "x\n" + "a\n" * size,
    "lists in a line": lambda size: "- " * size + "x\n",
    "lines of lists": lambda size: ("- " * 80 + "x\n") * (size // 80),
    "back-ticks": lambda size: "- [ ] " + "` " * size,
    "brackets": lambda size: "- [ ] " + "[" * size,
    "parentheses": lambda size: "- [ ] " + "(depends on " * size,
    "blanks in a heading": lambda size: "## a" + " " * size + "b\n- [ ] x\n",
    "blanks in a task": lambda size: "- [ ] a" + " " * size + "b",
    "tabs": lambda size: "- [ ] a\n  " + "\t" * size + "x: y\n",
    "rows": lambda size: "|id|title|\n|-|-|\n" + "|1|b|\n" * size,
    "tags of HTML": lambda size: "<a " + "b " * size + "\n",
    "fences": lambda size: "- [ ] a\n  ```sh\n" * size,
    "same titles": lambda size: "- [ ] same\n" * size,
    "one parent": lambda size: "- [ ] p\n" + "  - [ ] c\n" * size,
    "circle": lambda size: "".join(f"- [ ] T{i:05} a (depends on T{(i + 1) % size:05})\n" for i in range(size)),
    "unknown names": lambda size: "".join(f"- [ ] T{i:05} a (depends on X{i})\n" for i in range(size)),
    "front matter": lambda size: "---\n" + "a: [" * size + "\n---\n- [ ] a\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_no_shape_takes_more_than_its_size(shape: str) -> None:
    def cost(size: int) -> float:
        source = SHAPES[shape](size).encode()
        best = float("inf")
        for _ in range(2):
            begun = time.process_time()
            loader.parse(source)
            best = min(best, time.process_time() - begun)
        return best

    small, large = cost(1_000), cost(8_000)
    assert large < max(0.4, 24 * small), f"{small:.3f} s, and {large:.3f} s for eight times as much"


def test_reading_a_list_loads_no_database_no_command_line_and_no_executor() -> None:
    code = """if True:
        import sys
        import loader
        loader.parse(b"---\\nexecutor: {jobs: 2}\\n---\\n- [ ] a\\n\\n| ID | Status |\\n|--|--|\\n| W-1 | done |\\n")
        loader.parse(b"[]", name="tasks.json")
        loader.parse_folder({"a.md": b"---\\nid: 1\\nstatus: x\\n---\\n"})
        print(*sorted({name.partition(".")[0] for name in sys.modules}))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"loader", "markdown_it"} <= loaded
    assert not loaded & {"executor", "sql", "psycopg", "psycopg_pool", "typer", "rich", "pydantic", "click"}


def test_reading_leaves_no_circles_for_the_collector_it_holds_off() -> None:
    for name, source in LISTS:
        loader.parse(source, name=name)
    gc.collect()
    gc.disable()
    try:
        for name, source in LISTS:
            loader.parse(source, name=name)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_list_without_yaml_does_not_load_its_parser() -> None:
    code = "import sys, loader; loader.parse(b'- [ ] a\\n'); print('yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
