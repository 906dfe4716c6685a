"""Which tool's habits a file follows, from cheap signs in its text."""

from __future__ import annotations

import re

from loader.model import Status

NAMES = ("native", "spec-kit", "openspec", "kiro", "spec-workflow", "obsidian", "aidevops", "plain")

_BOX = r"^[ \t]*(?:[-*+]|\d+[.)])[ \t]+\[[^\]\n]\][ \t]+"
_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("kiro", re.compile(r"^[ \t]*-[ \t]+_Requirements:", re.MULTILINE)),
    ("spec-kit", re.compile(_BOX + r"(?:\*\*)?\[?T\d{3}\b[^\n]*\[US\d", re.MULTILINE)),
    ("obsidian", re.compile(_BOX + r"[^\n]*(?:🆔|⛔|⏫|🔼|🔽|📅|🛫|\[(?:id|dependsOn|due)::)", re.MULTILINE)),
    ("aidevops", re.compile(_BOX + r"t\d{3,}(?:\.\d+)*[ \t][^\n]*~\d+h\b", re.MULTILINE)),
    ("openspec", re.compile(r"^## (\d+)\. [^\n]*\n(?:[ \t]*\n)*- \[[^\]\n]\] (?:\*\*)?\1\.\d+\b", re.MULTILINE)),
)

_WORDS: dict[str, tuple[str, ...]] = {
    "kiro": ("_Requirements:",),
    "spec-kit": ("[US",),
    "obsidian": ("🆔", "⛔", "⏫", "🔼", "🔽", "📅", "🛫", "::"),
    "aidevops": ("] t",),
    "openspec": ("\n## ", "## "),
}
_PRESETS: dict[str, dict[str, Status]] = {
    "kiro": {"~": Status.PENDING},
    "spec-workflow": {"~": Status.BLOCKED},
    "obsidian": {"-": Status.SKIPPED},
    "aidevops": {"-": Status.SKIPPED},
}


def detect(text: str, *, has_settings: bool) -> str:
    """The dialect's name; a file with our own front matter is native."""
    if has_settings:
        return "native"
    return next((name for name, sign in _SIGNS if _may_show(name, text) and sign.search(text)), "plain")


def _may_show(name: str, text: str) -> bool:
    """Whether the words are there that the sign is made of."""
    return any(word in text for word in _WORDS[name])


def preset(dialect: str) -> dict[str, Status]:
    """The marks that mean something of their own in this dialect."""
    return _PRESETS.get(dialect, {})
