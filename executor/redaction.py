"""Secrets taken out of text before it is stored or shown: known values, known shapes, passwords in URLs. Pure.

Output comes in pieces, and a secret may lie across two of them: what could be the beginning of one is kept back until
the next piece, or the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from loader import patterns

STARS = b"***"
_LEAST = 6  # a shorter value is no secret, and would be found everywhere
_KEPT_BACK_MAX = 16 * 1024

# Where a secret of a known shape begins, and how it goes on.
_SHAPES = {
    "sk-": r"sk-[A-Za-z0-9_-]{16,}",
    "ghp_": r"ghp_[A-Za-z0-9]{30,}",
    "gho_": r"gho_[A-Za-z0-9]{30,}",
    "ghs_": r"ghs_[A-Za-z0-9]{30,}",
    "ghu_": r"ghu_[A-Za-z0-9]{30,}",
    "ghr_": r"ghr_[A-Za-z0-9]{30,}",
    "github_pat_": r"github_pat_[A-Za-z0-9_]{30,}",
    "glpat-": r"glpat-[A-Za-z0-9_-]{16,}",
    "xox": r"xox[abeoprs]-[A-Za-z0-9-]{10,}",
    "AKIA": r"AKIA[A-Z0-9]{16}",
    "ASIA": r"ASIA[A-Z0-9]{16}",
    "AIza": r"AIza[A-Za-z0-9_-]{30,}",
    "npm_": r"npm_[A-Za-z0-9]{30,}",
    "pypi-": r"pypi-[A-Za-z0-9_-]{40,}",
    "eyJ": r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    "://": r"://[^\s/@:\"'<>]*:[^\s/@\"'<>]+(?=@)",
    "-----BEGIN ": r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
}
_KINDS = [
    (start.encode(), patterns.lazy(shape.encode(), re.DOTALL), b"://***" if start == "://" else STARS)
    for start, shape in _SHAPES.items()
]
# What a word of a shape may still become, at the end of a piece.
_OPEN = patterns.lazy(
    rb"(?:"
    + b"|".join(re.escape(start.encode()) for start in _SHAPES if start != "-----BEGIN ")
    + rb")[^\s\"'<>]{0,4096}\Z"
    rb"|-----BEGIN (?:(?!-----END [A-Z ]*-----)[\s\S])*\Z"
)
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
        self._kinds = [(value, patterns.lazy(re.escape(value)), STARS) for value in values] + _KINDS

    def content(self, content: bytes) -> bytes:
        """A whole content without its secrets."""
        for start, pattern, stars in self._kinds:
            if start in content:
                content = pattern.sub(stars, content)
        return content

    def text(self, text: str) -> str:
        """A whole text without its secrets."""
        raw = text.encode("utf-8", "surrogateescape")
        clean = self.content(raw)
        return text if clean is raw else clean.decode("utf-8", "surrogateescape")

    def open_at(self, content: bytes) -> int:
        """From where on the end of a content could be the beginning of a secret; its length where it could not."""
        at = len(content)
        tail = content[-_KEPT_BACK_MAX:]
        if any(start in tail for start, _, _ in _KINDS) and (match := _OPEN.search(tail)):
            at += match.start() - len(tail)
        for start, _, _ in self._kinds:
            for length in range(min(len(start) - 1, len(content)), 0, -1):
                if content.endswith(start[:length]):
                    at = min(at, len(content) - length)
                    break
        return self._past_matches(content, at) if at < len(content) else at

    def _past_matches(self, content: bytes, at: int) -> int:
        """The end of a whole secret may look like the beginning of another: it goes with the one it is of."""
        for start, pattern, _ in self._kinds:
            for match in pattern.finditer(content) if start in content else ():
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
