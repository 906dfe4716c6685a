"""Which fenced blocks run, which check and which are text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from msgspec import Struct

from loader import durations, patterns
from loader.model import Block, Role
from loader.outline import Fence

RUN_LANGUAGES = frozenset({"sh", "bash", "zsh", "shell", "python", "sql"})

_ROLE_WORDS: dict[str, Role] = {"verify": "verify", "prompt": "prompt", "no-run": "text", "norun": "text", "run": "run"}
_BRACES = patterns.lazy(r"\{([^}]*)\}?")
_ATTRIBUTE = patterns.lazy(r"""([\w.:-]+)=(?:"([^"]*)"|'([^']*)'|([^\s,]+))|([\w.#:-]+)""")
_ROWS = patterns.lazy(r"[1-9]\d{0,8}", re.ASCII)
_PLACE = patterns.lazy(r"(?<![\w:]):(?:from|to)\b", re.ASCII)
_ENV = patterns.lazy(r"env\.[A-Za-z_]\w*", re.ASCII)


class Problem(Struct, frozen=True):
    """An attribute that cannot be meant: its key, its value and what was expected."""

    key: str
    value: str
    expected: str


def read(fence: Fence, languages: Collection[str]) -> Block:
    """The block a fence holds; `languages` are those the list adds to ours."""
    language, role, attributes = _info(fence.info)
    if not language and role in ("verify", "run"):
        language = "sh"
    if role is None:
        role = "run" if language in RUN_LANGUAGES or language in languages else "text"
    content = fence.content if not fence.content or fence.content.endswith("\n") else fence.content + "\n"
    return Block(language, role, attributes, content, fence.start + 1)


def check(block: Block, settings: Mapping[str, object]) -> Iterator[Problem]:
    """What is wrong with the attributes of a block that runs; `settings` are its task's."""
    yield from _check_batch(block, settings)
    for key, value in block.attributes.items():
        if key == "timeout":
            try:
                durations.read(value)
            except ValueError as error:
                yield Problem(key, value, str(error))
        elif key == "dir" and not value:
            yield Problem(key, value, "a folder")
        elif key.startswith("env.") and not _ENV.fullmatch(key):
            yield Problem(key, value, "env.NAME=value")


def _check_batch(block: Block, settings: Mapping[str, object]) -> Iterator[Problem]:
    """A block that goes by batches needs their size, a key said anywhere, and a place for the keys of each batch."""
    if block.role != "run" or block.language != "sql":
        return
    batch = block.attributes.get("batch")
    if batch is not None and not _ROWS.fullmatch(batch):
        yield Problem("batch", batch, "a number of rows from 1")
        return
    size, _, key = str(batch or settings.get("batch", "")).partition(" ")
    if size and not (block.attributes.get("key") or settings.get("key") or key):
        yield Problem("batch", size, "a key beside it, the column by which the rows are taken: batch=5000 key=id")
    elif size and not _PLACE.search(block.content):  # where it only seems to be one, the runner refuses the block
        yield Problem("batch", size, "a block that says for which keys: WHERE id BETWEEN :from AND :to")


def can_run(block: Block, languages: Collection[str]) -> bool:
    """Whether there is a command for the block's language."""
    return block.language in RUN_LANGUAGES or block.language in languages


@lru_cache(maxsize=256)  # a list has thousands of fences, and a handful of info strings
def _info(info: str) -> tuple[str, Role | None, Mapping[str, str]]:
    braces = _BRACES.search(info)
    words = _BRACES.sub(" ", info).split()
    attributes: dict[str, str] = {}
    flags: list[str] = []
    for match in _ATTRIBUTE.finditer(braces[1] if braces else ""):
        key, double, single, bare, flag = match.groups()
        if flag:
            flags.append(flag)
        else:
            attributes[key] = next((value for value in (double, single, bare) if value is not None), "")
    language = "" if not words or words[0].lower() in ("verify", "prompt", "no-run") else words.pop(0).lower()
    if not language and flags and flags[0].startswith("."):
        language = flags.pop(0)[1:].lower()  # pandoc's ``` {.python}
    role = next((_ROLE_WORDS[word.lower()] for word in (*words, *flags) if word.lower() in _ROLE_WORDS), None)
    return language, role, attributes
