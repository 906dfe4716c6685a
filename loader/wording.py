"""The first line of a task taken apart: id, markers and what is left as its title."""

from __future__ import annotations

import re

from msgspec import Struct

from loader import ids, patterns, priorities, references
from loader.priorities import Priority

_PRIORITY = (
    rf"(?:\[(P\d{{1,2}}|{priorities.NAMES})\]:?|\((?:priority:\s*)?(P\d{{1,2}}|{priorities.NAMES})\):?"
    rf"|\*\*[\[(]?(P\d{{1,2}})[\])]?:?\*\*:?|(P\d)(?::|\s+[-–—])(?=\s)"
    rf"|({'|'.join(map(re.escape, priorities.SYMBOLS))})\ufe0f?(?=\s))"
)
_HEAD_PRIORITY = patterns.lazy(_PRIORITY + r"\s*", re.IGNORECASE)
_BOLD_PRIORITY = patterns.lazy(r"\*\*[\[(](P\d{1,2})[\])]:?\s+(?=[^*]*\*\*)", re.IGNORECASE)  # **[P1] more** of it
_TAIL_PRIORITY = patterns.lazy(
    rf"\s[\[(](?:priority:\s*(P\d{{1,2}}|{priorities.NAMES})|(P\d{{1,2}}))[\])]$", re.IGNORECASE
)
_HEAD_FIRST = frozenset("[(*Pp").union(symbol[0] for symbol in priorities.SYMBOLS)
_BOLD_FIRST = frozenset("[(Pp")
_HEAD_PARALLEL = patterns.lazy(r"(?:\[P\]|\(P\))\s*")
_HEAD_LABEL = patterns.lazy(r"\[([A-Z][\w.+:-]{0,30}|[A-Z][\w.+ :-]{0,30}(?=\]\s*\[[A-Z]))\](?![(\[:])\s*(?=\S)")
_MARKED_MAX = 2000  # characters looked at for markers: some patterns below are quadratic, and some lines are megabytes
_CODE = patterns.lazy(r"`[^`]*`")
_COMMENT = patterns.lazy(r"<!--(.*?)-->")
_COMMENT_FIELD = patterns.lazy(
    r"\b(id|deps?|depends[-_ ]on|agent)\s*[:=]\s*([^\s,]+(?:\s*,\s*[^\s,]+)*)", re.IGNORECASE
)
_DEPENDS = r"(?:depends?(?:[-_ ]on)?|blocked[-_ ]by|requires|after|deps?)"
_RULE = patterns.lazy(rf"({_DEPENDS})(?=(\s*:)|\s)")
_PARENTHESES = patterns.lazy(
    rf"[(\[]\s*(?P<rule>{_DEPENDS}(?:\s*:|(?=\s)))\s*(?P<value>[^()\[\]]*(?:\([^()]*\)[^()\[\]]*)*)[)\]]",
    re.IGNORECASE,
)
_INLINE_FIELD = patterns.lazy(
    r" ?\[(?P<key>[A-Za-z_ -]+)::\s*(?P<value>[^\]]*)\]| ?\((?P<key2>[A-Za-z_ -]+)::\s*(?P<value2>[^)]*)\)"
)
_DATE = patterns.lazy(
    r" ?(?:[🛫➕⏳⌛📅📆🗓✅❌]\ufe0f?\s*\d{4}-\d{2}-\d{2}|🔁\ufe0f?[^🛫➕⏳⌛📅📆🗓✅❌🆔⛔#]*|🏁\ufe0f?\s*\w+)"
)
_MAY_BE_SIGN = patterns.lazy("[\u2300-\U0010ffff]")  # all signs below are there, and hardly any letter
_DATE_FIELDS = frozenset(("due", "scheduled", "start", "created", "completion", "cancelled", "repeat", "oncompletion"))
_SIGN = patterns.lazy(r"(?P<sign>🆔|⛔)\ufe0f?\s*(?P<value>[\w.-]+(?:\s*,\s*[\w.-]+)*)")
_BARE = patterns.lazy(rf"(?:^|\s)(?P<rule>{_DEPENDS}):(?P<value>\S+)", re.IGNORECASE)
_TRAILING = patterns.lazy(
    rf"(?<![^\s—–|(-])(?P<rule>{_DEPENDS})(?::\**|(?<=on)|(?<=by))\s+(?P<value>[^.]*?[^\s.])\.?$", re.IGNORECASE
)
_BOLD = patterns.lazy(
    rf"[\s.;,|(–—-]*\*\*(?P<rule>{_DEPENDS}|blocks)(?::\*\*|\*\*\s*:)\s*(?P<value>[^*|;.]+(?:\.\d[^*|;.]*)*)\.?(?=\s|$|[|;)])",
    re.IGNORECASE,
)
_MAY_BE_BOLD = patterns.lazy(rf"\*\*(?:{_DEPENDS}|blocks)", re.IGNORECASE)  # the pattern above begins nowhere for sure
_BLOCKS = patterns.lazy(r"(?:^|\s)blocks:(\S+)", re.IGNORECASE)
# Behind a blank; what the sign stands behind is looked at second, so that the pattern begins with a letter to look for.
_TAG = patterns.lazy(r"#(?<!\S#)([A-Za-z][\w/-]*)(?=$|[\s.,;)])")
_HASH_PRIORITY = patterns.lazy(r"#(?<!\S#)(?:priority[:/](\w+)|(p\d))(?=$|\s)", re.IGNORECASE)
_WORD_FIELD = patterns.lazy(r"(agent|assignee|owner|priority):([\w./-]+)", re.IGNORECASE)
_NAME = patterns.lazy(r"@([A-Za-z][\w.-]*)")
_RECORD = patterns.lazy(
    r"\d{4}-\d{2}-\d{2}|(?:ref|logged|started|completed|verified|verify_failed|tier|actual|pr|due|category|model):\S+"
)
_PROJECT = patterns.lazy(r"\+([A-Za-z][\w./-]*)")
_CARET = patterns.lazy(r"\^([A-Za-z0-9][\w.-]*)")


