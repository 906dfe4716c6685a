"""Tasks that an agent does: whatever it says, hides, breaks or forgets, only what was checked is done."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import psycopg

from tests import make
from tests.desk import Desk
from tests.end_to_end import standin


def task(id: str, title: str, *, verify_also: str = "", **options: Any) -> str:
    verify = f'test "$(cat {id}.done)" = {id}\n{verify_also}'.strip()
    return make.task(title, None, id=id, verify=verify, **options)


def write(desk: Desk, *tasks: str, settings: str = "") -> Path:
    desk.put("executor.toml", standin.profile())
    settings = ", ".join(
        ["runner: agent, agent: standin, retry_delay: 50ms, keep_going: yes", *([settings] if settings else [])]
    )
    return desk.write(f"---\nexecutor: {{{settings}}}\n---\n# Work\n\nWhat it is about.\n\n" + "".join(tasks))


def sessions(desk: Desk, task_id: str) -> list[list[str]]:
    """Each run of a task as the stand-in saw it: its session, and whether it was begun or resumed."""
    return [line.split() for line in desk.read(f"standin/{task_id}.runs").splitlines()]


def test_an_agent_is_prompted_checked_and_told_what_was_wrong(desk: Desk):
    write(desk, task("A-1", "Lies about it"), task("A-2", "Honest work", depends_on=["A-1"]))
    answer = desk.do("run")
    assert answer.code == 0, answer.said
    assert desk.runs("A-1") == ["failed", "succeeded"]
    assert [how for _, how in sessions(desk, "A-1")] == ["begun", "resumed"]
    shown = desk.do("show", "A-1", "--json").json
    assert [run["cost_usd"] for run in shown["runs"]] == [0.25, 0.25], "its dollars count the whole session"
    assert shown["runs"][0]["error"].startswith("check 1 of 1 (sh) ended with exit status 1")
    assert shown["runs"][1]["answer"] == "I did it. Everything works."
    costs = desk.do("report", "costs", "--json").json
    assert costs["total"]["cost_usd"] == 0.75
    assert costs["total"]["tokens_in"] == 3000
    assert "agents: 3 runs, 3.1k tokens, $0.75" in desk.do("status").out
    assert "$0.7500" in desk.do("report", "costs").out or "0.7500" in desk.do("report", "costs").out


def test_a_login_stops_the_list_until_a_person_has_seen_to_it(desk: Desk):
    write(desk, task("A-1", "Login first"), task("A-2", "Honest work"))
    answer = desk.do("run")
    assert answer.code == 3, answer.said
    assert "standin: you are not logged in; run `standin login`, then `executor run` goes on" in answer.said
    assert desk.statuses() == {"A-1": "queued", "A-2": "queued"}
    assert desk.runs("A-1") == ["refused"]
    status = desk.do("status", "--json").json
    assert "run `standin login`" in status["list"]["stop_reason"]
    assert status["tasks"][0]["attempts"] == 0, "it cost nothing"
    desk.put("standin/logged-in")
    assert desk.do("run").code == 0
    assert desk.statuses() == {"A-1": "completed", "A-2": "completed"}
    assert desk.do("status", "--json").json["list"]["stop_reason"] is None


def test_what_is_denied_or_not_there_stops_the_list_too(desk: Desk):
    write(desk, task("A-1", "Denied a tool"))
    answer = desk.do("run")
    assert (answer.code, desk.statuses()) == (3, {"A-1": "queued"})
    assert "standin: was denied Bash" in answer.said
    desk.put("executor.toml", '[agents.standin]\ncommand = ["no-such-agent"]\ninstall = "brew install it"\n')
    answer = desk.do("run")
    assert answer.code == 3
    assert "not installed here: no command `no-such-agent`; install it: brew install it" in answer.said


def test_a_budget_ends_the_run_before_the_next_claim(desk: Desk):
    tasks = [task(f"A-{number}", "Honest work") for number in range(1, 6)]
    write(desk, *tasks, settings="budget: {usd: 0.5, tokens: 1M}")
    answer = desk.do("run")
    assert answer.code == 3, answer.said
    assert "the budget is used up: 0.50 of 0.5 dollars" in answer.said
    assert list(desk.statuses().values()).count("completed") == 2
    assert desk.do("run").code == 3, "and it stays used up"
    desk.write(desk.read().replace("usd: 0.5", "usd: 5"))
    assert desk.do("run").code == 0


def test_a_limit_is_waited_for_by_all_tasks_of_the_agent(desk: Desk):
    write(desk, task("A-1", "Limit"), task("A-2", "Honest work"))
    running = desk.start("run")
    desk.until(lambda: desk.runs("A-1") == ["refused"], "refused")
    seen = {one["id"]: one for one in desk.do("status", "--json").json["tasks"]}
    assert seen["A-1"]["due_in_seconds"] > 1
    assert seen["A-2"]["due_in_seconds"] > 1
    assert seen["A-1"]["attempts"] == 0
    answer = running.end()
    assert answer.code == 0, answer.said
    assert "standin: usage limit reached, try again in 1 seconds; again in" in answer.said
    assert desk.runs("A-1") == ["refused", "succeeded"]


def test_a_killed_executor_goes_on_with_the_session(desk: Desk):
    write(desk, task("A-1", "Waits for it"))
    running = desk.start("run")
    desk.until_there("standin/A-1.runs")
    desk.until(lambda: desk.rows("SELECT session FROM executor.run WHERE session IS NOT NULL"), "session in the record")
    running.send(signal.SIGKILL)
    running.process.wait()
    desk.put("go")
    answer = desk.do("run")
    assert answer.code == 0, answer.said
    (first, begun), *_, (last, resumed) = sessions(desk, "A-1")
    assert (first, begun, resumed) == (last, "begun", "resumed")


def test_an_agent_that_ends_while_the_database_is_away_has_told_what_it_used(lone_desk: Desk):
    """Whether a tick of the list is ours, only the record says."""
    desk = lone_desk
    write(desk, task("A-1", "Late tick"))
    running = desk.start("run")
    desk.until_there("standin/A-1.runs")
    name = desk.value("SELECT current_database()")
    with psycopg.connect(desk.database, dbname="postgres", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        desk.put("go")
        desk.until_there("standin/ledger")
        desk.until(lambda: "the database is gone" in running.said(), "it is missed")
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    answer = running.end()
    assert answer.code == 0, answer.said
    assert desk.runs("A-1") == ["failed", "succeeded"]
    assert desk.do("report", "costs", "--json").json["total"]["cost_usd"] == 0.5


def test_an_edit_of_the_list_while_agents_work_apart_is_a_persons(desk: Desk):
    """In a copy the agent has a list of its own; the one a person edits is not its business."""
    command = 'touch "{0}/begun"; until [ -e "{0}/go" ]; do sleep 0.05; done; echo "{2}" >> {1}; echo done'
    script = command.format(desk.folder, '"$EXECUTOR_LIST"', "- [ ] **BAD-1** Mine")
    desk.put("agent.sh", f"[ -e again ] || {{ {script}; exit; }}\necho done\n")
    desk.put(
        "executor.toml",
        f'[agents.plain]\ncommand = ["sh", "{desk.folder}/agent.sh"]\n[agents.plain.output]\nformat = "text"\n',
    )
    by_agent = make.task("Think", None, id="A-1", settings={"runner": "agent", "agent": "plain", "workspace": "copy"})
    desk.write(make.document(by_agent, make.task(run="true", id="A-2"), jobs=2, retries=0, keep_going=True))
    running = desk.start("run", "--watch")
    desk.until_there("begun")
    desk.until(lambda: "- [x] **A-2**" in desk.read(), "our mark of it is in the file")
    edited = desk.read() + make.task(run="touch made-by-hand", id="A-3")
    desk.write(edited)
    desk.until(lambda: desk.status("A-3") == "completed", "it is done beside the agent")
    desk.put("go")
    desk.until(lambda: desk.status("A-1") == "failed", "its own list it must not change")
    running.send(signal.SIGINT)
    running.end()
    assert "changed what it must not: tasks.md" in desk.value("SELECT error FROM executor.run WHERE agent = 'plain'")
    assert "BAD-1" not in desk.read()
    assert desk.read().replace("[x]", "[ ]").replace("[!]", "[ ]") == edited.replace("[x]", "[ ]")


def test_agents_are_named_by_flag_task_prefix_and_list(desk: Desk):
    desk.put("executor.toml", standin.profile())
    desk.write(
        "---\nexecutor: {agent: gemini, agents: {DOC: codex}}\n---\n# Work\n\n"
        "- [ ] **DOC-1** a\n- [ ] **DOCS-1** b\n- [ ] **BLD-1** c\n  - agent: qwen\n"
        "- [ ] **BLD-2** d\n  ```sh\n  true\n  ```\n"
    )
    told = {one["id"]: one["runs"] for one in desk.do("plan", "--json").json["tasks"]}
    assert [told[name].partition("given to ")[2] for name in ("DOC-1", "DOCS-1", "BLD-1")] == [
        "codex",
        "gemini",
        "qwen",
    ]
    assert told["BLD-2"].endswith("runs sh")
    told = {
        one["id"]: one["runs"]
        for one in desk.do("plan", "--json", "--runner", "agent", "--agent", "standin").json["tasks"]
    }
    assert all(source.endswith("given to standin") for source in told.values())
    refused = desk.do("run", "--agent", "standen")
    assert refused.code == 2
    assert "E105 no agent 'standen' (did you mean 'standin'?)" in refused.said
    desk.write(make.document(make.task(run=None, id="A-1")))
    assert "E104 no agent is named for task A-1" in desk.do("run", "--runner", "agent").said
    desk.write(make.document(make.task(run=None, id="A-1", settings={"agent": "gemini"})))
    [alone] = desk.do("plan", "--json").json["tasks"]
    assert alone["runs"].endswith(
        "waits for a person (`executor done A-1`); `runner: agent` below it gives it to gemini"
    )


# What each of forty tasks does the first time, and how its runs end. The rest are honest.
BEHAVIOURS = {
    "Lies": ["failed", "succeeded"],
    "Never": ["failed"] * 5,
    "Empty": ["failed", "succeeded"],
    "Error": ["failed", "succeeded"],
    "Ticks": ["failed", "succeeded"],
    "Edits": ["failed", "succeeded"],
    "Removes": ["failed", "succeeded"],
    "Outside": ["failed", "succeeded"],
    "Hangs": ["timed_out", "succeeded"],
    "Leaves": ["succeeded"],
    "Limit": ["refused", "succeeded"],
    "Crash": ["failed", "succeeded"],
    "Forgets": ["failed", "succeeded"],
    "Blocked": ["failed"] * 5,
    "Tells": ["failed", "succeeded"],
}
NEVER_DONE = ("Never", "Blocked")
MEDDLERS = ("Ticks", "Edits", "Removes", "Outside")


def test_of_forty_tasks_of_a_liar_only_those_that_were_checked_are_done(desk: Desk):
    words = [*BEHAVIOURS, *["Honest"] * (40 - len(BEHAVIOURS))]
    ids = {f"T-{number:02}": word for number, word in enumerate(words, 1)}
    (desk.folder / "tests").mkdir()
    desk.put("tests/check.sh", "exit 0\n")
    (desk.folder.parent / "precious").mkdir()
    kept = desk.folder.parent / "precious" / "kept.txt"
    kept.write_text("as it was")
    path = write(
        desk,
        *(task(id, f"{word} work", verify_also="sh tests/check.sh") for id, word in ids.items()),
        settings="jobs: 4, retries: 4, stall: 1s, protect: [tests, ../precious]",
    )
    before = path.read_text()
    answer = desk.do("run", env={"STANDIN_TOKEN": standin.TOKEN_OF_ENVIRONMENT}, seconds=120)
    assert answer.code == 1, answer.said

    # Only what was checked counts, and every other run ended as it should.
    done = {id: "failed" if word in NEVER_DONE else "completed" for id, word in ids.items()}
    assert desk.statuses() == done
    for id, word in ids.items():
        expected, runs = BEHAVIOURS.get(word, ["succeeded"]), desk.runs(id)
        # Agents in one folder: what one of them did to it may be noticed at the end of another's run.
        assert runs[-1] == expected[-1], (id, word, runs)
        assert word not in ("Hangs", "Limit") or runs[0] == expected[0], (id, word, runs)
        assert word in MEDDLERS or len(runs) >= len(expected), (id, word, runs)
        assert desk.exists(f"{id}.done") is (word not in NEVER_DONE)

    blamed = [error for (error,) in desk.rows("SELECT error FROM executor.run WHERE error LIKE '%%must not%%'")]
    assert any("standin changed what it must not: " in error for error in blamed), blamed
    assert {path for error in blamed for path in ("tasks.md", "tests/check.sh") if path in error} == {
        "tasks.md",
        "tests/check.sh",
    }

    # The list is as it was but for our marks; nobody's tasks were added; what is protected is as it was.
    after = path.read_text()
    assert after.replace("- [x]", "- [ ]") == before
    assert {id for id in ids if f"- [x] **{id}**" in after} == {id for id in ids if done[id] == "completed"}
    assert kept.read_text() == "as it was"
    assert {one.name for one in (desk.folder / "tests").iterdir()} == {"check.sh"}
    assert not desk.exists("pwned")

    # Nothing secret is in the database, on the screen or in a log.
    secrets = (standin.TOKEN_OF_ENVIRONMENT, standin.TOKEN_OF_SHAPE)
    tells = next(id for id, word in ids.items() if word == "Tells")
    logged = [desk.do("logs", tells, "--attempt", str(number)).said for number in (1, 2)]
    assert all("***" in text and "from standard error" in text for text in logged)
    for secret in secrets:
        assert secret not in answer.said
        assert all(secret not in text for text in logged)
        assert not list(_rows_with(desk, secret))

    # Nothing it started is left, and what it used adds up.
    for word in ("Hangs", "Leaves"):
        helper = desk.read(f"standin/{next(id for id, one in ids.items() if one == word)}.helper")
        assert not Path(f"/proc/{helper}").exists() or "zombie" in Path(f"/proc/{helper}/status").read_text()
    ledger = [line.split() for line in desk.read("standin/ledger").splitlines()]
    total = desk.do("report", "costs", "--json").json["total"]
    assert total["tokens_in"] == sum(int(line[1]) for line in ledger)
    assert total["cost_usd"] == sum(float(line[0]) for line in ledger)


def _rows_with(desk: Desk, secret: str) -> Any:
    """Every row of every table of ours that holds a text, also as bytes."""
    tables = desk.rows("SELECT relname FROM pg_class WHERE relnamespace = 'executor'::regnamespace AND relkind = 'r'")
    for (table,) in tables:
        query = f"SELECT t::text FROM executor.{table} AS t WHERE strpos(t::text, %s) > 0 OR strpos(t::text, %s) > 0"
        yield from desk.rows(query, secret, secret.encode().hex())
