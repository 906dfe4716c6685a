"""An expression as the server prints it the second time: a round trip changes the words of some of them once."""

from __future__ import annotations

import re

# `kind IN ('a', 'b')` on a varchar: first the array is cast as a whole, and after a round trip each of its members.
_CAST_ARRAY = re.compile(r"\(ARRAY\[((?:'(?:[^']|'')*'::character varying(?:, (?='))?)+)\]\)::text\[\]")
_MEMBER = re.compile(r"'(?:[^']|'')*'::character varying")


def settled(expression: str) -> str:
    """The same expression in the words that stay."""
    if "])::text[]" not in expression:
        return expression
    return _CAST_ARRAY.sub(lambda match: f"ARRAY[{_MEMBER.sub(lambda one: f'({one[0]})::text', match[1])}]", expression)
