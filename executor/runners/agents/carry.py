"""Agents: one run of one task, from its prompt to the checks, which alone decide.

run -> what the agent must not change is remembered                (keeper)
    -> the command with the prompt, its output read as it comes    (transcript)
       a session that is not there any more: once more, in a new one
    -> what it changed of that is put back
    -> what it came to                                             (verdict)
       a limit or a refused login: refused, at no cost to the task
    -> the checks, which the program runs itself                   (shell)
"""

from __future__ import annotations

import signal
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
from msgspec import Struct
from msgspec.structs import replace

from executor import clock
from executor.errors import DatabaseError
from executor.log import logger
from executor.model import Claimed
from executor.outcome import Outcome, Usage
from executor.runners import Io, Surroundings, process, shell
from executor.runners.agents import catalogue, environment, prompt, verdict
from executor.runners.agents.keeper import Changes, Keeper, TooMuch
from executor.runners.agents.profile import BadProfile, Kind, Profile
from executor.runners.agents.transcript import Facts, Transcript
from executor.runners.agents.verdict import Verdict
from executor.runners.patience import Cancelled
from executor.runners.scripts import write_script
from executor.states import RunStatus

STALL_SECONDS = 600.0
_ANSWER_MAX = 8000
_NO_BLOCK: dict[str, Any] = {"attributes": {}}


class _Task(Struct, frozen=True):
    """A run and all that is the same for it from start to end."""

    claimed: Claimed
    io: Io
    surroundings: Surroundings
    settings: Mapping[str, Any]
    name: str
    profile: Profile

    @property
    def context(self) -> Mapping[str, Any]:
        return self.claimed.context or {}

    @property
    def folder(self) -> Path:
        return shell.folder_of(_NO_BLOCK, self.settings, self.surroundings)

    @property
    def protected(self) -> Sequence[str]:
        return [str(pattern) for pattern in self.settings.get("protect") or ()]


class _Said(Struct, frozen=True):
    """How the command ended and what it said."""

    ended: process.Exit
    facts: Facts
    complaints: str
    session: str | None


def run(claimed: Claimed, io: Io, surroundings: Surroundings) -> Outcome:
    """Have an agent do a task, then check it."""
    name, listed = claimed.agent or "", Path(surroundings.list_path)
    try:
        entry = catalogue.find(name, listed if listed.is_dir() else listed.parent, surroundings.environ)
    except BadProfile as error:
        return Outcome(RunStatus.FAILED, str(error))
    if entry is None:
        return Outcome(RunStatus.FAILED, f"no agent '{name}' is known here; see `executor agents`")
    settings = {**surroundings.settings, **claimed.spec["settings"]}
    return shell.refusal(claimed, surroundings) or _carry_out(
        _Task(claimed, io, surroundings, settings, name, entry.profile)
    )


def _carry_out(task: _Task) -> Outcome:
    try:
        if keeper := task.surroundings.keeper:
            keeper.enter(task.surroundings.folder, task.protected)
        changes = Changes()
        try:
            said = _talk(task)
        finally:
            if keeper:
                changes = _leave(task, keeper)
    except Cancelled:
        return Outcome(RunStatus.CANCELLED, f"{task.name} was stopped before it began")
    except FileNotFoundError as error:
        return _not_there(task, error)
    except (OSError, TooMuch) as error:
        return Outcome(RunStatus.FAILED, f"{task.name} could not be started: {error}")
    _tell(task, changes)
    outcome = _outcome(task, said, changes)
    if outcome.status is RunStatus.SUCCEEDED:
        checked = shell.verify(task.claimed, task.io, task.surroundings)
        outcome = replace(
            checked,
            usage=outcome.usage,
            cpu_seconds=checked.cpu_seconds + outcome.cpu_seconds,
            memory_bytes=max(checked.memory_bytes, outcome.memory_bytes),
        )
    return outcome


def _leave(task: _Task, keeper: Keeper) -> Changes:
    """Put back what the agent must not change. What it did and used counts also where that cannot be looked at."""
    try:
        return keeper.leave(task.surroundings.folder, task.protected, task.surroundings.record)
    except (OSError, DatabaseError, psycopg.Error) as error:
        logger.warning("what %s changed", task.name, exc_info=True)
        return Changes(unknown=f"{type(error).__name__}: {error}".strip())


def _not_there(task: _Task, error: FileNotFoundError) -> Outcome:
    program = task.profile.command[0]
    if error.filename != program:
        return Outcome(RunStatus.FAILED, f"{task.name} could not be started: {error}")
    how = f": {task.profile.install}" if task.profile.install else ""
    advice = f"{task.name} is not installed here: no command `{program}`; install it{how}, then `executor run`"
    return Outcome(RunStatus.REFUSED, advice, halt=advice)


