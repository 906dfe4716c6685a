"""todo.txt: one task a line, done ones begin with an x."""

from __future__ import annotations

import re

from loader import patterns, references
from loader.drafts import Draft
from loader.fields import Found
from loader.model import MarkPlace, Status
from loader.priorities import Priority
from loader.sections import NONE
from loader.source import Source
from loader.wording import Wording

_DATE = r"\d{4}-\d{2}-\d{2}"
_LINE = patterns.lazy(rf"(?P<done>x )?(?:\((?P<first>[A-Z])\) )?(?:{_DATE} )?(?:{_DATE} )?(?P<text>.*)")
_PAIR = patterns.lazy(r"(id|dep|deps|depends|depends-on|blocked-by|after|p|pri|agent|assignee):(\S+)")
_NEEDS = ("dep", "deps", "depends", "depends-on", "blocked-by", "after", "p")
_LETTERS = {"A": 1, "B": 2, "C": 3}


def read(source: Source) -> Found:
    """Every line that is not blank, `+project` and `@context` kept in the title and as tags."""
    found = Found()
    for line, text in enumerate(source.lines):
        match = _LINE.match(text.rstrip())
        if match is not None and match["text"].strip():
            found.drafts.append(_draft(source, line, match))
    return found


def _draft(source: Source, line: int, match: re.Match[str]) -> Draft:
    place = MarkPlace(source.offset(line, 0), 2 if match["done"] else 0, "", " ")
    wording = Wording()
    letter = match["first"]
    words: list[str] = []
    tags: list[str] = []
    needs: list[tuple[str, list[str]]] = []
    for word in match["text"].split():
        pair = _PAIR.fullmatch(word)
        if pair is None:
            words.append(word)
            if word[0] in "+@" and len(word) > 1:
                tags.append(word[1:])
        elif pair[1] == "id":
            wording.hidden_id = pair[2]
        elif pair[1] in _NEEDS:
            needs.append((pair[1], references.names(pair[2])))
        elif pair[1] == "pri":
            letter = letter or pair[2].upper()
        else:
            setattr(wording, pair[1], pair[2])
    wording.title, wording.tags, wording.needs = " ".join(words), tuple(tags), tuple(needs)
    if letter is not None and len(letter) == 1 and letter.isalpha():
        number = _LETTERS.get(letter, 4)
        wording.priority = Priority(f"P{number}", f"({letter})", number)
    return Draft(
        line=line,
        end=line + 1,
        mark="x" if match["done"] else " ",
        status=Status.COMPLETED if match["done"] else Status.PENDING,
        mark_place=place,
        section=NONE,
        wording=wording,
        carrier="todo.txt",
        text_line=line,
    )
