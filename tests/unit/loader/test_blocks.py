"""Our way through markdown-it's rules gives the blocks that its own gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from loader import blocks

PLAIN = MarkdownIt("commonmark", {"maxNesting": blocks.NESTING_MAX}).enable("table").disable("reference")
PLAIN.core.ruler.disable(["inline", "text_join"])

LINES = st.lists(
    st.sampled_from(
        [
            *("", "", " ", "\t", "- [ ] a", "  - [x] b", "    - c", "1. [ ] d", "2) e", "* f", "+", "-", "-\tg", "# h"),
            *("===", "---", "- - -", "  ---", "      ---", "***", "__", "```sh", "```", "~~~", "> q", ">", "> - [ ] r"),
            *("| a | b |", "|---|---|", "--- | ---", ":-", "| 1 | 2 |", "<div>", "<!-- c", "-->", "<b>x</b>", "text"),
            *("  text", "    text", "\ttext", "10. t", "1.", "[a]: b", "> > s", ">     code", "  > lazy", "\u00a0"),
        ]
    ),
    max_size=14,
)


def simple(tokens: list[Token]) -> list[tuple[object, ...]]:
    """What a walk needs: openings with their lines and the text in them, in order; an item's text as a paragraph."""
    result: list[tuple[object, ...]] = []
    for token in tokens:
        if token.type == "inline" and result and result[-1][0] in ("paragraph_open", "heading_open"):
            result[-1] = (*result[-1][:-1], token.content)
        elif token.type in blocks.KINDS:
            is_open = not token.type.endswith("_close")
            info = token.info if token.type == "fence" else ""
            markup = token.markup if token.type in ("fence", "heading_open") else ""
            is_item = token.type == "list_item_open"
            content = "" if is_item else token.content
            result.append((token.type, token.tag, tuple(token.map or ()) if is_open else (), markup, info, content))
            if is_item and token.content:
                start = (token.map or [0])[0]
                result.append(("paragraph_open", "p", (start, start + 1), "", "", token.content))
    return result


@given(LINES)
def test_any_lines_make_the_same_blocks(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert simple(blocks.parse(text)) == simple(PLAIN.parse(text))


@given(LINES, st.sampled_from(["- ", "  ", "> ", "1. ", "    ", "\t"]))
def test_any_lines_in_a_list_or_quote_make_the_same_blocks(lines: list[str], before: str) -> None:
    text = "- first\n" + "\n".join(before + line for line in lines)
    assert simple(blocks.parse(text)) == simple(PLAIN.parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "a\n===\nb\n---\n",
        "> a\n===\n",
        "- a\n  ---\n",
        "a\n| b | c |\n|---|---|\n| 1 | 2 |\n",
        "> | a | b |\n|---|---|\n",
        "- a\n1. b\n2. c\n",
        "a\n2. b\n",
        "a\n-\n",
        "> | a |\n> |---|\n> ",
        "- " * 120 + "deep",
    ],
)
def test_known_corners_make_the_same_blocks(text: str) -> None:
    assert simple(blocks.parse(text)) == simple(PLAIN.parse(text))
