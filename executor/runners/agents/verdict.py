"""What a run of an agent came to: a decision over what it said and how it ended, never over either alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from executor.runners.agents import resets
from executor.runners.agents.profile import Kind, Problem, Profile
from executor.runners.agents.transcript import Facts, Trouble

# Where a limit does not say when it is over. A quota asked for again every minute only costs requests.
WAIT_UNSTATED = timedelta(minutes=5)
_WAIT_LEAST = timedelta(seconds=5)  # doubled with each refusal in a row, up to the one above
_MARGIN = timedelta(seconds=2)  # clocks differ, and a moment early is a run for nothing
_SENTENCE_MAX = 400
_MESSAGE = re.compile(r'"message":\s*"((?:[^"\\]|\\.)*)"')


class Verdict(Struct, frozen=True):
    """A kind, what to tell of it in one line, and for a limit how long to wait."""

    kind: Kind
    sentence: str = ""
    wait: timedelta = timedelta()


def judge(
    profile: Profile, facts: Facts, *, code: int | None, signal: int | None, complaints: str, now: datetime
) -> Verdict:
    """Success is an exit status of 0, an end that the agent told, no error, nothing denied and an answer.

    `complaints` is the end of standard error. Its text is looked at only where the run did not succeed: an agent that
    works on code prints the words of every error there is.
    """
    troubles = list(facts.errors)
    if code != 0 and not troubles:
        troubles = [*facts.notes[-1:], Trouble(complaints), Trouble(facts.answer[-2000:])]
    found = _of_exit(profile.problems, code, complaints) or _first(profile.problems, troubles)
    found = found or _in_answer(profile.problems, facts)
    if found is not None:
        problem, message = found
        if problem.kind is Kind.LIMIT:
            return Verdict(Kind.LIMIT, _line(message), _wait(facts, f"{message}\n{complaints}", now))
        return Verdict(problem.kind, _line(message) or f"ended with exit status {code}")
    if facts.errors:
        return Verdict(Kind.FAILED, _line(facts.errors[-1].message) or "it told of an error without a message")
    return _of_end(profile, facts, code, signal, complaints)


def patience(wait: timedelta, refusals: int) -> timedelta:
    """How long to wait after this many refusals in a row: as was said, but longer each time it was not enough."""
    doubled: timedelta = _WAIT_LEAST * 2 ** min(max(refusals - 1, 0), 10)
    return max(wait, min(doubled, WAIT_UNSTATED))


def _of_end(profile: Profile, facts: Facts, code: int | None, signal: int | None, complaints: str) -> Verdict:
    if signal is not None:
        return Verdict(Kind.FAILED, f"was ended by signal {signal}")
    if code != 0:
        last = _essence(complaints) or (facts.notes[-1].message if facts.notes else "")
        return Verdict(Kind.FAILED, f"ended with exit status {code}{f': {_line(last)}' if last else ''}")
    if facts.denied:
        return Verdict(Kind.PERMISSION, f"was denied {', '.join(dict.fromkeys(facts.denied))}")
    if any(rule.ended for rule in profile.output.rules) and not facts.ended:
        return Verdict(Kind.FAILED, "ended without saying that it is through")
    if not facts.answer.strip():
        return Verdict(Kind.FAILED, "gave an empty answer")
    return Verdict(Kind.DONE)


def _first(problems: Sequence[Problem], troubles: Sequence[Trouble]) -> tuple[Problem, str] | None:
    """The first problem that the first of the errors is, and what was said of it."""
    for trouble in troubles:
        for problem in problems:
            if trouble.status in problem.status or trouble.word in problem.words:
                return problem, trouble.message
            if problem.text and (match := re.search(problem.text, trouble.message)):
                return problem, trouble.message[trouble.message.rfind("\n", 0, match.start()) + 1 :]
    return None


def _of_exit(problems: Sequence[Problem], code: int | None, complaints: str) -> tuple[Problem, str] | None:
    return next(((problem, _essence(complaints)) for problem in problems if code in problem.exits), None)


def _in_answer(problems: Sequence[Problem], facts: Facts) -> tuple[Problem, str] | None:
    """Errors that an agent gives as its answer, with an exit status of 0."""
    for problem in problems:
        if problem.always and problem.text and (match := re.search(problem.text, facts.answer)):
            return problem, facts.answer[match.start() :]
    return None


def _wait(facts: Facts, text: str, now: datetime) -> timedelta:
    until = datetime.fromtimestamp(facts.until, UTC) if facts.until else None
    if until is None or until <= now:
        until = resets.find(text, now)
    return WAIT_UNSTATED if until is None else until - now + _MARGIN


def _essence(complaints: str) -> str:
    """The message in an error that is printed as JSON, else the last line."""
    if found := _MESSAGE.findall(complaints):
        return str(found[-1]).replace('\\"', '"')
    return complaints.strip().rpartition("\n")[2]


def _line(text: str) -> str:
    """A message as one line."""
    one = " ".join(text.split())
    return one if len(one) <= _SENTENCE_MAX else one[: _SENTENCE_MAX - 1] + "…"
