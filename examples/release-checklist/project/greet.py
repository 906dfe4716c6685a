"""Greets people: the small program that the checklist releases."""

from __future__ import annotations


def greet(name: str, *, loud: bool = False) -> str:
    """A greeting for one person.

    >>> greet("Ada")
    'Hello, Ada'
    >>> greet(" ")
    'Hello, world'
    >>> greet("Ada", loud=True)
    'HELLO, ADA!'
    """
    greeting = f"Hello, {name.strip() or 'world'}"
    return f"{greeting.upper()}!" if loud else greeting
