"""Regular expressions that are compiled when they are first used: hardly a list needs more than a few of the many."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast

_METHODS = ("search", "match", "fullmatch", "finditer", "findall", "split", "sub", "subn")


class _Unread:
    """Stands for a pattern; from its first use on, its methods are those of the compiled one."""

    def __init__(self, text: str | bytes, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        compiled = re.compile(self._text, self._flags)
        vars(self).update((method, getattr(compiled, method)) for method in _METHODS)
        return getattr(compiled, name)


def lazy(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What `re.compile` returns, but for the time it takes: a module of patterns is imported without reading them."""
    return cast("re.Pattern[AnyStr]", _Unread(text, flags))
