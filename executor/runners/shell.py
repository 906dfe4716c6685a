"""Run blocks in order, each a process of its own, then the checks; the first failure ends the run."""

from __future__ import annotations

import errno
import json
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from executor import processes
from executor.model import Claimed
from executor.outcome import Outcome
from executor.runners import Io, Surroundings, bare, images, languages, process
from executor.runners.patience import Cancelled, patiently
from executor.runners.scripts import write_script
from executor.states import RunStatus

_TAIL_LINES = 20
_NOT_BEGUN = (errno.ENOEXEC, errno.ENOENT, errno.EACCES)  # what only the attempt to execute a file says
# The environment of a process is limited; the whole of an error is in the log.
_LAST_ERROR_BYTES = 8 * 1024


def run(claimed: Claimed, io: Io, surroundings: Surroundings) -> Outcome:
    """Carry out all run blocks of a task, then its verify blocks."""
    return _carry_out(claimed, io, surroundings, ("run", "verify"))


def verify(claimed: Claimed, io: Io, surroundings: Surroundings) -> Outcome:
    """Only the checks: a person did the work."""
    return _carry_out(claimed, io, surroundings, ("verify",))


def refusal(claimed: Claimed, surroundings: Surroundings) -> Outcome | None:
    """Why the checks cannot be run here, told before an agent works for nothing; None where they can be tried."""
    settings, blocks = _blocks(claimed, surroundings, ("verify",))
    inside = [block for block in blocks if not languages.is_sql(block["language"], settings)]
    if not any(images.wanted(block, settings) for block in inside):
        return None
    try:
        images.find(surroundings.environ, settings.get("container_engine"))
    except images.Missing as error:
        return Outcome(RunStatus.REFUSED, str(error), halt=str(error))
    return None


