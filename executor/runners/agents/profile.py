"""What a coding agent's command line is like: a small file each, checked as it is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

Value = bool | int | float | str


class Kind(StrEnum):
    """What a run of an agent came to."""

    DONE = "done"
    LIMIT = "limit"  # a usage or rate limit: wait
    LOGIN = "login"  # nobody is logged in, or the key is refused
    BILLING = "billing"  # nothing is left to pay with
    PERMISSION = "permission"  # it may not do what it must
    TRANSIENT = "transient"  # no network, or a server in trouble
    SESSION = "session"  # the session to go on with is not there
    FAILED = "failed"  # everything else


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(_Strict):
    """What one kind of event tells. Paths are keys with dots between them; `*` is every element."""

    when: dict[str, Value | list[Value]] = {}
    answer: str | None = None  # the final answer; a later one replaces it
    piece: str | None = None  # a piece of it, to be put behind the ones before
    session: str | None = None
    input: list[str] = []  # tokens, those from a cache among them
    output: list[str] = []
    cached: list[str] = []
    cost: str | None = None  # dollars
    counted: list[str] = []  # the tokens read that these dollars are for, where versions differ in what they count
    ended: bool = False  # the agent says that it is through
    fails: bool | dict[str, Value | list[Value]] = False  # the event is an error, or is one where these hold
    message: list[str] = []  # of an error, or of trouble it is still trying to get out of: the first that is there
    status: str | None = None  # the HTTP status of an error
    word: str | None = None  # the service's own word for an error
    denied: str | None = None  # tools that it was not allowed to use
    until: str | None = None  # when a limit is over, in seconds since 1970


class Problem(_Strict):
    """How an error is recognised, by any of these, and what kind it is."""

    kind: Kind
    status: list[int] = []
    words: list[str] = []
    exits: list[int] = []
    text: Pattern | None = None
    always: bool = False  # also looked for in the answer of a run that calls itself a success


class Output(_Strict):
    """How what is printed is read."""

    format: Literal["json", "text"] = "text"
    usage: Literal["last", "sum", "session"] = "last"  # of the run, of each step, or of the session so far
    cost: Literal["last", "sum", "session"] = "last"
    rules: list[Rule] = []
    input: Pattern | None = None  # in text: the number of tokens is the first group
    output: Pattern | None = None
    dollars: Pattern | None = None
    noise: Pattern | None = None  # lines that are no sign of life


class Session(_Strict):
    """How a conversation is kept. Words with `{session}` in them."""

    start: list[str] = []  # given where the name of the session is ours to choose
    resume: list[str] = []  # none: every run begins anew


class Profile(_Strict):
    """An agent: what to run, how the prompt goes in, how its output is read, and which errors are what."""

    about: str = ""
    command: list[str] = Field(min_length=1)
    prompt: Literal["stdin", "argument", "file"] = "stdin"
    resume_command: list[str] = []  # instead of `command`, where going on is another command
    budget: list[str] = []  # given where there is a budget in dollars: words with `{usd}` in them
    probe: list[str] = []  # prints its version; the command with --version where nothing is said
    install: str = ""
    login: str = ""  # what a person does who is told that nobody is logged in
    permit: str = ""  # what a person does who is told that a tool was denied
    environment: list[str] = []  # names it may see beside the usual ones; a last `*` is any ending
    set: dict[str, str] = {}  # variables it always gets
    session: Session = Session()
    output: Output = Output()
    problems: list[Problem] = []
    grace: float = Field(10.0, gt=0)  # seconds from SIGINT to SIGTERM, and half of it from there to the end


class BadProfile(Exception):
    """A profile that cannot be used; the message says which, where and why."""


def read(name: str, content: Mapping[str, Any], place: str) -> Profile:
    """Check the values of a profile; raises BadProfile."""
    try:
        profile = Profile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadProfile(f"{place}: agents.{name}.{where}: {_plain(first['msg'])}") from error
    if profile.prompt == "file" and not any("{prompt}" in word for word in profile.command):
        raise BadProfile(f"{place}: agents.{name}.command: no word holds {{prompt}}, the name of the prompt's file")
    return profile


def _plain(message: str) -> str:
    """pydantic's message as one of ours."""
    message = message.removeprefix("Value error, ")
    return "no such key" if message.startswith("Extra inputs") else message[:1].lower() + message[1:]
