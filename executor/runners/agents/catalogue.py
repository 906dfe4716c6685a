"""Which agents there are: ours, and those of `executor.toml` beside the list or in the user's configuration."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from executor.runners.agents import profile as profiles
from executor.runners.agents.profile import BadProfile, Profile

FILE = "executor.toml"
_FOLDER = Path(__file__).with_name("profiles")
_COMMON = "common"


class Entry(Struct, frozen=True):
    """A profile with the file it is from, empty for one of ours."""

    name: str
    profile: Profile
    place: str = ""


def names() -> list[str]:
    """Those that come with the program."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml") if path.stem != _COMMON)


def find(name: str, folder: Path, environ: Mapping[str, str]) -> Entry | None:
    """The agent of this name: of the nearest `executor.toml` that has it, else ours. Raises BadProfile."""
    for place in places(folder, environ):
        own = _agents(place).get(name)
        if own is not None:
            return Entry(name, profiles.read(name, _merged(name, own, str(place)), str(place)), str(place))
    return Entry(name, _builtin(name)) if name in names() else None


def every(folder: Path, environ: Mapping[str, str]) -> list[Entry]:
    """All that can be named here, by name. Raises BadProfile for one that cannot be used."""
    known = set(names())
    for place in places(folder, environ):
        known |= set(_agents(place))
    return [entry for name in sorted(known) if (entry := find(name, folder, environ))]


def problem(name: str, folder: Path, environ: Mapping[str, str]) -> str:
    """Why an agent of this name cannot be used; empty where it can."""
    try:
        if find(name, folder, environ):
            return ""
    except BadProfile as error:
        return str(error)
    known = {*names(), *(other for place in places(folder, environ) for other in _agents(place))}
    near = difflib.get_close_matches(name, known, 1)
    suggestion = f" (did you mean '{near[0]}'?)" if near else ""
    return f"no agent '{name}'{suggestion}"


def places(folder: Path, environ: Mapping[str, str]) -> list[Path]:
    """The files that may name agents, nearest first: from the list's folder up to its repository, then the user's."""
    found = []
    for one in (folder, *folder.parents):
        found.append(one / FILE)
        if (one / ".git").exists():
            break
    else:
        found = found[:1]  # outside a repository a file further up is nobody's word on this list
    home = environ.get("XDG_CONFIG_HOME") or (f"{environ['HOME']}/.config" if environ.get("HOME") else "")
    if home:
        found.append(Path(home) / "executor" / FILE)
    return [place for place in found if place.is_file()]


def _agents(place: Path) -> Mapping[str, Any]:
    try:
        content = tomllib.loads(place.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadProfile(f"{place} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise BadProfile(f"{place}: {error}") from error
    agents = content.get("agents", {})
    if not isinstance(agents, Mapping) or not all(isinstance(one, Mapping) for one in agents.values()):
        raise BadProfile(f"{place}: agents: tables are expected, as [agents.NAME]")
    return agents


def _merged(name: str, own: Mapping[str, Any], place: str) -> dict[str, Any]:
    """What a user says of an agent, over the one of ours it is `like`, which is the one of its own name by default."""
    own = dict(own)
    like = own.pop("like", name if name in names() else None)
    if like is None:
        return own
    if like not in names():
        raise BadProfile(f"{place}: agents.{name}.like: no agent '{like}' comes with the program")
    return {**_content(str(like)), **own}


@cache
def _builtin(name: str) -> Profile:
    return profiles.read(name, _content(name), f"{name}.toml")


@cache
def _content(name: str) -> dict[str, Any]:
    """The values of one of ours; what all services say alike stands behind what this one says."""
    content: dict[str, Any] = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    if name != _COMMON:
        content["problems"] = [*content.get("problems", ()), *_content(_COMMON)["problems"]]
    return content
