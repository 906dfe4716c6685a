"""Where the worktree of a task stands and what its branch is called: from the list's file and the task's id alone."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

FOLDER = ".executor"
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
_LENGTH_MAX = 60


class Place(Struct, frozen=True):
    """`top` is the working tree that the list is in, `inside` the list's folder and `listed` its file from there."""

    top: Path
    common: Path  # what all worktrees of the repository share
    inside: Path
    listed: str
    branch: str
    path: Path


def of_task(top: Path, common: Path, folder: Path, list_path: Path, task_id: str) -> Place:
    """The place of one task."""
    inside = folder.resolve().relative_to(top)
    listed = list_path.resolve()
    named = listed.relative_to(top) if listed.is_relative_to(top) else Path(list_path.name)
    name = f"{slug(str(named.with_suffix('')))}/{slug(task_id)}"
    return Place(top, common, inside, str(named), f"executor/{name}", top / FOLDER / "worktrees" / name)


def slug(text: str) -> str:
    """A name that files and branches may have: the text itself, or with a hash, so that no two are the same."""
    plain = _UNFIT.sub("-", text).strip("-")[:_LENGTH_MAX]
    return plain if plain == text else f"{plain}-{hashlib.sha1(text.encode('utf-8', 'replace')).hexdigest()[:8]}"


def work(title: str, spec: Mapping[str, Any]) -> str:
    """What a task asks for, as a hash: finished work of an earlier text is not the work of this one."""
    return hashlib.sha1(json.dumps([title, spec], sort_keys=True).encode()).hexdigest()
