"""What is decided without a server: texts read, texts written."""

from __future__ import annotations

from pathlib import Path

import psycopg.conninfo
import pytest

from executor.database.embedded import Address, failures, postmaster
from executor.database.embedded.launch import Setback, setback
from executor.database.embedded.probe import Meaning, interpret

ADDRESS = Address(host="/a b/it's\\run", port=19642, user="executor", password="p'w\\ :/@", dbname="executor")


def test_conninfo_survives_every_character() -> None:
    read = psycopg.conninfo.conninfo_to_dict(ADDRESS.conninfo())
    assert (read["host"], read["password"], read["port"]) == (ADDRESS.host, ADDRESS.password, "19642")


def test_a_url_is_read_back_as_written() -> None:
    read = psycopg.conninfo.conninfo_to_dict(ADDRESS.url(with_password=True))
    assert (read["host"], read["user"], read["password"]) == ("127.0.0.1", "executor", ADDRESS.password)


def test_a_pid_file_is_read_as_far_as_it_goes() -> None:
    text = "123\n/data\n1700000000\n19642\n/run\n127.0.0.1\n  5432001  7\nready   \n"
    assert postmaster.parse(text) == postmaster.PidFile(123, 19642, "/run", "127.0.0.1", "ready")
    for length in range(len(text)):
        assert postmaster.parse(text[:length]).pid in (0, 1, 12, 123)
    assert postmaster.parse("-7\n").pid == 7
    assert not postmaster.parse("123\n").is_ready


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ('FATAL: password authentication failed for user "executor"', Meaning.UNKNOWN),
        ('FATAL: database "executor" does not exist', Meaning.UNKNOWN),
        ("FATAL: sorry, too many clients already", Meaning.WELCOME),
        ("FATAL: the database system is starting up", Meaning.NOT_NOW),
        ('connection to server on socket "/x" failed: No such file or directory', Meaning.UNREACHABLE),
        ("connection to server at 127.0.0.1 failed: Connection refused", Meaning.UNREACHABLE),
    ],
)
def test_a_refusal_is_understood(said: str, meaning: Meaning) -> None:
    assert interpret(said) is meaning


def test_only_passing_troubles_are_tried_again() -> None:
    assert setback('could not bind IPv4 address "127.0.0.1": Address already in use') is Setback.PORT_TAKEN
    assert setback("FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use") is Setback.NOT_ALONE
    assert setback('FATAL:  data directory "/x" has invalid permissions') is None


def test_an_unknown_end_shows_the_last_lines_of_the_log() -> None:
    log = "\n".join(f"line {number}" for number in range(100))
    error = failures.from_log(log, data=Path("/data"), exit_code=3, log_file=Path("/log"))
    assert error.code == "DB_START"
    assert "line 99" in error.hint
    assert "line 84" not in error.hint
