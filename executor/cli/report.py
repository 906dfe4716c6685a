"""`executor report`: what a list has taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.cli import console, options, session, verb

if TYPE_CHECKING:
    from executor.operations.costs import Sum

app = verb.verbs()


@app.callback(help="Tell what a list has taken.\n\nStart with: executor report costs")
def _group() -> None:
    return


@verb.verb(app)
def costs(file: options.File = None, json: options.Json = False, database_url: options.DatabaseUrl = None) -> None:
    """What agents used: tokens and dollars, by task and by agent.

    Example: executor report costs tasks.md
    """
    from executor.operations import costs as used

    with session.of_list(file, database_url, reads=True) as opened:
        rows = used.read(opened.connection, opened.row.list_id)
    if json:
        console.say_json(used.as_dict(rows))
        return
    if not rows:
        console.say("no agent has worked on this list")
        return
    told = [[row.task_id, row.agent, *_cells(used.together([row]))] for row in rows]
    for agent in sorted({row.agent for row in rows}):
        told.append(["all", agent, *_cells(used.together([row for row in rows if row.agent == agent]))])
    console.table([["task", "agent", "runs", "tokens in", "tokens out", "dollars", "time"], *told])
    console.say()
    console.say(f"together: {line(used.together(rows))}")


def line(used: Sum) -> str:
    """A sum in one line: `3 runs, 12.0k tokens, $0.42`."""
    parts = [console.counted(used.runs, "run"), f"{tokens(used.tokens_in + used.tokens_out)} tokens"]
    if used.cost_usd is not None:
        parts.append(f"${used.cost_usd:.2f}")
    return ", ".join(parts)


def tokens(number: int) -> str:
    """`950`, `12.0k`, `3.1M`."""
    if number < 1000:
        return str(number)
    return f"{number / 1000:.1f}k" if number < 1_000_000 else f"{number / 1_000_000:.1f}M"


def _cells(used: Sum) -> list[str]:
    dollars = "" if used.cost_usd is None else f"{used.cost_usd:.4f}"
    return [str(used.runs), tokens(used.tokens_in), tokens(used.tokens_out), dollars, console.duration(used.seconds)]
