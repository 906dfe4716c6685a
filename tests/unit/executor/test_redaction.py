"""Secrets are taken out, wherever they are cut, and nothing else is."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor import redaction
from executor.redaction import Redactor, Stream
from executor.runners import vault

KNOWN = "correct horse battery"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIB\nAAKCAQEA\n-----END RSA PRIVATE KEY-----"
SHAPES = [
    "sk-ant-api03-" + "aB3" * 10,
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1_B" * 10,
    "glpat-" + "aB3-" * 5,
    "xoxb-1234567890-abcdef",
    "AKIA" + "ABCD" * 4,
    "AIza" + "aB3_" * 9,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlIQ",
    KEY,
]
TEXT = f"first {KNOWN} then {' '.join(SHAPES)} and postgresql://me:pass%20word@db/x?y=1 at the end\n"
REDACTOR = Redactor([KNOWN])


def test_known_values_shapes_and_passwords_are_taken_out():
    clean = REDACTOR.text(TEXT)
    for secret in (KNOWN, *SHAPES, "pass%20word"):
        assert secret not in clean
    assert clean == f"first *** then {' '.join('***' for _ in SHAPES)} and postgresql://***@db/x?y=1 at the end\n"


def pieces(content: bytes, cuts: list[int]) -> bytes:
    stream = Stream(REDACTOR)
    edges = [0, *sorted(cut % (len(content) + 1) for cut in cuts), len(content)]
    return b"".join(stream.feed(content[a:b]) for a, b in pairwise(edges)) + stream.end()


@given(st.lists(st.integers(0, 2000), max_size=12))
def test_it_makes_no_difference_where_output_is_cut(cuts: list[int]):
    assert pieces(TEXT.encode(), cuts) == REDACTOR.content(TEXT.encode())


def test_one_byte_at_a_time():
    assert pieces(TEXT.encode(), list(range(len(TEXT)))) == REDACTOR.content(TEXT.encode())


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_what_is_no_secret_stays_as_it_is(content: bytes, cuts: list[int]):
    assert pieces(content, cuts) == REDACTOR.content(content)
    assert REDACTOR.content(content) == content or b"***" in REDACTOR.content(content)


def test_ordinary_output_is_shown_at_once():
    stream = Stream(REDACTOR)
    for piece in (b"compiling ... ", b"..........", b"done\n", b"see https://example.com/a?b=c \n"):
        assert stream.feed(piece) == piece


def test_something_endless_is_not_kept_back_for_ever():
    stream = Stream(REDACTOR)
    shown = b"".join(stream.feed(b"-----BEGIN " + b"x" * 1000) for _ in range(40))
    assert len(shown) > 20_000


def test_a_word_without_end_is_not_kept_back_for_ever():
    stream = Stream(REDACTOR)
    shown = b"".join(stream.feed(b"=" * 999 + b"sk-") for _ in range(40))
    assert len(shown) > 30_000


@pytest.mark.parametrize("secret", ["sk-" + "a" * 4_000, "eyJ" + "a" * 20 + ".eyJ" + "b" * 3_900 + "." + "c" * 40])
@pytest.mark.parametrize("size", [1, 7, 1_000, 3_999])
def test_a_long_secret_is_taken_out_however_it_comes(secret: str, size: int):
    content = f"key={secret} and on\n".encode()
    assert pieces(content, list(range(0, len(content), size))) == b"key=*** and on\n"


def test_secrets_of_an_environment_are_known_by_their_names():
    environ = {
        "GITHUB_TOKEN": "value-of-token",
        "MY_API_KEY": "value-of-key",
        "DB_PASSWORD": "short",
        "TOKEN_FILE": "/run/secrets/token-file",
        "SECRET_NAME": "not-a-secret",
        "DATABASE_URL": "postgresql://me:value-in-url@host/db",
        "PATH": "/usr/bin:/usr/local/bin",
    }
    assert redaction.values(environ) == {"value-of-token", "value-of-key", "value-in-url"}


def test_secrets_are_read_where_the_list_says(tmp_path: Path):
    (tmp_path / "key.txt").write_text("from a file\n")
    printing = f"command:{sys.executable} -c \"print('from a command')\""
    places = {"A": "env:THERE", "B": "file:key.txt", "C": printing}
    found = vault.read({"secrets": places}, tmp_path, {"THERE": "from the environment"})
    assert found == {"A": "from the environment", "B": "from a file", "C": "from a command"}


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("env:GONE", "no variable GONE"),
        ("file:gone.txt", "FileNotFoundError"),
        (f"command:{sys.executable} -c 'raise SystemExit(3)'", "ended with status 3"),
        ("command:no-such-program", "FileNotFoundError"),
    ],
)
def test_a_secret_that_cannot_be_read_is_named_and_not_shown(place: str, problem: str, tmp_path: Path):
    with pytest.raises(vault.Unreadable, match="the secret A") as refused:
        vault.read({"secrets": {"A": place}}, tmp_path, {})
    assert problem in str(refused.value)
