from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sql import script
from sql.errors import EXIT_HISTORY, HistoryDiffers, NewerHistory
from sql.folder import Migration
from sql.plan import Plan, ProblemKind, Recorded, compare, difference, refusal


def file(version: int, text: str = "SELECT 1;", name: str = "name") -> Migration:
    parsed = script.parse(text)
    path = f"sql/{version:04d}_{name}.sql"
    return Migration(version, name, path, parsed)


def row(version: int, text: str = "SELECT 1;", name: str = "name") -> Recorded:
    return Recorded(version, name, script.checksum(text), datetime(2026, 8, 3, tzinfo=UTC))


def kinds(plan: Plan) -> list[tuple[str, int]]:
    return [(problem.kind.value, problem.version) for problem in plan.problems]


def test_an_empty_ledger_leaves_everything_pending():
    plan = compare([file(1), file(2)], [])
    assert [migration.version for migration in plan.pending] == [1, 2]
    assert (plan.problems, plan.newest, plan.known) == ((), 0, 2)


def test_nothing_is_pending_when_both_agree():
    assert compare([file(1), file(2)], [row(1), row(2)]) == Plan((), (), 2, 2)


def test_17_an_edited_file_is_a_problem():
    assert kinds(compare([file(1, "SELECT 2;")], [row(1)])) == [("edited", 1)]


def test_20_a_file_that_is_gone_is_a_problem():
    assert kinds(compare([file(1), file(3)], [row(1), row(2), row(3)])) == [("missing", 2)]


def test_22_a_late_file_is_a_problem_unless_allowed():
    files, rows = [file(1), file(2), file(3)], [row(1), row(3)]
    assert kinds(compare(files, rows)) == [("late", 2)]
    allowed = compare(files, rows, allow_late=True)
    assert ([migration.version for migration in allowed.pending], allowed.problems) == ([2], ())


def test_24_a_renamed_file_is_the_same_migration_until_its_sql_changes():
    assert compare([file(1, name="new")], [row(1, name="old")]).problems == ()
    (problem,) = compare([file(1, "SELECT 2;", name="new")], [row(1, name="old")]).problems
    assert problem.kind is ProblemKind.EDITED
    assert problem.detail == "another migration, 0001_old, was applied under this number"


def test_25_a_newer_ledger_is_told_in_both_numbers():
    plan = compare([file(1), file(37)], [row(1), row(37), row(42)])
    error = refusal(plan, "executor", {})
    assert isinstance(error, NewerHistory)
    assert error.message == "database is newer than this executor: it has 0042, this version knows 0037"
    assert error.hint == "upgrade executor; read-only commands still work"
    assert "the folder ends at 0037" in refusal(plan, "main", {}).message


def test_all_problems_are_told_at_once_in_the_order_of_versions():
    files = [file(1), file(2), file(3, "ALTER TABLE t ADD note varchar(80);"), file(5)]
    plan = compare(files, [row(1), row(3), row(4, name="old_branch"), row(5), row(7)])
    error = refusal(plan, "main", {3: "- note text   + note varchar(80)"})
    assert type(error) is HistoryDiffers
    assert error.exit_code == EXIT_HISTORY
    assert error.message.splitlines() == [
        "history does not match the folder; nothing was run",
        "  late     sql/0002_name.sql  older than 0007, the newest applied; give it a higher number",
        "  edited   sql/0003_name.sql  - note text   + note varchar(80)",
        "  missing  0004_old_branch    recorded 2026-08-03, file gone",
        "  newer    0007_name          recorded 2026-08-03, file gone",
    ]


@pytest.mark.parametrize(
    ("applied", "current", "shown"),
    [
        ("SELECT 1;", "SELECT 2;", "- SELECT 1   + SELECT 2"),
        (
            "-- a\nCREATE TABLE t (\n a  int,\n b text\n);",
            "CREATE TABLE t (\n a int,\n b bytea\n);",
            "- b text   + b bytea",
        ),
        ("SELECT 1;", "SELECT 1; SELECT 2;", "-    + SELECT 2"),
        ("SELECT 'a  b';", "SELECT 'a b';", "- SELECT 'a  b'   + SELECT 'a b'"),
        ("SELECT 1;", "SELECT  1 ; -- the same", ""),
    ],
)
def test_17_the_first_change_of_meaning_is_shown(applied, current, shown):
    assert difference(applied, current) == shown
