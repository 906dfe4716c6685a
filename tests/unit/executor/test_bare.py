"""Which blocks need no shell, and that their commands see the same world without one."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from executor.model import Claimed
from executor.runners import Surroundings, bare, shell
from executor.states import RunStatus

PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


def program(name: str) -> str:
    found = shutil.which(name, path=PATH["PATH"])
    assert found
    return found


@pytest.mark.parametrize(
    ("content", "arguments"),
    [
        ("true", []),
        ("\n  true  \n\n", []),
        ("ls -l --color=never\t/usr/bin", ["-l", "--color=never", "/usr/bin"]),
        ("env A=1,2 B=x@y:z+w%", ["A=1,2", "B=x@y:z+w%"]),
    ],
)
def test_one_command_of_plain_words_needs_no_shell(content: str, arguments: list[str]) -> None:
    name = content.split()[0]
    assert bare.command(content, PATH) == (program(name), [name, *arguments])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "true\nfalse",
        "true; false",
        "true && false",
        "true | cat",
        "ls *",
        "ls ~",
        "ls $HOME",
        "ls 'a'",
        'ls "a"',
        "ls a\\ b",
        "ls {a,b}",
        "ls > x",
        "ls # why",
        "ls !x",
        "ls [a]",
        "(true)",
        "A=1 true",
        "A=1",
        "time true",
        "cd /",
        "exit 3",
        "echo hello",
        ". ./script",
        "no-such-program-anywhere",
        "./here",
        "bin/here",
        "ls é",
    ],
)
def test_everything_else_is_left_to_the_shell(content: str) -> None:
    assert bare.command(content, PATH) is None


@pytest.mark.parametrize(
    "custom", [{"BASH_ENV": "x"}, {"SHELLOPTS": "xtrace"}, {"BASH_FUNC_true%%": "() { false; }"}, {"PATH": ".:/bin"}]
)
def test_a_shell_that_would_do_more_is_asked(custom: dict[str, str]) -> None:
    assert bare.command("true", PATH | custom) is None


@pytest.mark.parametrize("known", [{}, {"PWD": "/", "SHLVL": "4"}, {"PWD": "LINK", "SHLVL": "x"}])
def test_a_bare_command_sees_what_a_shell_would_have_shown_it(tmp_path: Path, known: dict[str, str]) -> None:
    folder, link = tmp_path / "folder", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    environ = PATH | {name: value.replace("LINK", str(link)) for name, value in known.items()}
    script = tmp_path / "script.sh"
    script.write_text("env", encoding="utf-8")

    def seen(argv: list[str], environ: dict[str, str]) -> list[str]:
        answer = subprocess.run(argv, cwd=folder, env=environ, capture_output=True, check=True, text=True)
        return sorted(line for line in answer.stdout.splitlines() if not line.startswith("OLDPWD="))

    by_shell = seen([program("bash"), str(script)], environ)
    command = bare.command("env", environ)
    assert command

    assert seen([command.program], bare.surroundings(command.program, folder, environ)) == by_shell


class Broken:
    """An `Io` whose machine runs short of something just when a process has begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.wake_fd, self._write = os.pipe()
        self.full = False

    def output(self, content: bytes) -> None:
        """Nobody reads it."""

    def began(self, pgid: int) -> None:
        self.begun += 1
        os.waitpid(pgid, 0)
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def ended(self, pgid: int) -> None:
        """It has ended already."""


def test_a_command_that_has_begun_is_not_begun_again_by_a_shell(tmp_path: Path) -> None:
    io = Broken()
    spec = {"blocks": [{"language": "sh", "role": "run", "attributes": {}, "content": "touch made"}], "settings": {}}
    claimed = Claimed(1, 1, "A", "Do it", "shell", spec, 0, None, 1, 1)
    outcome = shell.run(claimed, io, Surroundings("/l.md", tmp_path, tmp_path, PATH, {}, "token"))
    assert (outcome.status, io.begun) == (RunStatus.FAILED, 1)
    assert "Too many open files" in outcome.error


def by_bash(name: str, path: str) -> str:
    """The file that bash executes under a name; nothing where there is none that it may execute."""
    asked = ["bash", "--norc", "--noprofile", "-c", 'PATH=$2; type -P -- "$1"', "bash", name, path]
    found = subprocess.run(asked, capture_output=True, check=False, text=True).stdout.strip()
    return found if os.access(found, os.X_OK) else ""


@pytest.mark.parametrize(
    "path",
    ["A:B", "B:A", "A/:B/", "A//:B", "gone:A", "A:gone/", "linked:B", "A", "B", "gone", "", ":B", "B:", "A::B", "B:."],
)
@pytest.mark.parametrize("name", ["plain", "folder", "unfit", "link", "dangling", "second", "nowhere"])
def test_a_name_is_looked_for_as_bash_does(tmp_path: Path, name: str, path: str) -> None:
    first, second = tmp_path / "A", tmp_path / "B"
    for folder in (first, second):
        folder.mkdir()
    (tmp_path / "linked").symlink_to(first)
    for file, mode in (
        (first / "plain", 0o755),
        (second / "plain", 0o755),
        (first / "unfit", 0o644),
        (second / "unfit", 0o755),
        (second / "folder", 0o755),
        (second / "second", 0o755),
        (second / "dangling", 0o755),
    ):
        file.write_text("#!/bin/sh\n")
        file.chmod(mode)
    (first / "folder").mkdir()
    (first / "link").symlink_to(second / "plain")
    (first / "dangling").symlink_to(tmp_path / "gone")
    path = ":".join(f"{tmp_path}/{part}" if part not in ("", ".") else part for part in path.split(":"))

    found = bare.command(name, {"PATH": path})

    if any(part in ("", ".") for part in path.split(":")):  # it would depend on the task's folder
        assert found is None
    else:
        assert (found.program.replace("//", "/") if found else "") == by_bash(name, path).replace("//", "/")
