"""Documents as programs: the files and the console sessions that a Markdown page shows, run as they stand.

`<!-- tasks.md -->` on the line before a fenced block writes that file. A fenced block in `console` holds commands, each
after `$ ` (and `> ` where it goes on), and below each what it prints; a line `...` stands for any number of lines. All
commands of a page run in one bash, in one folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_END = "\x1eend of command\x1e"
_FENCE = re.compile(
    r"(?:^<!-- (?P<file>[\w./-]+) -->\n)?^(?P<fence>`{3,})(?P<info>[^\n`]*)\n(?P<content>.*?)^(?P=fence)$", re.M | re.S
)
# What differs from run to run, from the most special to the most general.
_VOLATILE = (
    (r"(?m)^(creating the database in|the account \S+ cannot enter).*\n", ""),
    (r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)", "TIME"),
    (r"[\w.-]+@[\w-][\w.-]*(?::\d+)?", "you@host"),
    (r"\b(?:\d+ h )?(?:\d+ m )?\d+(?:\.\d+)? s\b", "N s"),
    (r"\b\d+ MB\b", "N MB"),
    (r"PostgreSQL \d+(?:\.\d+)?", "PostgreSQL N"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"seconds=\d+(?:\.\d+)?", "seconds=N"),
    (r"(?m)^\d+  TIME", "N  TIME"),
    (r"(?m) +$", ""),
)


@dataclass(frozen=True, slots=True)
class File:
    """A file that the page shows."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class Command:
    """What the page types, what it says comes back, and the line of the page."""

    text: str
    expected: str
    line: int


def read(page: str) -> Iterator[File | Command]:
    """The files and commands of a page, in order."""
    for match in _FENCE.finditer(page):
        if match["file"]:
            yield File(match["file"], match["content"])
        elif match["info"].strip() == "console":
            yield from _commands(match["content"], page.count("\n", 0, match.start("content")) + 1)


def _commands(content: str, first_line: int) -> Iterator[Command]:
    typed, printed, at = "", "", first_line
    for number, line in enumerate(content.splitlines(keepends=True), first_line):
        if line.startswith("$ "):
            if typed:
                yield Command(typed, printed, at)
            typed, printed, at = line[2:], "", number
        elif line.startswith("> ") and not printed:
            typed += line[2:]
        else:
            printed += line
    if typed:
        yield Command(typed, printed, at)


def replay(page: str, folder: Path, environ: Mapping[str, str], places: Mapping[str, str]) -> list[str]:
    """Run a page in `folder`; what differs from what it shows, one text a difference.

    `places` are what a test has instead of what the page calls by another name.
    """
    steps = list(read(page))
    commands = [step for step in steps if isinstance(step, Command)]
    printed = _run(steps, folder, environ)
    assert len(printed) == len(commands), f"bash ended after {len(printed)} of {len(commands)} commands"
    named = {str(folder): "/home/you/project", **places}
    differences = []
    for command, output in zip(commands, printed, strict=True):
        seen, wanted = normalised(output, named), normalised(command.expected, {})
        if not re.fullmatch(_pattern(wanted), seen):
            differences.append(f"line {command.line}: $ {command.text}--- shown\n{wanted}--- printed\n{seen}")
    return differences


def normalised(text: str, places: Mapping[str, str]) -> str:
    """A text without what differs from run to run."""
    for path, name in places.items():
        text = text.replace(path, name)
    for pattern, word in _VOLATILE:
        text = re.sub(pattern, word, text)
    return text


def environment() -> dict[str, str]:
    """This process's, with our program first on PATH and without anything that names a database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "EXECUTOR_", "DATABASE_"))}
    return kept | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NO_COLOR": "1"}


def _run(steps: list[File | Command], folder: Path, environ: Mapping[str, str]) -> list[str]:
    """What each command printed, both streams in order."""
    script = "exec 2>&1\n"
    for number, step in enumerate(steps):
        if isinstance(step, File):
            source = folder / f".page-{number}"
            source.write_text(step.content, encoding="utf-8")
            script += f"mv '{source}' '{step.name}'\n"
        else:
            # `$?` of a command is there for the next one, as it is for people.
            script += f"{step.text}__code=$?; printf '%s' '{_END}'; (exit $__code)\n"
    run = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=120,
        check=False,
    )
    return run.stdout.decode().split(_END)[:-1]


def _pattern(wanted: str) -> str:
    lines = (r"(?:.*\n)*?" if line == "...\n" else re.escape(line) for line in wanted.splitlines(keepends=True))
    return "".join(lines)
