"""What real command lines printed, and what is read from it: a table. A new profile is a file and its rows here."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from executor.runners.agents import catalogue, verdict
from executor.runners.agents.transcript import Transcript

FOLDER = Path(__file__).with_name("recordings")
TABLE: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "recordings.toml").read_text())
NOW = datetime(2026, 11, 21, 4, 40, tzinfo=UTC)
KILLED = 9


def replay(name: str, agent: str, piece: int) -> Transcript:
    entry = catalogue.find(agent, FOLDER, {})
    assert entry is not None
    transcript = Transcript(entry.profile)
    for ending, take in ((".out", transcript.out), (".err", transcript.err)):
        file = FOLDER / f"{name}{ending}"
        content = file.read_bytes() if file.exists() else b""
        for start in range(0, len(content), piece):
            take(content[start : start + piece])
    return transcript


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("piece", [7, 1 << 20])
def test_a_recording_is_read_as_the_table_says(name: str, piece: int):
    expected = TABLE[name]
    transcript = replay(name, expected["agent"], piece)
    facts = transcript.close()
    code = expected.get("exit")
    entry = catalogue.find(expected["agent"], FOLDER, {})
    assert entry is not None
    found = verdict.judge(
        entry.profile,
        facts,
        code=code,
        signal=KILLED if code is None else None,
        complaints=transcript.complaints,
        now=NOW,
    )
    assert found.kind == expected["kind"], found
    assert found.sentence.startswith(expected.get("says", "")), found.sentence
    assert int(found.wait.total_seconds()) == expected.get("wait", 0)
    assert facts.session == expected.get("session")
    assert [facts.input, facts.output, facts.cached] == expected.get("tokens", [0, 0, 0])
    assert round(facts.cost or 0.0, 6) == expected.get("cost", 0.0)
    if expected["kind"] == "done":
        assert "DONE: task finished." in facts.answer


def test_every_recording_is_in_the_table():
    assert {file.stem for file in FOLDER.iterdir() if file.suffix in (".out", ".err")} == set(TABLE)


def test_every_agent_that_was_recorded_failed_and_succeeded():
    recorded = {row["agent"] for row in TABLE.values()}
    assert recorded == set(catalogue.names()) - {"cursor-agent", "goose"}, "by their documentation alone"
    for agent in recorded - {"amp"}:
        kinds = {row["kind"] for row in TABLE.values() if row["agent"] == agent}
        assert {"done", "login"} <= kinds, agent