class Wording(Struct):
    """What a first line says. `needs` are rules with their names; `hidden_id` stands in a comment or after 🆔 or ^."""

    title: str = ""
    candidate: ids.Candidate | None = None
    hidden_id: str | None = None
    placeholder: str | None = None
    priority: Priority | None = None
    parallel: bool = False
    assignee: str | None = None
    agent: str | None = None
    tags: tuple[str, ...] = ()
    needs: tuple[tuple[str, list[str]], ...] = ()
    blocks: tuple[str, ...] = ()  # the tasks that wait for this one
    bad: tuple[tuple[str, str], ...] = ()


def read(text: str) -> Wording:
    """Take a first line apart. The candidate's text is not in the title: `titled` puts a refused one back."""
    wording = Wording()
    text = text.strip()
    if len(text) > _MARKED_MAX:
        text = _without_enclosed(text, wording)  # many names make a long line; these patterns are linear
    text, rest = text[:_MARKED_MAX], text[_MARKED_MAX:]
    text = _take_hidden(text, wording)
    text = _take_head(text, wording)
    if not rest:
        text = _take_tail(text, wording)
    wording.title = text + rest
    return wording


def titled(wording: Wording, *, with_id: bool) -> str:
    """The title, beginning with the candidate's name where that is no id after all."""
    if with_id or wording.candidate is None:
        return wording.title
    return f"{wording.candidate.written}{wording.title}".strip()


def _take_hidden(text: str, wording: Wording) -> str:
    """What may stand anywhere: comments, parentheses, fields and signs."""
    if "<!--" in text:
        text = _COMMENT.sub(lambda match: _comment(match, wording), text)
    if "::" in text:
        text = _INLINE_FIELD.sub(lambda match: _inline_field(match, wording), text)
    if not text.isascii() and _MAY_BE_SIGN.search(text):
        text = _DATE.sub("", text)  # or the key of a task would change with the date of its completion
        if "🆔" in text or "⛔" in text:
            text = _SIGN.sub(lambda match: _sign(match, wording), text)
    lowered = text.lower()
    if "**" in text and _MAY_BE_BOLD.search(text):
        text = _BOLD.sub(lambda match: _bold(match, wording), text)
    if "blocks:" in lowered:
        text = _BLOCKS.sub(lambda match: _blocked(match, wording), text)
    if _may_need(lowered):
        text = _take_needs(text, wording)
    return text.strip()


