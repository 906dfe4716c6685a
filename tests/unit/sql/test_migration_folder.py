from __future__ import annotations

import importlib.resources
import zipfile
from pathlib import Path

import pytest

from sql import folder, numbering
from sql.errors import EXIT_FILES, FilesRefused


def write(path: Path, **files: str | bytes) -> Path:
    path.mkdir(exist_ok=True)
    for name, content in files.items():
        (path / f"{name.removeprefix('_')}.sql").write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(path: Path) -> FilesRefused:
    with pytest.raises(FilesRefused) as caught:
        folder.read(path)
    return caught.value


def test_files_come_in_order_of_their_numbers_whatever_their_width(tmp_path):
    write(tmp_path, _0010_b="SELECT 2;", _00002_a="SELECT 1;", _20260801120000_c="SELECT 3;")
    (tmp_path / "README.md").write_text("not SQL")
    (tmp_path / ".0003_editing.sql").write_text("half")
    (tmp_path / "repeat").mkdir()
    assert [(migration.version, migration.label) for migration in folder.read(tmp_path)] == [
        (2, "0002_a"),
        (10, "0010_b"),
        (20260801120000, "20260801120000_c"),
    ]


def test_27_gaps_between_numbers_are_fine(tmp_path):
    assert numbering.versions(write(tmp_path, _0001_a="", _0007_b="")) == (1, 7)


def test_23_a_version_taken_twice_is_told_with_both_names(tmp_path):
    error = refused(write(tmp_path, _0004_a="", _0004_b="", _00004_c=""))
    assert [fault.message for fault in error.faults] == [
        "version 0004 is taken by 00004_c.sql; give it the next free number",
        "version 0004 is taken by 00004_c.sql; give it the next free number",
    ]
    assert error.exit_code == EXIT_FILES


@pytest.mark.parametrize(
    "name", ["1_a", "0001-a", "0001_A", "0001", "a", "0001_a.down", "0000_a", "٠٠٠١_a", "123456789012345_a"]
)
def test_an_sql_file_with_another_name_is_told(tmp_path, name):
    assert f"{name}.sql: not named like a migration" in refused(write(tmp_path, **{name: "", "_0002_b": ""})).message


def test_26_a_folder_without_migrations_is_an_error(tmp_path):
    assert "no migrations in this folder" in refused(tmp_path).message
    assert f"{tmp_path / 'absent'}: no such folder" in refused(tmp_path / "absent").message


def test_42_a_file_that_is_not_utf_8_is_told_with_the_place(tmp_path):
    error = refused(write(tmp_path, _0001_a=b"SELECT 1;\nSELECT '\xe9';\n"))
    assert error.message == f"{tmp_path / '0001_a.sql'}:2:9: not UTF-8: byte 0xe9"


def test_43_a_nul_byte_is_told_with_the_place(tmp_path):
    assert "0001_a.sql:2:1: a NUL byte" in refused(write(tmp_path, _0001_a=b"SELECT 1;\n\0")).message


def test_faults_of_all_files_are_told_at_once(tmp_path):
    error = refused(write(tmp_path, _0001_a="SELECT 1;\n  COMMIT;", _0002_b="SELECT 'x", _0003_c="-- migrate: typo"))
    assert [(fault.path.rpartition("/")[2], fault.line, fault.column) for fault in error.faults] == [
        ("0001_a.sql", 2, 3),
        ("0002_b.sql", 1, 8),
        ("0003_c.sql", 1, 1),
    ]


def test_18_a_byte_order_mark_and_other_line_ends_are_the_same_migration(tmp_path):
    text = "-- a\nCREATE TABLE t (\n  a int\n);\nSELECT 'a\nb';\n"
    plain = folder.read(write(tmp_path / "lf", _0001_a=text))
    other = folder.read(write(tmp_path / "crlf", _0001_a=b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()))
    assert plain[0].checksum == other[0].checksum
    assert plain[0].up == other[0].up


def test_packaged_files_are_read_like_a_folder(tmp_path):
    ours = folder.read(importlib.resources.files("sql") / "migrations")
    again = folder.read(numbering.OURS)
    assert [migration.checksum for migration in ours] == [migration.checksum for migration in again]
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
        archive.writestr("migrations/0001_a.sql", "SELECT 1;")
    assert numbering.versions(zipfile.Path(tmp_path / "package.zip", "migrations/")) == (1,)
    assert folder.read(zipfile.Path(tmp_path / "package.zip", "migrations/"))[0].label == "0001_a"
