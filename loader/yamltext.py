"""YAML read within bounds: no text can make it take long, use up the memory or end the process."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from loader import patterns

if TYPE_CHECKING:
    from yaml import Node

SIZE_MAX = 64 * 1024  # a second for the slower of the two parsers
_DEPTH_MAX = 100
_NODES_MAX = 20_000  # with each alias counted as what it stands for: ten lines can stand for a billion
_OPENING = patterns.lazy(r"[\[{]|(?<![^\s\[{,])[-?:](?=\s)")  # all that can begin a level


def load(text: str) -> tuple[Any, Node | None]:
    """The content and its nodes, which know their lines; raises what PyYAML raises, and ValueError.

    PyYAML's parser in C is twenty times as fast, but overflows the stack where the other one raises, and shows the end
    of the text where that one shows the mistake: it reads what is flat and right.
    """
    import yaml  # 15 ms that only files with YAML in them pay

    if len(text) > SIZE_MAX:
        raise ValueError(f"it is longer than {SIZE_MAX // 1024} KiB")
    fast = getattr(yaml, "CSafeLoader", None)
    if fast is not None and sum(1 for _ in _OPENING.finditer(text)) <= _DEPTH_MAX:
        with suppress(yaml.MarkedYAMLError):
            return _load(fast(text))
    try:
        return _load(yaml.SafeLoader(text))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _load(loader: Any) -> tuple[Any, Node | None]:
    try:
        node = loader.get_single_node()
        if node is None:
            return None, None
        if _size(node, {}) > _NODES_MAX:
            raise ValueError("its aliases stand for too much")
        return loader.construct_document(node), node
    finally:
        loader.dispose()


def _size(node: Node, sizes: dict[int, int]) -> int:
    """How many nodes it is with every alias written out; one that holds itself is too many."""
    if id(node) not in sizes:
        sizes[id(node)] = _NODES_MAX + 1  # for whoever asks while it is being counted
        value = node.value if isinstance(node.value, list) else ()
        parts = (part for item in value for part in (item if isinstance(item, tuple) else (item,)))
        sizes[id(node)] = 1 + sum(_size(part, sizes) for part in parts)
    return sizes[id(node)]
