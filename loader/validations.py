"""The fences of genie's groups that check: those below a line such as `**Validation:**`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from loader import patterns
from loader.drafts import Draft
from loader.model import Block

_ABOVE = patterns.lazy(
    r"[ \t]*(?:[-*+][ \t]+)?[*_]{0,3}(?:validation|verification|validate|verify)\b.{0,40}", re.IGNORECASE
)


def mark(drafts: Iterable[Draft], lines: Sequence[str]) -> None:
    """Make run blocks below such a line verify blocks."""
    for draft in drafts:
        if draft.blocks:
            draft.blocks = [_checked(block, lines) for block in draft.blocks]


def _checked(block: Block, lines: Sequence[str]) -> Block:
    is_check = block.role == "run" and _ABOVE.fullmatch(_above(lines, block.line - 1))
    return replace(block, role="verify") if is_check else block


def _above(lines: Sequence[str], line: int) -> str:
    """The line before a fence, over one blank line at most."""
    before = [text for text in lines[max(0, line - 2) : line] if text.strip()]
    return before[-1] if before else ""
