"""Secrets taken out of text before it is stored or shown: known values, known shapes, passwords in URLs. Pure.

Output comes in pieces, and a secret may lie across two of them: what could be the beginning of one is kept back until
the next piece, or the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from loader import patterns

STARS = b"***"
_LEAST = 6  # a shorter value is no secret, and would be found everywhere
_KEPT_BACK_MAX = 16 * 1024


class _Kind(NamedTuple):
    """Secrets that begin with `start` and hold, or stand before, `rare`."""

    start: bytes
    rare: bytes
    pattern: re.Pattern[bytes]
    stars: bytes

    def may_be_in(self, content: bytes) -> bool:
        return self.rare in content and self.start in content


# Where a secret of a known shape begins, a byte that all of them hold or stand before, and how they go on. One byte is
# looked for in a tenth of the time that several take.
_SHAPES = (
    ("sk-", "-", r"sk-[A-Za-z0-9_-]{16,}"),
    ("ghp_", "_", r"ghp_[A-Za-z0-9]{30,}"),
    ("gho_", "_", r"gho_[A-Za-z0-9]{30,}"),
    ("ghs_", "_", r"ghs_[A-Za-z0-9]{30,}"),
    ("ghu_", "_", r"ghu_[A-Za-z0-9]{30,}"),
    ("ghr_", "_", r"ghr_[A-Za-z0-9]{30,}"),
    ("github_pat_", "_", r"github_pat_[A-Za-z0-9_]{30,}"),
    ("glpat-", "-", r"glpat-[A-Za-z0-9_-]{16,}"),
    ("xox", "-", r"xox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("AKIA", "K", r"AKIA[A-Z0-9]{16}"),
    ("ASIA", "S", r"ASIA[A-Z0-9]{16}"),
    ("AIza", "I", r"AIza[A-Za-z0-9_-]{30,}"),
    ("npm_", "_", r"npm_[A-Za-z0-9]{30,}"),
    ("pypi-", "-", r"pypi-[A-Za-z0-9_-]{40,}"),
    ("eyJ", "J", r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    ("://", "@", r"://[^\s/@:\"'<>]*:[^\s/@\"'<>]+(?=@)"),
    ("-----BEGIN ", "-", r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
)
_KINDS = [
    _Kind(
        start.encode(), rare.encode(), patterns.lazy(shape.encode(), re.DOTALL), b"://***" if start == "://" else STARS
    )
    for start, rare, shape in _SHAPES
]
# All but a key are words, and a word that has begun may still become one while nothing has ended it.
_KEY_BEGIN = b"-----BEGIN "
_WORD_BEGINS = [kind.start for kind in _KINDS if kind.start != _KEY_BEGIN]
_WORD_MAX = 5 * 1024
_WORD_ENDS = [bytes([end]) for end in b" \t\n\r\f\v\"'<>"]
_OPEN_KEY = patterns.lazy(rb"-----BEGIN (?:(?!-----END [A-Z ]*-----)[\s\S])*\Z")
_NAMED = patterns.lazy(
    r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL", re.IGNORECASE
)
_NO_VALUE = patterns.lazy(r"_(?:FILE|PATH|DIR|NAME|USER|ID|URL|HOST|COMMAND)\Z", re.IGNORECASE)
_URL_PASSWORD = patterns.lazy(r"://[^\s/@:]*:([^\s/@]+)@")


def values(environ: Mapping[str, str]) -> set[str]:
    """The values of an environment that are secrets, by the names they have, and the passwords of its URLs."""
    found = {value for name, value in environ.items() if says_so(name)}
    for value in environ.values():
        if "://" in value:
            found.update(_URL_PASSWORD.findall(value))
    return {value for value in found if len(value) >= _LEAST and not value.startswith("/")}


def says_so(name: str) -> bool:
    """Does a variable's name say that its value is a secret?"""
    return bool(_NAMED.search(name)) and not _NO_VALUE.search(name)


class Redactor:
    """Takes out these values and whatever has the shape of a secret. Made once, used by all runs of a list.

    Each kind is looked for only where the bytes it begins with are there at all, which is nearly never, and asked fast.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({line for one in secrets for line in (one, one.strip()) if len(line) >= _LEAST}, key=len)
        values = [one.encode("utf-8", "surrogateescape") for one in reversed(known)]
        self._kinds = [_Kind(value, value[:1], patterns.lazy(re.escape(value)), STARS) for value in values] + _KINDS

    def content(self, content: bytes) -> bytes:
        """A whole content without its secrets."""
        for kind in self._kinds:
            if kind.may_be_in(content):
                content = kind.pattern.sub(kind.stars, content)
        return content

    def text(self, text: str) -> str:
        """A whole text without its secrets."""
        raw = text.encode("utf-8", "surrogateescape")
        clean = self.content(raw)
        return text if clean is raw else clean.decode("utf-8", "surrogateescape")

    def open_at(self, content: bytes) -> int:
        """From where on the end of a content could be the beginning of a secret; its length where it could not."""
        at = len(content)
        word = content[-_WORD_MAX:]
        word = word[max(map(word.rfind, _WORD_ENDS)) + 1 :]
        begun = [place for place in map(word.find, _WORD_BEGINS) if place >= 0]
        if begun:
            at += min(begun) - len(word)
        tail = content[-_KEPT_BACK_MAX:]
        if _KEY_BEGIN in tail and (match := _OPEN_KEY.search(tail)):
            at = min(at, len(content) - len(tail) + match.start())
        for start, *_ in self._kinds:
            for length in range(min(len(start) - 1, len(content)), 0, -1):
                if content.endswith(start[:length]):
                    at = min(at, len(content) - length)
                    break
        return self._past_matches(content, at) if at < len(content) else at

    def _past_matches(self, content: bytes, at: int) -> int:
        """The end of a whole secret may look like the beginning of another: it goes with the one it is of."""
        for kind in self._kinds:
            for match in kind.pattern.finditer(content) if kind.may_be_in(content) else ():
                if match.start() < at < match.end():
                    return match.end()
        return at


class Stream:
    """The output of one run, piece by piece."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._kept = b""

    def feed(self, content: bytes) -> bytes:
        """What may be shown by now."""
        content = self._kept + content
        at = self._redactor.open_at(content)
        if len(content) - at > _KEPT_BACK_MAX:  # no secret is as long as that
            at = len(content)
        self._kept = content[at:]
        return self._redactor.content(content[:at])

    def end(self) -> bytes:
        """What was kept back."""
        kept, self._kept = self._kept, b""
        return self._redactor.content(kept)
