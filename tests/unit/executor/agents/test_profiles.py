"""Profiles of agents: ours, those of users, and what is told of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.runners.agents import catalogue
from executor.runners.agents.profile import BadProfile

NO_HOME: dict[str, str] = {}


def write(folder: Path, text: str) -> None:
    (folder / "executor.toml").write_text(text)


def test_all_of_ours_can_be_read(tmp_path: Path):
    entries = catalogue.every(tmp_path, NO_HOME)
    assert {"claude", "codex", "gemini", "aider", "opencode", "cursor-agent", "copilot", "amp", "goose", "qwen"} == {
        entry.name for entry in entries
    }
    for entry in entries:
        profile = entry.profile
        assert profile.about, entry.name
        assert profile.login, entry.name
        kinds = {problem.kind for problem in profile.problems}
        assert {"login", "limit", "billing", "transient"} <= kinds, "what all services say alike"


def test_a_file_beside_the_list_adds_an_agent(tmp_path: Path):
    write(tmp_path, '[agents.mine]\ncommand = ["my-agent", "--yes"]\n')
    entry = catalogue.find("mine", tmp_path, NO_HOME)
    assert entry is not None
    assert entry.profile.command == ["my-agent", "--yes"]
    assert entry.place == str(tmp_path / "executor.toml")
    assert catalogue.find("mime", tmp_path, NO_HOME) is None


def test_a_user_changes_one_word_of_one_of_ours(tmp_path: Path):
    write(
        tmp_path, '[agents.claude]\ncommand = ["claude", "-p"]\n[agents.opus]\nlike = "claude"\nset = { MODEL = "x" }\n'
    )
    for name, command in (("claude", ["claude", "-p"]), ("opus", None)):
        entry = catalogue.find(name, tmp_path, NO_HOME)
        assert entry is not None
        assert entry.profile.output.cost == "session", "the rest is ours"
        assert command is None or entry.profile.command == command


def test_the_nearest_file_up_to_the_repository_counts_and_then_the_users(tmp_path: Path):
    home, repository = tmp_path / "home", tmp_path / "repository"
    below = repository / "docs" / "lists"
    below.mkdir(parents=True)
    (repository / ".git").mkdir()
    (home / ".config" / "executor").mkdir(parents=True)
    write(home / ".config" / "executor", '[agents.a]\ncommand = ["user"]\n[agents.b]\ncommand = ["user"]\n')
    write(tmp_path, '[agents.c]\ncommand = ["above the repository"]\n')
    write(repository, '[agents.a]\ncommand = ["repository"]\n')
    environ = {"HOME": str(home)}
    found = {entry.name: entry.profile.command for entry in catalogue.every(below, environ) if len(entry.name) == 1}
    assert found == {"a": ["repository"], "b": ["user"]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[agents.x]\n", "agents.x.command: field required"),
        ("[agents.x]\ncommand = []\n", "agents.x.command: list should have at least 1 item"),
        ('[agents.x]\ncommand = ["x"]\nprompt = "mail"\n', "agents.x.prompt: input should be 'stdin', 'argument' or"),
        ('[agents.x]\ncommand = ["x"]\nprompt = "file"\n', "agents.x.command: no word holds {prompt}"),
        ('[agents.x]\ncommand = ["x"]\nlogni = ""\n', "agents.x.logni: no such key"),
        ('[agents.x]\nlike = "cloude"\n', "agents.x.like: no agent 'cloude' comes with the program"),
        ('[[agents.x.problems]]\nkind = "limit"\ntext = "("\n', "agents.x.problems.0.text: not a regular expression"),
        ("agents = 3\n", "agents: tables are expected, as [agents.NAME]"),
        ("[agents.x\n", "executor.toml: Expected"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, problem: str):
    if "problems" in text:
        text = '[agents.x]\ncommand = ["x"]\n' + text
    write(tmp_path, text)
    with pytest.raises(BadProfile) as refused:
        catalogue.find("x", tmp_path, NO_HOME)
    assert str(tmp_path / "executor.toml") in str(refused.value)
    assert problem in str(refused.value)
