"""Which id every task gets: the one it shows, else a key made from its title."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Sequence

from msgspec import Struct, field

from loader import codes, ids, patterns, references, wording
from loader.drafts import Draft
from loader.model import Diagnostic

_MARKUP = patterns.lazy(r"[*_`~]+")
_KEY_LENGTH = 10

Place = Callable[[int], str]


def on_line(line: int) -> str:
    """How a message names a line (from 1) of the one file that is read."""
    return f"line {line}"


class Names(Struct):
    """By index of draft: its id, its title, and whether the id is written in the file."""

    ids: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    explicit: list[bool] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def give(drafts: Sequence[Draft], *, on_duplicate: str, place: Place = on_line) -> Names:
    """Name every draft, parents first; no two get the same id and none is dropped."""
    shown = _shown(drafts)
    names = Names()
    taken = _Taken()
    derived: list[tuple[int, str]] = []
    for index, (draft, explicit) in enumerate(zip(drafts, shown, strict=True)):
        has_candidate = explicit is not None and draft.given_id is None and draft.wording.hidden_id is None
        title = wording.titled(draft.wording, with_id=has_candidate) or explicit or ""
        names.titles.append(title)
        names.explicit.append(explicit is not None)
        if explicit is None:
            if draft.wording.placeholder:
                line = draft.text_line + 1
                names.diagnostics.append(codes.diagnose(codes.PLACEHOLDER_ID, line, name=draft.wording.placeholder))
            names.ids.append("")
            derived.append((index, title))
        else:
            new = taken.take(explicit, index, "#")
            if new != explicit:
                names.diagnostics.append(_twice(drafts, taken.by_id[explicit], index, new, on_duplicate, place))
            names.ids.append(new)
    for index, title in derived:
        parent = names.ids[drafts[index].parent] if drafts[index].parent >= 0 else ""
        names.ids[index] = taken.take(key(parent, title), index, "~")
    return names


def key(parent: str, title: str) -> str:
    """The key of a task that shows no id: the same as long as its title and its parent are."""
    plain = _MARKUP.sub("", title)
    if not plain.isascii():
        plain = unicodedata.normalize("NFC", plain)
    text = f"{parent}\x1f{' '.join(plain.casefold().split())}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:_KEY_LENGTH]


def _shown(drafts: Sequence[Draft]) -> list[str | None]:
    """The written id of each draft, loose spellings only where their family counts."""
    levels: dict[int, list[ids.Candidate | None]] = {}
    is_any_loose = False
    for draft in drafts:
        if draft.given_id is None:
            candidate = draft.wording.candidate
            levels.setdefault(draft.level, []).append(candidate)
            is_any_loose = is_any_loose or (candidate is not None and candidate.family != "")
    counting = ids.chosen(levels, _referred(drafts)) if is_any_loose else set()
    hidden = {draft.wording.hidden_id for draft in drafts}
    return [_written_id(draft, counting, hidden) for draft in drafts]


def _referred(drafts: Sequence[Draft]) -> set[str]:
    """Every name that some task depends on or blocks."""
    found: set[str] = set()
    for draft in drafts:
        found |= references.written(reference.name for reference in draft.references)
        for _, names in draft.wording.needs:
            found |= references.written(names)
        found.update(draft.wording.blocks)
    return found


def _written_id(draft: Draft, counting: set[tuple[int, str]], hidden: set[str | None]) -> str | None:
    """A loose spelling never takes the id that another task carries in a comment: `1.` beside `<!-- id: 1 -->`."""
    if draft.given_id is not None:
        return draft.given_id
    candidate = draft.wording.candidate
    if draft.wording.hidden_id is not None:
        return draft.wording.hidden_id
    if candidate is None:
        return None
    if not candidate.family:
        return candidate.name
    return candidate.name if (draft.level, candidate.family) in counting and candidate.name not in hidden else None


def _twice(drafts: Sequence[Draft], first: int, second: int, new: str, on_duplicate: str, place: Place) -> Diagnostic:
    lines = drafts[first].text_line + 1, drafts[second].text_line + 1
    facts = {"name": new.rpartition("#")[0], "first": place(lines[0]), "second": place(lines[1]), "new": new}
    return codes.diagnose(
        codes.DUPLICATE_RENAMED if on_duplicate == "suffix" else codes.DUPLICATE_ID, lines[1], **facts
    )


class _Taken(Struct):
    """The ids given so far, with the index of their draft, and the next number to try after each."""

    by_id: dict[str, int] = field(default_factory=dict)
    next_number: dict[str, int] = field(default_factory=dict)

    def take(self, name: str, index: int, separator: str) -> str:
        """The name itself, else the name with the first free number."""
        free, number = name, self.next_number.get(name, 2)
        while free in self.by_id:
            free = f"{name}{separator}{number}"
            number += 1
        self.next_number[name] = number
        self.by_id[free] = index
        return free