def _comment(match: re.Match[str], wording: Wording) -> str:
    fields = _COMMENT_FIELD.findall(match[1])
    for key, value in fields:
        if key.lower() == "id":
            wording.hidden_id = value
        elif key.lower() == "agent":
            wording.agent = value
        else:
            wording.needs += (("dep", references.names(value)),)
    return "" if fields else match[0]


def _inline_field(match: re.Match[str], wording: Wording) -> str:
    key = (match["key"] or match["key2"]).strip().lower().replace("-", "").replace("_", "").replace(" ", "")
    value = (match["value"] if match["key"] else match["value2"]).strip()
    if key == "id":
        wording.hidden_id = value
    elif key in ("dependson", "depends", "blockedby"):
        wording.needs += (("dependsOn", references.names(value)),)
    elif key == "priority":
        _set_priority(value, wording)
    elif key in ("agent", "assignee"):
        setattr(wording, key, value)
    elif key in _DATE_FIELDS:
        return ""
    else:
        return match[0]
    return ""


def _sign(match: re.Match[str], wording: Wording) -> str:
    if match["sign"] == "🆔":
        wording.hidden_id = match["value"]
    else:
        wording.needs += (("⛔", references.names(match["value"])),)
    return ""


def _blocked(match: re.Match[str], wording: Wording) -> str:
    names = references.names(match[1])
    if not all(references.is_like_an_id(name) for name in names):
        return match[0]
    wording.blocks += tuple(names)
    return ""


def _bold(match: re.Match[str], wording: Wording) -> str:
    """`**Depends on**: T001, T002.` within a line."""
    names = references.names(match["value"])
    if not all(references.is_like_an_id(name) for name in names):
        return match[0]
    if match["rule"].lower() == "blocks":
        wording.blocks += tuple(names)
    else:
        wording.needs += ((match["rule"].lower(), names),)
    return ""


def _may_need(lowered: str) -> bool:
    """Whether a word is there that all the rules for dependencies need."""
    return "dep" in lowered or "blocked" in lowered or "requires" in lowered or "after" in lowered


def _ways(text: str) -> set[str]:
    """Which of the patterns for open dependencies could match outside code: they cost more than all the rest."""
    lowered = _outside_code(text).lower()
    ways: set[str] = set()
    if not _may_need(lowered):
        return ways
    for match in _RULE.finditer(lowered):
        if match[2]:
            value = lowered[match.end() + len(match[2]) :][:4]  # `:** ` is the longest that may come before it
            ways.add("trailing" if value.lstrip("*")[:1].isspace() else "bare")
        elif match[1].endswith(("on", "by")):
            ways.add("trailing")
    return ways


def _take_needs(text: str, wording: Wording) -> str:
    """Dependencies in parentheses are meant; open ones only when what follows looks like ids: prose is no edge."""
    text = _without_enclosed(text, wording)
    ways = _ways(text)
    if "bare" in ways:
        text = _BARE.sub(lambda match: _needed(match, wording), text)
    if "trailing" in ways and (match := _TRAILING.search(text)):
        before = text[: match.start()].rstrip().rstrip("—–|(-")
        is_apart = not before or before[-1].isspace() or text[len(before)].isspace()
        if is_apart and not _needed(match, wording):
            return before.rstrip().rstrip(",;").rstrip()
    return text


def _needed(match: re.Match[str], wording: Wording) -> str:
    rule = match["rule"].strip(" :").lower()
    names = references.names(match["value"].strip())
    if _is_prose(rule, match[0], names):
        return match[0]
    wording.needs += ((rule, names),)
    return ""


def _without_enclosed(text: str, wording: Wording) -> str:
    """Take what stands in parentheses outside of code, each with the blank before it."""
    plain = _outside_code(text)
    kept, at = "", 0
    for match in _PARENTHESES.finditer(text):
        if not plain[match.start("rule")].isspace() and not _needed(match, wording):
            kept += text[at : match.start()].removesuffix(" ")
            at = match.end()
    return kept + text[at:]


