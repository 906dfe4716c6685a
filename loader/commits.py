"""What conductor writes behind the title of a task once it is done: the commit, which is no part of its name."""

from __future__ import annotations

from collections.abc import Iterable

from loader import patterns
from loader.drafts import Draft

_LENGTH_MAX = 60  # nothing longer ends a title, and the pattern need not look further
# Seven letters from a to f could be a word: a bare commit needs a digit.
_COMMIT = patterns.lazy(
    r"[ \t]+(?:\[checkpoint: [0-9a-f]{7,40}\]|\[[0-9a-f]{7,40}\]|\([0-9a-f]{7,40}\)|`?(?=[a-f]*\d)[0-9a-f]{7}`?)$"
)


def strip(drafts: Iterable[Draft]) -> None:
    """Take commits off the titles, so that the key of a task stays what it was when the task was not done."""
    for draft in drafts:
        title = draft.wording.title
        if match := _COMMIT.search(title, max(0, len(title) - _LENGTH_MAX)):
            draft.wording.title = title[: match.start()]
