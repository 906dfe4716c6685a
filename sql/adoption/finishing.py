"""What every converted file needs: no transaction of its own, our directives, and a last look at the whole."""

from __future__ import annotations

import re

from msgspec.structs import replace

from sql import directives, refusals, script
from sql.adoption.values import Draft, Line, Notes
from sql.tokens import BadScript, Kind, Token, lex

_WITHOUT = replace(directives.Directives(), transaction=False)


def text(draft: Draft, notes: Notes) -> str:
    """The finished file; what cannot run is refused at its place in the file it came from."""
    up, down = _unwrapped(draft.up, notes), draft.down
    if down is not None:
        down = _unwrapped(down, notes)
    up, down = _defused(up, notes), _defused(down, notes) if down is not None else None
    if draft.transaction and (alone := _alone(up)):
        kind, line = alone
        notes.decide(line.path, line.number, f"{kind} runs outside a transaction: `-- migrate: no-transaction`")
        draft.transaction = False
    head = [] if draft.transaction else [Line("-- migrate: no-transaction", draft.path, 0)]
    tail = [] if down is None or _is_empty(down) else [Line("-- migrate: down", draft.path, 0), *down]
    if down and not tail:
        tail = down if any(line.text.strip() for line in down) else []
    return _checked([*head, *up, *tail], draft, notes)


def _checked(result: list[Line], draft: Draft, notes: Notes) -> str:
    content = "\n".join(line.text for line in result).rstrip("\n") + "\n"
    try:
        parsed = script.parse(content)
        if parsed.down is not None:
            script.undoing(parsed)
    except BadScript as error:
        number, _ = script.place(content, error.offset)
        line = result[min(number, len(result)) - 1]
        notes.refuse(line.path, line.number, error.message)
    else:
        if not parsed.statements:
            notes.decide(draft.path, 0, "has no statement that runs; it keeps its number")
    return content


def _unwrapped(part: list[Line], notes: Notes) -> list[Line]:
    """The part without a BEGIN and COMMIT around all of it; they stay as comments."""
    content = "\n".join(line.text for line in part)
    statements = _statements(content)
    if len(statements) < 2 or not (_opens(statements[0]) and _closes(statements[-1])):
        return part
    for tokens in (statements[-1], statements[0]):
        start, end = tokens[0].start, tokens[-1].end
        end = (
            content.index(";", end) + 1 if ";" in content[end:] and not content[end:].partition(";")[0].strip() else end
        )
        number = content.count("\n", 0, start)
        notes.decide(part[number].path, part[number].number, f"{tokens[0].text.upper()}: every file is a transaction")
        content = f"{content[:start]}/* {content[start:end]} */{content[end:]}"
    return [replace(line, text=said) for line, said in zip(part, content.split("\n"), strict=True)]


def _statements(content: str) -> list[list[Token]]:
    """The statements cut at every semicolon: enough to know the first and the last."""
    found: list[list[Token]] = [[]]
    try:
        for token in lex(content):
            if token.text == ";":
                found.append([])
            elif token.kind not in (Kind.BLANK, Kind.COMMENT):
                found[-1].append(token)
    except BadScript:
        return []  # told with its place when the whole is read
    return [tokens for tokens in found if tokens]


def _opens(tokens: list[Token]) -> bool:
    words = [token.text.upper() for token in tokens]
    return words in (["BEGIN"], ["BEGIN", "TRANSACTION"], ["BEGIN", "WORK"], ["START", "TRANSACTION"])


def _closes(tokens: list[Token]) -> bool:
    words = [token.text.upper() for token in tokens]
    return words[:1] in (["COMMIT"], ["END"]) and words[1:] in ([], ["TRANSACTION"], ["WORK"])


def _defused(part: list[Line], notes: Notes) -> list[Line]:
    """Comments that only look like directives of ours are made to look otherwise."""
    found = []
    for line in part:
        if directives.words(line.text.strip()) is not None:
            said = re.sub("--", "---", line.text, count=1)
            notes.decide(line.path, line.number, "a comment that reads like a directive has one more dash now")
            line = replace(line, text=said)
        found.append(line)
    return found


def _alone(part: list[Line]) -> tuple[str, Line] | None:
    """The first statement that the server only runs outside a transaction, and its line."""
    content = "\n".join(line.text for line in part)
    try:
        statements = script.parse(content, _WITHOUT).statements
    except BadScript:
        return None
    for statement in statements:
        if kind := refusals.alone(statement.words):
            return kind, part[statement.line - 1]
    return None


def _is_empty(part: list[Line]) -> bool:
    """Whether nothing in it runs: a way down that is only a comment is none."""
    return not _statements("\n".join(line.text for line in part))