def _talk(task: _Task) -> _Said:
    """Let the agent work; in a new session when the one to go on with is gone."""
    known = task.context.get("session") if task.profile.session.resume or task.profile.resume_command else None
    said = _command(task, known)
    if known and _verdict(task, said).kind is Kind.SESSION and said.ended.why is None:
        task.io.output(f"session {known} is gone; beginning anew\n".encode())
        said = _command(task, None)
    return said


def _command(task: _Task, known: str | None) -> _Said:
    profile, claimed = task.profile, task.claimed
    session = known or (str(uuid.uuid4()) if profile.session.start else None)
    if session:
        task.io.talks(task.name, session)
    listener = _Listener(Transcript(profile), task, session)
    with ExitStack() as stack:
        file = _prompt_file(task, going_on=known is not None)
        stack.callback(file.unlink, missing_ok=True)
        stdin = stack.enter_context(file.open("rb")) if profile.prompt == "stdin" else None
        ended = process.carry(
            _words(task, file, session, going_on=known is not None),
            folder=task.folder,
            environ=_environ(task),
            io=task.io,
            timeout=shell.timeout_of(_NO_BLOCK, task.settings),
            identity=(task.surroundings.worker, claimed.run_id),
            conduct=process.Conduct(
                stdin=stdin.fileno() if stdin else None,
                listener=listener,
                stall=float(task.settings.get("stall") or STALL_SECONDS),
                signals=((signal.SIGINT, profile.grace), (signal.SIGTERM, profile.grace / 2)),
                sweep=True,
            ),
        )
    facts = listener.transcript.close()
    return _Said(ended, facts, listener.transcript.complaints, facts.session or session)


class _Listener:
    """Reads along, and tells of a session as soon as its name is known."""

    def __init__(self, transcript: Transcript, task: _Task, session: str | None) -> None:
        self.transcript = transcript
        self._task = task
        self._session = session

    def out(self, content: bytes) -> bool:
        alive = self.transcript.out(content)
        found = self.transcript.facts.session
        if found and found != self._session:
            self._session = found
            self._task.io.talks(self._task.name, found)
        return alive

    def err(self, content: bytes) -> bool:
        return self.transcript.err(content)


def _prompt_file(task: _Task, *, going_on: bool) -> Path:
    claimed, list_path = task.claimed, Path(task.surroundings.list_path)
    known = prompt.Task(
        claimed.task_id,
        claimed.title,
        claimed.spec["blocks"],
        "" if going_on else claimed.last_error or "",
        task.context,
        claimed.notes,
    )
    text = prompt.compose(
        known,
        list_name=list_path.name,
        list_verify=str(task.settings.get("verify") or ""),
        protected=task.protected,
    )
    if going_on:
        text = prompt.again(claimed.last_error or "") + text
    file = task.surroundings.scratch / f"{claimed.run_id}.prompt.md"
    write_script(file, text)
    return file


def _words(task: _Task, file: Path, session: str | None, *, going_on: bool) -> list[str]:
    """The command line; what stands in braces is put in word by word, and no shell reads it."""
    profile = task.profile
    command = list(profile.resume_command if going_on and profile.resume_command else profile.command)
    if session:
        command += profile.session.resume if going_on else profile.session.start
    usd = _dollars(task.settings)
    if usd is not None:
        command += profile.budget
    values = {
        "{session}": session or "",
        "{prompt}": str(file),
        "{usd}": f"{usd or 0:g}",
        "{task}": task.claimed.task_id,
    }
    words = [_filled(word, values) for word in command]
    return [*words, file.read_text(encoding="utf-8")] if profile.prompt == "argument" else words


