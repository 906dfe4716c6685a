"""The outcome rule, and the times that messages name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from executor.runners.agents import catalogue, resets, verdict
from executor.runners.agents.profile import Kind, Profile
from executor.runners.agents.transcript import Transcript
from executor.runners.agents.verdict import Verdict

NOW = datetime(2026, 11, 21, 4, 40, tzinfo=UTC)


def profile(name: str) -> Profile:
    entry = catalogue.find(name, Path("/"), {})
    assert entry is not None
    return entry.profile


def judged(name: str, *events: object, code: int | None = 0, err: str = "") -> Verdict:
    transcript = Transcript(profile(name))
    transcript.out("".join(f"{json.dumps(event)}\n" for event in events).encode())
    transcript.err(err.encode())
    facts = transcript.close()
    signal = 15 if code is None else None
    return verdict.judge(profile(name), facts, code=code, signal=signal, complaints=transcript.complaints, now=NOW)


RESULT = {"type": "result", "subtype": "success", "is_error": False, "result": "all done", "permission_denials": []}


def test_success_takes_an_answer_an_end_and_nothing_against_it():
    assert judged("claude", RESULT).kind is Kind.DONE
    assert judged("claude", RESULT | {"result": " \n"}) == Verdict(Kind.FAILED, "gave an empty answer")
    assert judged("claude", RESULT | {"is_error": True}).kind is Kind.FAILED
    assert judged("claude", RESULT, code=1) == Verdict(Kind.FAILED, "ended with exit status 1")
    assert judged("claude", RESULT, code=None) == Verdict(Kind.FAILED, "was ended by signal 15")
    assert judged("claude", {"type": "system"}) == Verdict(Kind.FAILED, "ended without saying that it is through")
    denied = [{"tool_name": "Bash"}, {"tool_name": "Write"}, {"tool_name": "Bash"}]
    assert judged("claude", RESULT | {"permission_denials": denied}) == Verdict(
        Kind.PERMISSION, "was denied Bash, Write"
    )


def test_words_of_errors_in_the_work_itself_are_no_errors():
    talk = "I mended the handling of 429 Too Many Requests, usage limit and 401 Unauthorized. invalid api key too."
    assert judged("claude", RESULT | {"result": talk}, err="rate limit, ENOTFOUND").kind is Kind.DONE
    assert (
        judged(
            "codex",
            {"type": "item.completed", "item": {"type": "agent_message", "text": talk}},
            {"type": "turn.completed", "usage": {}},
        ).kind
        is Kind.DONE
    )


def test_a_limit_waits_until_the_time_that_the_agent_tells():
    rejected = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": NOW.timestamp() + 60}}
    failed = RESULT | {
        "is_error": True,
        "result": "You've hit your session limit · resets 7pm",
        "api_error_status": 429,
    }
    found = judged("claude", rejected, failed, code=1)
    assert (found.kind, found.wait) == (Kind.LIMIT, timedelta(seconds=62))
    assert judged("claude", failed, code=1).wait == timedelta(hours=14, minutes=20, seconds=2)


def test_a_limit_that_comes_back_at_once_is_waited_for_longer():
    waits = [verdict.patience(timedelta(seconds=1), refusals).total_seconds() for refusals in (1, 2, 3, 20)]
    assert waits == [5, 10, 20, 300]
    assert verdict.patience(timedelta(hours=2), 9) == timedelta(hours=2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("try again at 7:18 AM.", datetime(2026, 11, 21, 7, 18, tzinfo=UTC)),
        ("resets 3am", datetime(2026, 11, 22, 3, 0, tzinfo=UTC)),
        ("limit · resets 3pm (Europe/Rome)", datetime(2026, 11, 21, 14, 0, tzinfo=UTC)),
        ("resets Nov 23, 5:30pm (UTC)", datetime(2026, 11, 23, 17, 30, tzinfo=UTC)),
        ("try again at Jan 2nd, 2027 9:00 AM", datetime(2027, 1, 2, 9, 0, tzinfo=UTC)),
        ("Claude AI usage limit reached|1795240000", datetime.fromtimestamp(1795240000, UTC)),
        ("until 2026-11-21T10:00:00Z", datetime(2026, 11, 21, 10, 0, tzinfo=UTC)),
        ("try again in 2 hours 30 minutes", NOW + timedelta(hours=2, minutes=30)),
        ("Please retry in 1d 3h", NOW + timedelta(days=1, hours=3)),
        ("Suggested retry after 3s..", NOW + timedelta(seconds=3)),
        ("retry-after: 18000", NOW + timedelta(hours=5)),
        ("see you at 7", None),
        ("rate limit after 3 requests", None),
        ("2 of 3 in 2026", None),
        ("resets 3pm (Not/AZone)", datetime(2026, 11, 21, 15, 0, tzinfo=UTC)),
    ],
)
def test_the_time_a_message_names(text: str, expected: datetime | None):
    assert resets.find(text, NOW) == expected


def test_a_clock_time_is_of_the_zone_of_the_machine():
    here = NOW.astimezone(ZoneInfo("America/New_York"))
    assert resets.find("try again at 7:18 AM", here) == datetime(2026, 11, 21, 12, 18, tzinfo=UTC)
