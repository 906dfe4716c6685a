"""The units and the compose file of `examples/` call commands that exist, and are what systemd and YAML accept."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer.main
import yaml

from executor.cli.app import app

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
UNITS = sorted((EXAMPLES / "service").glob("executor*.*"))
COMPOSE = EXAMPLES / "team-server" / "compose.yaml"


def check_command(words: list[str]) -> None:
    """Every verb is one, and every option it is given is one of its."""
    command = typer.main.get_command(app)
    while hasattr(command, "get_command"):
        command, words = command.get_command(None, words[0]), words[1:]
        assert command is not None, words
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known, words


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_calls_commands_that_exist(unit: Path):
    for line in re.findall(r"^ExecStart=/opt/executor/bin/executor (.+)$", unit.read_text(), re.M):
        check_command(line.split())


def test_systemd_takes_the_units_where_there_is_one(tmp_path: Path):
    program = tmp_path / "executor"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copies = [tmp_path / unit.name for unit in UNITS]
    for unit, copy in zip(UNITS, copies, strict=True):
        copy.write_text(unit.read_text().replace("/opt/executor/bin/executor", str(program)))
    assert len(copies) == 3
    if verifier := shutil.which("systemd-analyze"):
        verified = subprocess.run([verifier, "verify", *copies], capture_output=True, text=True, check=False)
        assert (verified.returncode, verified.stderr) == (0, "")


def test_the_compose_file_calls_commands_that_exist():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    assert services.keys() == {"database", "worker", "backup"}
    check_command(services["worker"]["command"])
    (port,) = re.findall(r"^(?:127\.0\.0\.1:)?(\d+)$", services["worker"]["command"][-1])
    assert f"http://127.0.0.1:{port}/healthz" in services["worker"]["healthcheck"]["test"][-1]
    for line in re.findall(r"executor (db [^&\n]+)", services["backup"]["command"][0]):
        check_command(line.split())
    assert "password" not in services["worker"]["environment"]["DATABASE_URL"], "it comes from a file"
