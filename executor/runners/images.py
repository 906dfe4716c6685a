"""Blocks in a container: an image of docker or podman around the command, the same folder, user and variables in it.

carry -> which engine answers                                      (find; Missing where none does)
      -> a note for the guard and for recovery, then its client    (process)
      -> where the client was ended, the container as well: it is no child of the client
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from executor import processes
from executor.runners import Io, languages, process
from executor.runners.languages import Language
from executor.runners.patience import patiently
from executor.runners.scripts import write_script

ENGINES = ("docker", "podman")
_INSTALL = "install podman (`apt install podman`, `brew install podman`) or docker, then `executor run`"
_ASK_SECONDS = 20.0
_FAILED_ITSELF = 125
_CODES = {
    _FAILED_ITSELF: "docker or podman itself, which could not run {image}",
    126: "in {image}: `{command}`, or a command of the block, cannot be executed there",
    127: "in {image}: `{command}`, or a command of the block, is not there",
}
# podman's init has no status of its own for a command that is not there.
_INIT_FAILED = b"failed to exec pid1"


class Missing(Exception):
    """No engine here can run a container; the message says what to do."""


class Engine(Struct, frozen=True):
    """A client that has answered. `mapped`: root in its containers is whoever runs the client."""

    program: str
    is_podman: bool
    mapped: bool

    @property
    def user(self) -> list[str]:
        """As whom a block runs: what it leaves in the folder is to belong to whoever runs the executor."""
        us = f"{os.getuid()}:{os.getgid()}"
        if self.is_podman:
            return [*(["--userns", "keep-id"] if self.mapped else []), "--user", us]
        return ["--user", "0:0" if self.mapped else us]


class Inside(Struct, frozen=True):
    """A block that is to run in a container. The last word of `image` is that, those before it are options of `run`."""

    image: Sequence[str]
    command: Sequence[str]
    script: Path
    folder: Path  # where it works
    of_list: Path
    variables: Mapping[str, str]
    run_id: int
    worker: str

    @property
    def name(self) -> str:
        """Of the container. A run has one at a time."""
        return f"executor-{self.worker}-{self.run_id}"


def wanted(block: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """The words of `container:` for a block, none where it runs on the machine itself."""
    chosen = str(block["attributes"].get("container") or settings.get("container") or "none")
    return [] if chosen == "none" else shlex.split(chosen)


def find(environ: Mapping[str, str], chosen: str | None) -> Engine:
    """The engine that is `chosen`, or else the first that answers. Raises Missing."""
    names = (chosen,) if chosen else ENGINES
    silent = []
    for name in names:
        program = shutil.which(name, path=environ.get("PATH", os.defpath))
        if program is None:
            continue
        try:
            return _ask(program, tuple(sorted(environ.items())))
        except Missing as error:
            silent.append(f"`{name} info` says: {error}")
    if silent:
        raise Missing(f"no container can run here; {'; '.join(silent)}; start it, or {_INSTALL}")
    raise Missing(f"`container:` needs {' or '.join(names)}, and there is none; {_INSTALL}")


@cache  # an answer; not a Missing, which is asked again
def _ask(program: str, environ: tuple[tuple[str, str], ...]) -> Engine:
    def answer(*words: str) -> str:
        asked = subprocess.run(
            [program, *words], env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASK_SECONDS
        )
        if asked.returncode:
            raise Missing(asked.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2])
        return asked.stdout.decode("utf-8", "replace").strip()

    try:
        is_podman = "podman" in answer("--version")  # which may be called docker
        info = answer("info", "--format", "{{.Host.Security.Rootless}}" if is_podman else "{{json .SecurityOptions}}")
    except subprocess.TimeoutExpired:
        raise Missing(f"nothing, for {_ASK_SECONDS:g} s") from None
    except OSError as error:
        raise Missing(error.strerror or str(error)) from error
    return Engine(program, is_podman, mapped=info == "true" if is_podman else "rootless" in info)


def language(name: str, settings: Mapping[str, Any]) -> Language:
    """The command for a block: our own are looked for in the image, and none of them stands in for another there."""
    configured = (settings.get("languages") or {}).get(name) or (
        settings.get("shell") if name in languages.SHELLS else None
    )
    return Language(tuple(shlex.split(str(configured)))) if configured else languages.plain(name)


def carry(inside: Inside, engine: Engine, environ: Mapping[str, str], io: Io, timeout: float | None) -> process.Exit:
    """Run a block in its container to the end of both. `environ` is the client's. Raises OSError and Cancelled."""
    with ExitStack() as stack:
        # Should nobody be left to end the container, they find here how (`engine.guard_process`, `recovery`).
        note = inside.script.with_suffix(processes.CONTAINER_SUFFIX)
        variables = inside.script.with_suffix(".env")
        for file, content in ((note, f"{engine.program}\n{inside.name}\n"), (variables, _lines(inside.variables))):
            stack.callback(file.unlink, missing_ok=True)
            patiently(partial(write_script, file, content), io)
        ended = process.carry(
            _words(inside, engine, variables),
            folder=inside.folder,
            environ=_of_client(environ, inside.variables),
            io=io,
            timeout=timeout,
            identity=(inside.worker, inside.run_id),
        )
        if ended.why or ended.code in (None, _FAILED_ITSELF):
            processes.remove_container(engine.program, inside.name)
    return ended


