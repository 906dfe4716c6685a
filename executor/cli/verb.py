"""What every verb has around it: an error becomes a message, a hint and an exit code."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

import typer
import typer.core

from executor.cli import console
from executor.errors import EXIT_DATABASE, EXIT_DONE, EXIT_INTERRUPTED, ExecutorError, UnreadableList


def verbs(group: type[typer.core.TyperGroup] = typer.core.TyperGroup) -> typer.Typer:
    """An empty set of verbs, as every module of them begins with."""
    return typer.Typer(
        cls=group,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def verb(app: typer.Typer, name: str | None = None) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Register a function as a verb. It answers its exit code, or None for 0; called as a function it still does."""

    def register(function: Callable[..., int | None]) -> Callable[..., int | None]:
        @functools.wraps(function)
        def guarded(*arguments: Any, **options: Any) -> None:
            raise typer.Exit(_exit_code(function, *arguments, **options))

        app.command(name)(guarded)
        return function

    return register


def _exit_code(function: Callable[..., int | None], *arguments: Any, **options: Any) -> int:
    try:
        code = function(*arguments, **options)
        sys.stdout.flush()
    except UnreadableList as error:
        console.diagnostics(error.path, error.diagnostics)
        return console.error(error)
    except ExecutorError as error:
        return console.error(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read us is gone (`executor events | head`): nothing more to say, and nothing to complain about.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    except Exception as error:
        translated = _of_driver(error)
        if translated is None:
            raise
        return console.error(translated) or EXIT_DATABASE
    return code or EXIT_DONE


def _of_driver(error: Exception) -> ExecutorError | None:
    """Our error for one of the driver's that no operation translated, without importing a driver to ask."""
    psycopg = sys.modules.get("psycopg")
    if psycopg is None or not isinstance(error, psycopg.Error):
        return None
    from executor.database import translate

    return translate.translate(error)
