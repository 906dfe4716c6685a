"""A fuzzer for the loader: any bytes, under any name, in any dialect; what `tests/invariants.py` says must hold.

`make fuzz` runs it for half an hour, or for FUZZ_SECONDS. It begins with the lists of `tests/unit/cases` and changes
them by lines, as people do, and by bytes, as accidents do. What breaks it is left in `.fuzz/crash-*`; to see it again:
`python -m tests.fuzz.loader .fuzz/crash-...`
"""

from __future__ import annotations

import os
import random
import re
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["loader"]):
    import loader.folders
    import loader.reading  # noqa: F401 - what parsing imports late is instrumented too

from tests import invariants

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / ".fuzz"
SECONDS_MAX = 10  # for one input, before it counts as one that hangs
LENGTH_MAX = 20_000
NAMES = ("tasks.md", "tasks.md", "tasks.md", "tasks.md", "prd.json", "tasks.json", "todo.txt", "back-1 - a.md")
DIALECTS = (None, None, None, None, "native", "kiro", "spec-kit", "spec-workflow", "cc-sdd", "obsidian", "openspec")
PIECES = (
    *(
        "- [ ] ",
        "- [x] ",
        "* [~] ",
        "1. [ ] ",
        "  ",
        "\t",
        "> ",
        "# ",
        "### Task 1: ",
        "## Group A: ",
        "---\n",
        "```\n",
    ),
    *("```sh verify\n", "```yaml\n", "~~~\n", "<!--", "-->", "<div>", "| ", "|---|---|\n", "| id | status |\n", "\r\n"),
    *(
        "\r",
        "\ufeff",
        "[",
        "]",
        "**",
        "`",
        "T001 ",
        "1.2 ",
        "(depends on T001)",
        "_Requirements: 1_",
        "✅ ",
        "🆔 a ",
        "⛔ a",
    ),
    *("[P] ", "[US1] ", "#tag", "@name", "timeout: 5m\n", "depends on:\n", "id: a\n", "status: todo\n", "`[x]` done "),
)
_FENCED = re.compile(r"^`{5}\w*(?: [^\n]+)?\n(.*?)^`{5}$", re.MULTILINE | re.DOTALL)


def test_one(data: bytes) -> None:
    """Two bytes choose the name and the dialect, the rest is the file."""
    if len(data) < 2:
        return
    name, dialect, source = NAMES[data[0] % len(NAMES)], DIALECTS[data[1] % len(DIALECTS)], data[2:]
    tasks = invariants.read(source, name, dialect)
    if tasks.tasks:
        choose = random.Random(len(source)).randrange
        invariants.check_write_back(source, name, tasks, invariants.chosen(tasks, choose))


def mutate(data: bytes, length_max: int, seed: int) -> bytes:
    """Change a line, as often as libFuzzer changes bytes."""
    choose = random.Random(seed)
    if choose.random() < 0.4:
        return atheris.Mutate(data, length_max)
    lines = data[2:].split(b"\n")
    place = choose.randrange(len(lines))
    line = lines[place]
    at = choose.randrange(len(line) + 1)
    match choose.randrange(6):
        case 0:
            lines.insert(place, lines[choose.randrange(len(lines))])
        case 1:
            del lines[place]
        case 2:
            lines[place] = b"  " * choose.randrange(4) + line.lstrip()
        case 3:
            lines[place] = line[:at] + choose.choice(PIECES).encode() + line[at:]
        case 4:
            lines[place] = line[:at] + line[at + choose.randrange(1, 5) :]
        case _:
            other = choose.randrange(len(lines))
            lines[place], lines[other] = lines[other], line
    return (data[:2].ljust(2, b"\0") + b"\n".join(lines))[:length_max]


def sow() -> None:
    """Write the seeds: every list of the cases, read as Markdown, and those of other kinds under their name."""
    CORPUS.mkdir(exist_ok=True)
    for cases in sorted((ROOT / "tests" / "unit" / "cases").glob("*.md")):
        kind = {"prd-json": 4, "task-master": 5, "todo-txt": 6}.get(cases.stem, 0)
        for number, match in enumerate(_FENCED.finditer(cases.read_text())):
            (CORPUS / f"{cases.stem}-{number}").write_bytes(bytes((kind, 0)) + match[1].encode())


def main() -> None:
    os.chdir(ROOT)
    arguments = [sys.argv[0], *sys.argv[1:]]
    if len(arguments) == 1:
        sow()
        seconds = os.environ.get("FUZZ_SECONDS", "1800")
        arguments += [str(CORPUS), f"-max_total_time={seconds}", f"-timeout={SECONDS_MAX}", f"-max_len={LENGTH_MAX}"]
        arguments += [f"-artifact_prefix={CORPUS}/", "-print_final_stats=1"]
    atheris.Setup(arguments, test_one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