def explained(ended: process.Exit, block: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """What an exit status of a container says that is not, or may not be, the block's own; "" for any other."""
    image = wanted(block, settings)
    code = 127 if _INIT_FAILED in ended.tail else ended.code
    if not image or code not in _CODES:
        return ""
    return f" ({_CODES[code].format(image=image[-1], command=language(block['language'], settings).command[0])})"


def _words(inside: Inside, engine: Engine, variables: Path) -> list[str]:
    folders = {inside.of_list, inside.folder} if not inside.folder.is_relative_to(inside.of_list) else {inside.of_list}
    return [
        engine.program,
        "run",
        "--rm",
        "--init",  # hands signals on and buries the dead, as the first process of a container has to
        *("--log-driver", "none"),  # what it prints is kept by us, and need not be kept twice
        *("--name", inside.name),
        *("--label", f"executor.worker={inside.worker}"),
        *("--label", f"executor.run={inside.run_id}"),
        *engine.user,
        *("--security-opt", "label=disable"),  # or SELinux hides the folder; it keeps its own labels so
        *(["--stop-timeout", "0"] if engine.is_podman else []),  # its `rm --force` would wait for that
        *(word for path in (*folders, inside.script) for word in ("--mount", _mount(path))),
        *("--workdir", str(inside.folder)),
        *("--env-file", str(variables)),
        *(word for name, value in inside.variables.items() if not _is_plain(value) for word in ("--env", name)),
        *("--entrypoint", inside.command[0]),
        *inside.image,
        *inside.command[1:],
        str(inside.script),
    ]


def _mount(path: Path) -> str:
    """At the same place inside; fields are those of a CSV file."""
    fields = ("type=bind", f"source={path}", f"target={path}")
    return ",".join(f'"{field}"' if "," in field else field for field in fields)


_QUOTING = frozenset("\n\r\"'\\#$`")


def _is_plain(value: str) -> bool:
    """May it stand in a file of variables? Engines differ in what they make of quotes and spaces there."""
    return value == value.strip() and not _QUOTING & set(value)


def _lines(variables: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in variables.items() if _is_plain(value))


def _of_client(environ: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """The client hands on what a file cannot hold. Our own two are for inside alone: by them everything of a run is
    found and ended, and what podman leaves beside a container has to outlive it, to remove it."""
    handed = {name: value for name, value in variables.items() if not _is_plain(value)}
    ours = (processes.WORKER_VARIABLE, processes.RUN_VARIABLE)
    return {name: value for name, value in {**environ, **handed}.items() if name not in ours}
