"""Which command runs a block of which language."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec import Struct


class Language(Struct, frozen=True):
    """A command that takes the path of a file as its last argument, and the ending that file needs."""

    command: tuple[str, ...]
    suffix: str = ""
    is_our_shell: bool = False  # and so known to give a bare command no meaning of its own


SHELLS = ("sh", "bash", "shell")
_ALIASES = {"py": "python", "python3": "python", "js": "node", "javascript": "node"}
_PLAIN = {
    "sh": Language(("sh", "-eu"), ".sh"),
    "shell": Language(("sh", "-eu"), ".sh"),
    "bash": Language(("bash", "-euo", "pipefail"), ".sh"),
    "zsh": Language(("zsh", "-eu", "-o", "pipefail"), ".zsh"),
    "python": Language(("python3", "-u"), ".py"),
    "node": Language(("node",), ".mjs"),
}
NAMES = (*SHELLS, "zsh", "python", "node", *_ALIASES)


def known(settings: Mapping[str, Any]) -> frozenset[str]:
    """The languages that can run under these list settings."""
    return frozenset(NAMES) | frozenset(settings.get("languages") or {})


def find(name: str, settings: Mapping[str, Any]) -> Language:
    """The command for a language: the settings' own first, then ours. KeyError for one that `known` does not name."""
    configured = (settings.get("languages") or {}).get(name)
    if configured:
        return Language(tuple(shlex.split(configured)))
    if name in SHELLS and settings.get("shell"):
        return Language(tuple(shlex.split(str(settings["shell"]))))
    return _builtin(_ALIASES.get(name, name))


def plain(name: str) -> Language:
    """The command for a language by its name alone, for a place where nobody has looked what is there."""
    return _PLAIN[_ALIASES.get(name, name)]


@cache
def _builtin(name: str) -> Language:
    """Resolved once: a search through PATH for every block costs more than starting it."""
    if name in SHELLS:
        bash = shutil.which("bash")
        return Language((bash, "-euo", "pipefail") if bash else ("/bin/sh", "-eu"), ".sh", is_our_shell=True)
    table = {
        "zsh": Language((shutil.which("zsh") or "zsh", "-eu", "-o", "pipefail"), ".zsh"),
        "python": Language((shutil.which("python3") or sys.executable, "-u"), ".py"),
        "node": Language((shutil.which("node") or "node",), ".mjs"),
    }
    return table[name]


def entry(named: str) -> str:
    """The text of a Python block that calls `package.module:function`, found from the folder the block runs in.

    It fails by an exception, by False, and by a number as its exit status; whatever else it answers is success.
    """
    module, _, function = named.partition(":")
    return _ENTRY.format(module=module, function=function)


_ENTRY = """\
import importlib, operator, os, sys
sys.path.insert(0, os.getcwd())
answer = operator.attrgetter("{function}")(importlib.import_module("{module}"))()
sys.exit(answer is False or (answer if isinstance(answer, int) and answer is not True else 0))
"""


def is_sql(name: str, settings: Mapping[str, Any]) -> bool:
    """Does the block run in the target database? Not where the list has a command of its own for SQL."""
    return name == "sql" and "sql" not in (settings.get("languages") or {})