def _is_prose(rule: str, written: str, names: list[str]) -> bool:
    """`(after the release)` and `after: a while` are prose; `(depends on build)` and `blocked-by:build` are not."""
    if all(references.is_like_an_id(name) for name in names):
        return False
    if written.lstrip().startswith(("(", "[")):
        return rule in ("after", "requires", "depend", "dep", "deps") and ":" not in written
    return ": " in written or rule in ("after", "requires") or any(" " in name for name in names)


def _take_head(text: str, wording: Wording) -> str:
    while True:
        first = text[:1]
        may_mark = first in _HEAD_FIRST and (first != "*" or text[2:3] in _BOLD_FIRST)
        if may_mark and (match := _HEAD_PARALLEL.match(text)):
            wording.parallel = True
        elif may_mark and wording.priority is None and (match := _HEAD_PRIORITY.match(text)):
            _set_priority(match[match.lastindex or 0], wording)
        elif may_mark and first == "*" and wording.priority is None and (match := _BOLD_PRIORITY.match(text)):
            _set_priority(match[1], wording)
            text = text[match.end() :].replace("**", "", 1)
            continue
        elif wording.candidate is None and (candidate := ids.find(text)) is not None:
            wording.candidate = candidate
            text = _without(text, candidate)
            continue
        elif wording.placeholder is None and (unfilled := ids.placeholder(text)) is not None:
            wording.placeholder = unfilled.name
            text = _without(text, unfilled)
            continue
        elif first == "[" and (match := _HEAD_LABEL.match(text)):
            wording.tags += (match[1],)
        else:
            return text
        text = text[match.end() :]


def _without(text: str, candidate: ids.Candidate) -> str:
    """The text after an id; of `**T001: Build** it` the lone closing stars go too."""
    rest = text[candidate.taken :]
    return rest.replace("**", "", 1) if candidate.opened else rest


def _take_tail(text: str, wording: Wording) -> str:
    if "#" in text:
        if "#p" in text or "#P" in text:
            text = _HASH_PRIORITY.sub(lambda match: _hash_priority(match, wording), text).rstrip()
        wording.tags += tuple(_TAG.findall(_outside_code(text)))
    kept: list[str] = []  # what ends a line without being ours: an estimate, a date
    while text:
        head, _, word = text.rpartition(" ")
        if word.isalpha() and word.isascii():
            break  # a plain word, as nearly always
        if not word or _take_word(word, wording):
            text = head.rstrip()
        elif word[-1] in ")]" and wording.priority is None and (match := _TAIL_PRIORITY.search(text)):
            _set_priority(match[1] or match[2], wording)
            text = text[: match.start()].rstrip()
        elif (word.startswith("~") and len(word) > 1 and word[1].isdigit()) or _RECORD.fullmatch(word):
            kept.append(word)
            text = head.rstrip()
        else:
            break
    return " ".join([text, *reversed(kept)]).strip() if kept else text


def _take_word(word: str, wording: Wording) -> bool:
    first = word[0]
    if first == "#" and _TAG.fullmatch(word):
        return True
    if word == "(P)":
        wording.parallel = True
        return True
    if first == "@" and (match := _NAME.fullmatch(word)):
        wording.assignee = match[1]
    elif first == "+" and (match := _PROJECT.fullmatch(word)):
        wording.tags += (match[1],)
    elif first == "^" and (match := _CARET.fullmatch(word)):
        wording.hidden_id = wording.hidden_id or match[1]
    elif ":" in word and (match := _WORD_FIELD.fullmatch(word)):
        _set_field(match[1].lower(), match[2], wording)
    elif word.removesuffix("\ufe0f") in priorities.SYMBOLS:
        _set_priority(word, wording)
    else:
        return False
    return True


def _set_field(key: str, value: str, wording: Wording) -> None:
    if key == "priority":
        _set_priority(value, wording)
    elif key == "agent":
        wording.agent = value
    else:
        wording.assignee = value


def _hash_priority(match: re.Match[str], wording: Wording) -> str:
    _set_priority(match[1] or match[2], wording)
    return ""


def _set_priority(raw: str, wording: Wording) -> None:
    try:
        wording.priority = priorities.read(raw)
    except ValueError:
        wording.bad += (("priority", raw),)


def _outside_code(text: str) -> str:
    """The text with code spans blanked, so that nothing in them is a marker."""
    return _CODE.sub(lambda match: " " * len(match[0]), text) if "`" in text else text