def _filled(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(name, value)
    return word


def _dollars(settings: Mapping[str, Any]) -> float | None:
    """What a single run may cost at most, where the list says."""
    budget = settings.get("budget") or {}
    found = [part["usd"] for part in (budget, budget.get("day") or {}, budget.get("task") or {}) if "usd" in part]
    return min(found) if found else None


def _environ(task: _Task) -> dict[str, str]:
    allowed = environment.allowed(task.surroundings.environ, task.profile.environment)
    surroundings = replace(task.surroundings, environ={**allowed, **task.profile.set})
    environ = shell.environ_of(task.claimed, _NO_BLOCK, surroundings)
    own = surroundings.folder / Path(surroundings.list_path).name
    # Where it works apart, the list that is its business is the one in there, if there is one.
    return environ | {"EXECUTOR_LIST": str(own)} if own.is_file() else environ


def _verdict(task: _Task, said: _Said) -> Verdict:
    return verdict.judge(
        task.profile,
        said.facts,
        code=said.ended.code,
        signal=said.ended.signal,
        complaints=said.complaints,
        now=clock.here(),
    )


def _outcome(task: _Task, said: _Said, changes: Changes) -> Outcome:
    """What the run came to, before any check."""
    ended = said.ended
    found = Outcome(
        RunStatus.SUCCEEDED,
        exit_code=ended.code,
        signal=ended.signal,
        cpu_seconds=ended.cpu_seconds,
        memory_bytes=ended.memory_bytes,
        usage=_usage(task, said),
    )
    name = task.name
    if ended.why is process.Why.CANCEL:
        return replace(found, status=RunStatus.CANCELLED, error=f"{name} was stopped")
    if ended.why is not None:
        return replace(found, status=RunStatus.TIMED_OUT, error=_too_long(task, said))
    if changes.paths:
        error = f"{name} changed what it must not: {', '.join(changes.paths[:5])}; it was put back"
        return replace(found, status=RunStatus.FAILED, error=f"{error}:\n{changes.diff}")
    if changes.unknown:
        error = f"it cannot be told whether {name} changed what it must not: {changes.unknown}"
        return replace(found, status=RunStatus.FAILED, error=error)
    return _judged(task, said, found)


def _judged(task: _Task, said: _Said, found: Outcome) -> Outcome:
    name, profile = task.name, task.profile
    came_to = _verdict(task, said)
    told = f"{name}: {came_to.sentence}"
    match came_to.kind:
        case Kind.DONE:
            blocked = _blocked(said.facts.answer)
            return replace(found, status=RunStatus.FAILED, error=f"{name} is blocked: {blocked}") if blocked else found
        case Kind.LIMIT:
            wait = verdict.patience(came_to.wait, int(task.context.get("refusals") or 0) + 1)
            return replace(found, status=RunStatus.REFUSED, error=told, wait=wait)
        case Kind.LOGIN | Kind.BILLING:
            what = profile.login if came_to.kind is Kind.LOGIN else "see to the account's balance"
            halt = f"{told}; {what or 'log it in'}, then `executor run` goes on"
            return replace(found, status=RunStatus.REFUSED, error=halt, halt=halt)
        case Kind.PERMISSION:
            halt = f"{told}; {profile.permit or 'allow what it needs'}, then `executor run` goes on"
            return replace(found, status=RunStatus.REFUSED, error=halt, halt=halt)
        case _:
            return replace(found, status=RunStatus.FAILED, error=told)


def _too_long(task: _Task, said: _Said) -> str:
    if said.ended.why is process.Why.TIMEOUT:
        limit = shell.timeout_of(_NO_BLOCK, task.settings) or 0
        sentence = f"{task.name} ran longer than its timeout of {limit:g} s and was ended"
    else:
        stall = float(task.settings.get("stall") or STALL_SECONDS)
        sentence = f"{task.name} printed nothing for {stall:g} s and was ended"
    trouble = said.facts.notes[-1].message if said.facts.notes else ""
    return f"{sentence}:\n{trouble}" if trouble else sentence


def _blocked(answer: str) -> str:
    last = answer.strip().rpartition("\n")[2].strip().strip("*_`")
    return last.removeprefix(prompt.BLOCKED).strip() or "it does not say why" if last.startswith(prompt.BLOCKED) else ""


def _usage(task: _Task, said: _Said) -> Usage:
    """What this run used. Where the agent counts a whole session, less what the runs before it in there used."""
    facts, output = said.facts, task.profile.output
    before: Mapping[str, Any] = task.context.get("spent") or {} if said.session == task.context.get("session") else {}

    def own(name: str, number: float) -> float:
        whole = output.cost if name == "cost" else output.usage
        if name == "cost" and 0 < facts.counted < facts.input + float(before.get("input") or 0):
            return number  # a version whose dollars are of this run alone
        earlier = float(before.get(name) or 0)
        return number - earlier if whole == "session" and number >= earlier else number

    return Usage(
        agent=task.name,
        session=said.session,
        answer=facts.answer[-_ANSWER_MAX:],
        tokens_in=int(own("input", facts.input)),
        tokens_out=int(own("output", facts.output)),
        tokens_cached=int(own("cached", facts.cached)),
        cost_usd=None if facts.cost is None else own("cost", facts.cost),
    )


def _tell(task: _Task, changes: Changes) -> None:
    """Put what was noticed into the output of the run, where a person finds it."""
    lines = []
    if changes.ticked:
        lines.append(f"{task.name} changed the boxes of {', '.join(changes.ticked)}; that counts for nothing, put back")
    if changes.diff:
        lines.append(changes.diff)
    if changes.failure:
        lines.append(f"could not be put back: {changes.failure}")
    if lines:
        content = ("\n" + "\n".join(lines) + "\n").encode("utf-8", "replace")
        for start in range(0, len(content), process.CHUNK_BYTES):
            task.io.output(content[start : start + process.CHUNK_BYTES])
