"""Files that tasks keep with their runs, in shell and in Python: fetched byte for byte, bounded, gone with the list."""

from __future__ import annotations

import sys

import pytest

from tests import make
from tests.desk import Desk

EXECUTOR = f"{sys.executable} -m executor"
BYTES = bytes(range(256)) * 5000  # more than one piece
PYTHON = """\
from executor.task import attach

attach("report.bin")
attach("report.bin", name="again.bin")
"""


def test_a_file_is_kept_with_its_run_and_fetched_byte_for_byte(desk: Desk):
    (desk.folder / "report.bin").write_bytes(BYTES)
    block = f"{EXECUTOR} attach report.bin\n: > empty\n{EXECUTOR} attach empty --name 'nothing much.txt'"
    desk.write(make.document(make.task(id="A-1", run=block)))
    assert desk.do("run").code == 0
    (desk.folder / "report.bin").unlink()
    fetched = desk.do("artefact", "A-1", "report.bin")
    assert fetched.code == 0
    assert fetched.raw == BYTES
    assert desk.do("artefact", "A-1", "nothing much.txt").raw == b""
    shown = desk.do("show", "A-1")
    assert f"    artefact nothing much.txt, 0 bytes\n    artefact report.bin, {len(BYTES)} bytes\n" in shown.out
    [run] = desk.do("show", "A-1", "--json").json["runs"]
    assert run["artefacts"] == [{"name": "nothing much.txt", "bytes": 0}, {"name": "report.bin", "bytes": len(BYTES)}]
    missing = desk.do("artefact", "A-1", "other.bin")
    assert missing.code == 2
    assert "this task has kept no 'other.bin'" in missing.err
    assert "it has kept: nothing much.txt, report.bin" in missing.err


def test_python_keeps_files_too(desk: Desk):
    (desk.folder / "report.bin").write_bytes(BYTES)
    desk.write(make.document(make.task(id="A-1", run=PYTHON, language="python"), languages={"python": sys.executable}))
    assert desk.do("run").code == 0
    assert desk.do("artefact", "A-1", "report.bin").raw == BYTES
    assert desk.do("artefact", "A-1", "again.bin").raw == BYTES


def test_each_attempt_has_its_own_and_the_last_that_kept_one_is_shown(desk: Desk):
    block = f'echo "$EXECUTOR_ATTEMPT" > n; [ $EXECUTOR_ATTEMPT = 3 ] || {EXECUTOR} attach n; [ $EXECUTOR_ATTEMPT = 3 ]'
    desk.write(make.document(make.task(id="A-1", run=block), retries=2, retry_delay="10ms"))
    assert desk.do("run").code == 0
    assert desk.do("artefact", "A-1", "n").out == "2\n"
    assert desk.do("artefact", "A-1", "n", "--attempt", "1").out == "1\n"
    assert "no 'n' in attempt 3" in desk.do("artefact", "A-1", "n", "--attempt", "3").err


def test_a_file_of_the_same_name_takes_the_place_of_the_one_before(desk: Desk):
    block = f"seq 300000 > n; {EXECUTOR} attach n; echo short > n; {EXECUTOR} attach n"
    desk.write(make.document(make.task(id="A-1", run=block)))
    assert desk.do("run").code == 0
    assert desk.do("artefact", "A-1", "n").out == "short\n"


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        (
            "head -c 16777217 /dev/zero > big; {} attach big",
            "big is too large to be kept: 16 MB a file and 64 MB a run",
        ),
        ("mkdir f; {} attach f", "f is not a file"),
        ("mkfifo f; {} attach f", "f is not a file"),
        ("{} attach f", "f cannot be read: No such file"),
        ("touch f; {} attach f --name a/b", "an artefact cannot be called 'a/b'"),
        ("touch f; EXECUTOR_RUN_ID= {} attach f", "there is no task here"),
        ("touch f; EXECUTOR_RUN_ID=999999 {} attach f", "run 999999 does not hold a task"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_a_reason(desk: Desk, block: str, complaint: str):
    desk.write(make.document(make.task(id="A-1", run=block.format(EXECUTOR))))
    assert desk.do("run").code == 1
    assert complaint in desk.do("logs", "A-1").out
    assert desk.value("SELECT count(*) FROM executor.artefact") == 0


def test_a_run_keeps_64_megabytes_at_most(desk: Desk):
    lines = ["head -c 16777216 /dev/zero > big", *(f"{EXECUTOR} attach big --name {n}" for n in range(5))]
    desk.write(make.document(make.task(id="A-1", run="\n".join(lines))))
    assert desk.do("run").code == 1
    assert desk.value("SELECT count(DISTINCT name) FROM executor.artefact") == 4


def test_a_backup_holds_them(lone_desk: Desk):
    desk = lone_desk
    (desk.folder / "report.bin").write_bytes(BYTES)
    desk.write(make.document(make.task(id="A-1", run=f"{EXECUTOR} attach report.bin")))
    assert desk.do("run").code == 0
    assert desk.do("db", "backup", "queue.zip").code == 0
    assert desk.do("db", "restore", "queue.zip", "--replace").code == 0
    assert desk.do("artefact", "A-1", "report.bin").raw == BYTES
