"""The pages agree with the code: what it prints is up to date, and what is written by hand leaves nothing out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import reference_pages
import yaml

from executor import errors
from executor.cli.app import VERBS
from executor.events import Kind
from executor.states import ListStatus, RunStatus, TaskStatus
from loader import dialects, legends, settings
from sql import queries

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("README.md")])
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]*)(?:#([\w-]*))?\)")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _sources() -> Iterator[str]:
    return (_read(path) for path in sorted((ROOT / "executor").rglob("*.py")))


def _prose(page: str) -> str:
    """A page without its fenced blocks and code spans."""
    return re.sub(r"^(`{3,}).*?^\1$|`[^`\n]*`", "", page, flags=re.M | re.S)


def _anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _prose(page), re.M)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", reference_pages.pages(), ids=lambda page: page.name)
def test_what_is_printed_from_the_code_is_up_to_date(page: Path):
    text = _read(page)
    assert reference_pages.renewed(text) == text, "bring it up to date: make docs"


def test_every_verb_and_every_option_is_on_the_page_about_the_command_line():
    page = _read(REFERENCE / "command-line.md")
    assert all(f"## executor {verb}\n" in page for verb in VERBS)
    assert {path.name for path in reference_pages.pages()} == {
        "command-line.md",
        "diagnostics.md",
        "lint.md",
        "states.md",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    for target, anchor in _LINK.findall(_prose(_read(page))):
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), f"{target} does not exist"
        assert found.is_relative_to(ROOT), f"{target} leads out of the repository"
        if anchor:
            assert anchor in _anchors(_read(found)), f"no heading {anchor} in {target}"


def test_every_page_can_be_reached_from_the_readme():
    reached, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in reached:
            continue
        reached.add(page)
        if page.is_dir():
            ahead += page.rglob("*.md")
        elif page.suffix == ".md":
            ahead += ((page.parent / target).resolve() for target, _ in _LINK.findall(_read(page)) if target)
    assert set(PAGES) <= reached


def test_the_readme_names_the_command_that_ci_runs():
    assert "which .ci/run reads here -->\n```sh\nmake test\n```\n" in _read(ROOT / "README.md")


def test_every_exit_code_is_explained():
    codes = {str(value) for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert set(re.findall(r"^\| (\d+) \|", _read(REFERENCE / "exit-codes.md"), re.M)) == codes


def test_every_database_error_is_explained():
    raised = {code for source in _sources() for code in re.findall(r'"(DB_[A-Z_]+)"', source)}
    assert set(re.findall(r"^\| (DB_[A-Z_]+) \|", _read(REFERENCE / "database-errors.md"), re.M)) == raised


def test_every_variable_of_ours_is_explained():
    read = {name for source in _sources() for name in re.findall(r'"(EXECUTOR_[A-Z_]+)[="]', source)}
    assert set(re.findall(r"^\| `(EXECUTOR_[A-Z_]+)`", _read(REFERENCE / "environment.md"), re.M)) == read


def test_every_setting_is_explained_with_all_its_names():
    table = _read(REFERENCE / "format.md").partition("\n## Settings")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*) \| (task|list|both) \|", table, re.M)
    shown = {tuple(re.findall(r"`([^`]+)`", names)): level for names, level in rows}
    assert shown == {(row.name, *row.aliases): row.level for row in settings.TABLE}


def test_every_dialect_and_every_mark_is_explained():
    page = _read(REFERENCE / "format.md")
    assert all(f"`{name}`" in page for name in dialects.NAMES)
    table = page.partition("\n## Marks")[2].partition("\nA legend")[0]
    assert {f"`{mark}`" for mark in legends.DEFAULT if mark.strip()} == set(re.findall(r"`.`", table))


def test_every_diagnostic_outside_the_loader_is_explained():
    found = {code for source in _sources() for code in re.findall(r'"([EWI]\d{3})"', source)}
    assert found == set(re.findall(r"^\| (E1\d\d) \|", _read(REFERENCE / "diagnostics.md"), re.M))


def test_every_state_and_every_kind_of_event_is_explained():
    states = _read(REFERENCE / "states.md")
    assert all(f"| `{state}` |" in states for kind in (TaskStatus, RunStatus, ListStatus) for state in kind)
    json = _read(REFERENCE / "json.md")
    assert all(f"`{kind}`" in json for kind in Kind)


def test_every_table_of_the_schema_is_explained():
    schema = "".join(_read(path) for path in sorted((ROOT / "sql" / "migrations").glob("*.sql")))
    ledger = queries.load("ledger")
    made_by_itself = b"\n".join((ledger.create_table, ledger.create_event_table, ledger.create_schema_table)).decode()
    made = set(re.findall(r"^CREATE TABLE executor\.(\w+)", f"{schema}\n{made_by_itself}", re.M))
    architecture = _read(ROOT / "docs" / "explanation" / "architecture.md")
    assert made == set(re.findall(r"^\| `(\w+)` \|", architecture.partition("\n## The tables")[2], re.M))


def test_the_layers_of_the_page_are_those_that_a_tool_enforces():
    import tomllib

    contracts = tomllib.loads(_read(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    held = [set(re.split(r" \| ", line)) for line in contracts[0]["layers"]]
    page = _read(ROOT / "docs" / "explanation" / "architecture.md")
    table = page.partition("| layer | |")[2].partition("\n\n")[0]
    shown = [set(re.findall(r"`(\w+)`", row.split("|")[1])) for row in table.splitlines()[2:]]
    assert shown == held


def test_yaml_in_the_pages_is_yaml():
    blocks = [block for page in PAGES for block in re.findall(r"^```yaml\n(.*?)^```", _read(page), re.M | re.S)]
    assert len(blocks) >= 2
    assert all(yaml.safe_load(block) for block in blocks)


def test_the_hook_and_the_workflow_call_options_that_exist():
    from typer.main import get_command

    from executor.cli.app import app

    (hook,) = yaml.safe_load(_read(ROOT / ".pre-commit-hooks.yaml"))
    workflow = yaml.safe_load(_read(ROOT / "examples" / "github-workflow" / "task-lists.yml"))
    steps = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    commands = [hook["entry"], *(step for step in steps if "executor" in step)]
    assert len(commands) == 2
    for command in commands:
        verb, *words = command.partition("executor ")[2].split()
        known = {name for one in get_command(app).get_command(None, verb).params for name in one.opts}
        assert {word for word in words if word.startswith("-")} <= known


@pytest.mark.parametrize(
    ("path", "is_checked"),
    [("tasks.md", True), ("specs/001/tasks.md", True), ("TODO.md", True), ("my-tasks.md", False), ("tasks.mdx", False)],
)
def test_the_hook_takes_files_with_the_usual_names(path, is_checked):
    (hook,) = yaml.safe_load(_read(ROOT / ".pre-commit-hooks.yaml"))
    assert bool(re.search(hook["files"], path)) is is_checked


def test_every_decision_has_a_number_of_its_own():
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1)), "two took the same number, or one is missing"
    assert [f"# {number}. " for number in numbers] == [
        _read(page)[: len(f"# {number}. ")] for number, page in zip(numbers, pages, strict=True)
    ]
