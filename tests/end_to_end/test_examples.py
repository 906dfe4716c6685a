"""Every example of the README, of `examples/` and of `docs/` is run, and prints what the page says it prints."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import console_sessions
import pytest
from psycopg.conninfo import conninfo_to_dict

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
ON_A_SERVER = ROOT / "docs" / "how-to" / "run-on-a-server.md"
PAGES = sorted(
    page
    for page in (ROOT / "README.md", *EXAMPLES.rglob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if "```console\n" in page.read_text(encoding="utf-8") and page != ON_A_SERVER
)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """An EXECUTOR_HOME whose server stays up meanwhile, in a folder that root's unprivileged account can enter."""
    folder = Path(tempfile.mkdtemp(prefix="executor-examples-", dir="/tmp"))
    folder.chmod(0o755)
    environ = console_sessions.environment() | {"EXECUTOR_HOME": str(folder / "home")}
    _executor("db", "start", environ=environ)
    yield folder / "home"
    _executor("db", "stop", "--force", environ=environ)
    shutil.rmtree(folder)


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    return console_sessions.environment() | {"EXECUTOR_HOME": str(home)}


def _executor(*arguments: str, environ: dict[str, str], cwd: Path = ROOT) -> str:
    command = [sys.executable, "-m", "executor", *arguments]
    run = subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_shows_what_happens(page: Path, environ: dict[str, str], tmp_path: Path):
    folder = tmp_path / "project"
    if page.is_relative_to(EXAMPLES):
        shutil.copytree(page.parent, folder)
    else:
        folder.mkdir()
    text = page.read_text(encoding="utf-8")
    differences = console_sessions.replay(text, folder, environ, {environ["EXECUTOR_HOME"]: "/home/you/.executor"})
    assert not differences, "\n".join(differences)


def test_the_page_about_servers_shows_what_happens(database: str, tmp_path: Path):
    """Its commands run against a server that DATABASE_URL names, as its readers' do."""
    folder = tmp_path / "project"
    folder.mkdir()
    environ = console_sessions.environment() | {"DATABASE_URL": database}
    parts = conninfo_to_dict(database)
    places = {f"{parts['host']}:{parts['port']}/{parts['dbname']}": "db.example.com:5432/executor"}
    differences = console_sessions.replay(ON_A_SERVER.read_text(encoding="utf-8"), folder, environ, places)
    assert not differences, "\n".join(differences)


def test_the_ten_lines_of_the_readme_are_the_first_example():
    steps = console_sessions.read((ROOT / "README.md").read_text(encoding="utf-8"))
    shown = next(step for step in steps if isinstance(step, console_sessions.File))
    assert shown.name == "tasks.md"
    assert shown.content == (EXAMPLES / "first-run" / "tasks.md").read_text(encoding="utf-8")
    assert shown.content.count("\n") == 10


def test_every_example_has_a_list_without_errors_and_a_page_that_runs_it(environ: dict[str, str]):
    lists = sorted(EXAMPLES.rglob("tasks.md"))
    _executor("check", *map(str, lists), environ=environ)
    assert {one.parent for one in lists} == {page.parent for page in PAGES if page.is_relative_to(EXAMPLES)}
    assert {"first-run", "release-checklist", "crash-and-resume", "zero-downtime-migration"} <= {
        one.parent.name for one in lists
    }


