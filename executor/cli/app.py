"""The program's verbs, each in a module that is imported when it is asked for."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import typer
import typer.core
import typer.main

from executor import log, settings
from executor.cli import console
from executor.errors import ExecutorError

# In the order of the help page, each with the module whose `app` holds it.
VERBS = {
    "run": "run",
    "watch": "watch",
    "worker": "worker",
    "sync": "sync",
    "plan": "plan",
    "graph": "graph",
    "check": "check",
    "parse": "parse",
    "status": "status",
    "list": "status",
    "show": "show",
    "logs": "show",
    "events": "events",
    "pause": "control",
    "resume": "control",
    "stop": "control",
    "workers": "fleet",
    "drain": "fleet",
    "agents": "agents",
    "report": "report",
    "skip": "people",
    "requeue": "people",
    "waiting": "answers",
    "approve": "answers",
    "reject": "answers",
    "note": "answers",
    "done": "people",
    "checkpoint": "checkpoint",
    "attach": "artefacts",
    "artefact": "artefacts",
    "prioritize": "people",
    "init": "init",
    "id": "ids",
    "migrate": "migrate",
    "docs": "docs",
    "db": "db",
    "doctor": "doctor",
    "version": "version",
}


_GROUPS = ("checkpoint", "db", "docs", "migrate", "report")  # verbs with verbs of their own


class _Verbs(typer.core.TyperGroup):
    """A group that imports a verb's module only when that verb is used, or all of them for the help page."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the shape of the group asks for it
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        module: Any = importlib.import_module(f"executor.cli.{VERBS[cmd_name]}")
        command: Any = typer.main.get_command(module.app)
        if cmd_name not in _GROUPS and hasattr(command, "commands"):
            command = command.commands[cmd_name]
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=_Verbs,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    help="Runs a Markdown task list to the end, through any crash.\n\nStart with: executor run tasks.md",
)


@app.callback()
def _program() -> None:
    """Runs a Markdown task list to the end, through any crash.

    Start with: executor run tasks.md
    """


def main() -> None:
    """Run the command line of this process and end it with the exit code of its verb."""
    try:
        log.configure(settings.read().log_level)
    except ExecutorError as error:
        sys.exit(console.error(error))
    app(prog_name="executor")
