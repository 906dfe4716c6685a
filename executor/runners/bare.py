"""Blocks that are one command and nothing else, for which no shell need be started: pure, but for a look at PATH."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

# Only characters that mean themselves in every shell; a first word with `=` would be an assignment.
_COMMAND = re.compile(r"\s*[\w./+@%:,-]+(?:[ \t]+[\w./+@%:,=-]+)*\s*", re.ASCII)
_KEYWORDS = "if then elif else fi case esac for select while until do done in function time coproc"
_BUILTINS = """
    . : alias bg bind break builtin caller cd command compgen complete compopt continue declare dirs disown echo enable
    eval exec exit export fc fg getopts hash help history jobs kill let local logout mapfile popd printf pushd pwd read
    readarray readonly return set shift shopt source suspend test times trap type typeset ulimit umask unalias unset
    wait
"""
_SHELL_WORDS = frozenset(_KEYWORDS.split()) | frozenset(_BUILTINS.split())
# With these a shell does more than it is told.
_CUSTOMS = ("BASH_ENV", "SHELLOPTS", "BASHOPTS")


class Command(NamedTuple):
    """A file to execute, and the words it is told, the first of which is its name as it was typed."""

    program: str
    words: list[str]


def command(content: str, environ: Mapping[str, str]) -> Command | None:
    """What a block that means the same without a shell executes; None for every other block.

    As `make` does. What a shell has to say (no such command, say) is left for the shell to say.
    """
    if not _COMMAND.fullmatch(content) or "\n" in content.strip():
        return None
    words = content.split()
    name = words[0]
    if name in _SHELL_WORDS or name.startswith("%") or _has_customs(environ):
        return None
    program = _program(name, environ.get("PATH", ""))
    return None if program is None else Command(program, words)


def surroundings(program: str, folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment as a shell would have handed it on."""
    level = environ.get("SHLVL", "")
    return {
        **environ,
        "PWD": _spelled(folder, environ.get("PWD", "")),
        "SHLVL": str(int(level) + 1 if level.isdecimal() else 1),
        "_": program,
    }


def _has_customs(environ: Mapping[str, str]) -> bool:
    return any(name in environ for name in _CUSTOMS) or any(name.startswith("BASH_FUNC_") for name in environ)


def _program(name: str, path: str) -> str | None:
    if "/" in name:
        return name if name.startswith("/") and os.access(name, os.X_OK) else None
    folders = path.split(os.pathsep)
    if not all(folder.startswith("/") for folder in folders):  # it would depend on the task's folder
        return None
    for folder in folders:  # as `shutil.which`, which asks three times where once will do
        program = f"{folder.rstrip('/')}/{name}"
        if os.access(program, os.X_OK) and not os.path.isdir(program):  # noqa: PTH112 - a hot path
            return program
    return None


def _spelled(folder: Path, known: str) -> str:
    """The folder's name: the known one, if it is a name of it, so that links are spelled as people spell them."""
    try:
        if known.startswith("/") and os.path.samefile(known, folder):  # noqa: PTH121 - a hot path
            return known
    except OSError:
        pass  # the name in our environment has gone out of date
    return os.path.realpath(folder)