def test_the_demo_runs_to_its_end_and_leaves_nothing_behind(environ: dict[str, str], tmp_path: Path):
    # A server of other work: the demo must not touch it, and here could not.
    asked = {"TMPDIR": str(tmp_path), "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "PGHOST": "127.0.0.1"}
    demo = subprocess.run(
        ["bash", EXAMPLES / "demo.sh"], env=environ | asked, capture_output=True, text=True, timeout=120, check=False
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "10 of 10 completed" in demo.stdout
    assert "- [ ]" not in demo.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_demo_that_does_not_work_here_says_so(environ: dict[str, str], tmp_path: Path):
    broken = environ | {"EXECUTOR_PG_PORT": "none", "TMPDIR": str(tmp_path)}
    demo = subprocess.run(
        ["bash", EXAMPLES / "demo.sh"], env=broken, capture_output=True, text=True, timeout=60, check=False
    )
    assert demo.returncode == 1
    assert "[DB_PORT]" in demo.stderr
    assert "executor doctor" in demo.stderr
    assert list(tmp_path.iterdir()) == []


def _make_environment(python: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", ROOT / ".ci" / "venv", python, folder]
    chosen = console_sessions.environment() | environ
    return subprocess.run(command, env=chosen, capture_output=True, text=True, timeout=60, check=False)


def test_a_machine_without_that_python_is_told_what_to_do(tmp_path: Path):
    made = _make_environment("python-of-nobody", tmp_path / "venv")
    assert made.returncode == 1
    assert made.stderr.startswith("error: there is no 'python-of-nobody' on this machine\n  hint: install Python 3.11")
    assert not (tmp_path / "venv").exists()


def test_a_python_that_cannot_make_environments_is_told_by_its_cause(tmp_path: Path):
    """As on Debian without python3-venv, whose Python has no ensurepip."""
    (tmp_path / "ensurepip.py").write_text("raise ImportError\n", encoding="utf-8")
    made = _make_environment(sys.executable, tmp_path / "venv", PYTHONPATH=str(tmp_path))
    assert made.returncode == 1
    assert "it has no ensurepip\n  hint: on Debian and Ubuntu: apt-get install python3-venv" in made.stderr
    assert not (tmp_path / "venv").exists()


def test_the_shapes_of_the_json_page_are_those_that_commands_print(environ: dict[str, str], tmp_path: Path):
    shutil.copy(EXAMPLES / "first-run" / "tasks.md", tmp_path)
    (tmp_path / "ids.md").write_text(
        "- [ ] one\n\n| ID | Task | Status |\n|---|---|---|\n| A-1 | a | todo |\n| | b | todo |\n"
    )
    (tmp_path / "asked.md").write_text("- [ ] Ask legal\n")
    _executor("sync", "asked.md", environ=environ, cwd=tmp_path)
    (tmp_path / "executor.toml").write_text('[agents.echo]\ncommand = ["cat"]\n')
    (tmp_path / "given.md").write_text("- [ ] Greet\n")
    _executor("run", "--agent", "echo", "given.md", environ=environ, cwd=tmp_path)
    real = {
        "run": _executor("run", "--json", environ=environ, cwd=tmp_path),
        "status": _executor("status", "--json", environ=environ, cwd=tmp_path),
        "list": _executor("list", "--json", environ=environ, cwd=tmp_path),
        "show": _executor("show", "HI-001", "--json", environ=environ, cwd=tmp_path),
        "events": _executor("events", "--json", environ=environ, cwd=tmp_path),
        "waiting": _executor("waiting", "--json", "asked.md", environ=environ, cwd=tmp_path),
        "parse": _executor("parse", environ=environ, cwd=tmp_path),
        "plan": _executor("plan", "--json", str(EXAMPLES / "release-checklist" / "tasks.md"), environ=environ),
        "parse --explain": _executor("parse", "--explain", "--json", environ=environ, cwd=tmp_path),
        "graph": _executor("graph", "--json", str(EXAMPLES / "release-checklist" / "tasks.md"), environ=environ),
        "id": _executor("id", "--json", "ids.md", environ=environ, cwd=tmp_path),
        "report costs": _executor("report", "costs", "--json", "given.md", environ=environ, cwd=tmp_path),
        "agents": _executor("agents", "--json", environ=environ, cwd=tmp_path),
        "doctor": _executor("doctor", "--json", environ=environ, cwd=tmp_path),
        "db status": _executor("db", "status", "--json", environ=environ, cwd=tmp_path),
    }
    page = (ROOT / "docs" / "reference" / "json.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^## `executor ([a-z -]+?)(?: --json)?`.*?^```json\n(.*?)^```", page, re.M | re.S))
    assert shown.keys() == real.keys() | {"check"}
    for verb, printed in real.items():
        assert _shape(json.loads(printed.splitlines()[-1])) == _shape(json.loads(shown[verb])), verb


def _shape(value: object) -> object:
    """The keys of objects at every depth; of a list that of its first object, and nothing of an empty one."""
    if isinstance(value, dict):
        open_ended = ("attributes", "settings", "detail", "env")
        return {key: None if key in open_ended else _shape(content) for key, content in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_shape(value[0])]
    return None