def _blocks(
    claimed: Claimed, surroundings: Surroundings, roles: Sequence[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The settings of a task over those of its list, and what is to be run of it, in order."""
    settings = {**surroundings.settings, **claimed.spec["settings"]}
    blocks = [block for role in roles for block in claimed.spec["blocks"] if block["role"] == role]
    if "run" in roles and settings.get("python"):
        content = languages.entry(settings["python"])
        blocks.insert(0, {"language": "python", "role": "run", "attributes": {}, "content": content})
    if settings.get("verify"):  # of the list, after those of the task
        blocks.append({"language": "sh", "role": "verify", "attributes": {}, "content": f"{settings['verify']}\n"})
    return settings, blocks


def _carry_out(claimed: Claimed, io: Io, surroundings: Surroundings, roles: Sequence[str]) -> Outcome:
    settings, blocks = _blocks(claimed, surroundings, roles)
    cpu_seconds, memory_bytes = 0.0, 0
    for number, block in enumerate(blocks, 1):
        which = f"{'check' if block['role'] == 'verify' else 'block'} {number} of {len(blocks)} ({block['language']})"
        if languages.is_sql(block["language"], settings):
            from executor.runners import sql  # most runs never need it

            failure = sql.carry(
                sql.Task(claimed, surroundings, settings, environ_of(claimed, block, surroundings), io),
                block,
                sum(one["language"] == "sql" for one in blocks[:number]),
                which,
                timeout_of(block, settings),
            )
            if failure is not None:
                return replace(failure, cpu_seconds=cpu_seconds, memory_bytes=memory_bytes)
            continue
        try:
            ended = _run_block(claimed, block, settings, io, surroundings)
        except Cancelled:
            return Outcome(RunStatus.CANCELLED, f"{which} was stopped before it began")
        except images.Missing as error:
            return Outcome(RunStatus.REFUSED, f"{which}: {error}", halt=str(error))
        except OSError as error:
            return Outcome(
                RunStatus.FAILED,
                f"{which} could not be started: {error.strerror or error}: {error.filename or ''}".rstrip(": "),
                cpu_seconds=cpu_seconds,
                memory_bytes=memory_bytes,
            )
        cpu_seconds += ended.cpu_seconds
        memory_bytes = max(memory_bytes, ended.memory_bytes)
        if ended.code != 0 or ended.why:
            return Outcome(
                _status(ended),
                f"{which} {_reason(ended, timeout_of(block, settings))}"
                f"{images.explained(ended, block, settings)}{_tail(ended.tail)}",
                exit_code=ended.code,
                signal=ended.signal,
                cpu_seconds=cpu_seconds,
                memory_bytes=memory_bytes,
            )
    return Outcome(RunStatus.SUCCEEDED, exit_code=0, cpu_seconds=cpu_seconds, memory_bytes=memory_bytes)


def _run_block(
    claimed: Claimed, block: Mapping[str, Any], settings: Mapping[str, Any], io: Io, surroundings: Surroundings
) -> process.Exit:
    image = images.wanted(block, settings)
    if image:
        return _run_inside(image, claimed, block, settings, io, surroundings)
    language = languages.find(block["language"], settings)
    begin = _Beginning(
        folder=folder_of(block, settings, surroundings),
        environ=environ_of(claimed, block, surroundings),
        io=io,
        timeout=timeout_of(block, settings),
        identity=(surroundings.worker, claimed.run_id),
    )
    command = bare.command(block["content"], begin.environ) if language.is_our_shell else None
    if command:
        try:
            environ = bare.surroundings(command.program, begin.folder, begin.environ)
            return begin.carry(command.words, environ, program=command.program)
        except OSError as error:
            # A script without a first line that names its interpreter, say: the shell knows what to do or to say. Any
            # other error may have come after the command had begun, and must not have it begin twice.
            if error.errno not in _NOT_BEGUN:
                raise
    script = surroundings.scratch / f"{claimed.run_id}{language.suffix}"
    try:
        patiently(lambda: write_script(script, block["content"]), io)
        return begin.carry([*language.command, str(script)], begin.environ)
    finally:
        script.unlink(missing_ok=True)


def _run_inside(
    image: Sequence[str],
    claimed: Claimed,
    block: Mapping[str, Any],
    settings: Mapping[str, Any],
    io: Io,
    surroundings: Surroundings,
) -> process.Exit:
    engine = images.find(surroundings.environ, settings.get("container_engine"))
    language = images.language(block["language"], settings)
    inside = images.Inside(
        image=image,
        command=language.command,
        script=surroundings.scratch / f"{claimed.run_id}{language.suffix}",
        folder=folder_of(block, settings, surroundings).resolve(),
        of_list=surroundings.folder.resolve(),
        variables=_variables_of(claimed, block, surroundings),
        run_id=claimed.run_id,
        worker=surroundings.worker,
    )
    try:
        patiently(lambda: write_script(inside.script, block["content"]), io)
        return images.carry(inside, engine, surroundings.environ, io, timeout_of(block, settings))
    finally:
        inside.script.unlink(missing_ok=True)


class _Beginning(Struct, frozen=True):
    """What every process of a block is started with."""

    folder: Path
    environ: Mapping[str, str]
    io: Io
    timeout: float | None
    identity: tuple[str, int]

    def carry(self, argv: Sequence[str], environ: Mapping[str, str], program: str | None = None) -> process.Exit:
        return process.carry(
            argv,
            program=program,
            folder=self.folder,
            environ=environ,
            io=self.io,
            timeout=self.timeout,
            identity=self.identity,
        )


def folder_of(block: Mapping[str, Any], settings: Mapping[str, Any], surroundings: Surroundings) -> Path:
    """Where a block runs: in its `dir`, from the folder of the list."""
    chosen = block["attributes"].get("dir") or settings.get("dir") or "."
    return surroundings.folder / Path(str(chosen)).expanduser()


def timeout_of(block: Mapping[str, Any], settings: Mapping[str, Any]) -> float | None:
    """How many seconds a block may take."""
    chosen = block["attributes"].get("timeout", settings.get("timeout"))
    return None if chosen is None else float(chosen)


def environ_of(claimed: Claimed, block: Mapping[str, Any], surroundings: Surroundings) -> dict[str, str]:
    """What a block sees: the executor's own environment, what it says of the run, and the settings' `env`."""
    return {**surroundings.environ, **_variables_of(claimed, block, surroundings)}


def _variables_of(claimed: Claimed, block: Mapping[str, Any], surroundings: Surroundings) -> dict[str, str]:
    """Of these, what is not the executor's own: all that a container is given."""
    given = {
        "EXECUTOR_LIST": surroundings.list_path,
        "EXECUTOR_TASK_ID": claimed.task_id,
        "EXECUTOR_ATTEMPT": str(claimed.attempt),
        "EXECUTOR_LAST_ERROR": (claimed.last_error or "")[-_LAST_ERROR_BYTES:].replace("\0", ""),
        "EXECUTOR_NOTES": "\n".join(f"{note['by']}: {note['text']}" for note in claimed.notes).replace("\0", ""),
        "EXECUTOR_CHECKPOINT": json.dumps(claimed.checkpoint),
        processes.RUN_VARIABLE: str(claimed.run_id),
        processes.WORKER_VARIABLE: surroundings.worker,
    }
    own = {name.removeprefix("env."): value for name, value in block["attributes"].items() if name.startswith("env.")}
    chosen = {
        **surroundings.secrets,
        **(surroundings.settings.get("env") or {}),
        **(claimed.spec["settings"].get("env") or {}),
        **own,
    }
    return {**given, **{name: str(value) for name, value in chosen.items()}}


def _status(ended: process.Exit) -> RunStatus:
    if ended.why is process.Why.CANCEL:
        return RunStatus.CANCELLED
    return RunStatus.TIMED_OUT if ended.why is process.Why.TIMEOUT else RunStatus.FAILED


def _reason(ended: process.Exit, timeout: float | None) -> str:
    if ended.why is process.Why.CANCEL:
        return "was stopped"
    if ended.why is process.Why.TIMEOUT:
        return f"ran longer than its timeout of {timeout:g} s and was ended"
    if ended.signal is not None:
        return f"was ended by signal {ended.signal} ({signal.Signals(ended.signal).name})"
    return f"ended with exit status {ended.code}"


def _tail(tail: bytes) -> str:
    if len(tail) >= process.TAIL_BYTES:  # the first line may be half of one, and half of a secret is not known for one
        tail = tail.partition(b"\n")[2] or tail
    text = tail.decode("utf-8", "replace").rstrip()
    return ":\n" + "\n".join(text.split("\n")[-_TAIL_LINES:]) if text else ""
