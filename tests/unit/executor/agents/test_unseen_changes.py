"""An agent's run whose changes nobody can look at: it has failed, and what it used counts all the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import loader
from executor.model import Claimed
from executor.runners import Surroundings
from executor.runners.agents import carry
from executor.runners.agents.keeper import Keeper
from executor.states import RunStatus

PROFILE = """
[agents.mine]
command = ["sh", "-c", "echo '- [ ] **A-1** Other' > tasks.md; echo 'tokens: 40 in, 2 out'"]
[agents.mine.output]
format = "text"
input = '(\\d+) in'
output = '(\\d+) out'
"""


class Quiet:
    """The `Io` of a run whose output nobody wants."""

    full = False

    def __init__(self) -> None:
        self.wake_fd, self._wake_from = os.pipe()

    def output(self, content: bytes) -> None:
        return

    def talks(self, agent: str, session: str) -> None:
        return

    def began(self, pgid: int) -> None:
        return

    def ended(self, pgid: int) -> None:
        return


def _away() -> Mapping[str, str]:
    raise OSError(5, "Input/output error")


def test_what_an_agent_used_counts_also_where_its_changes_cannot_be_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "tasks.md"
    path.write_text("- [ ] **A-1** One\n")
    (tmp_path / "executor.toml").write_text(PROFILE)
    (tmp_path / "scratch").mkdir()
    surroundings = Surroundings(
        list_path=str(path),
        folder=tmp_path,
        scratch=tmp_path / "scratch",
        environ={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        settings={},
        worker=f"test.{sys.platform}",
        keeper=Keeper(path, partial(loader.parse, name=path.name), tmp_path, ticks=True),
        record=_away,
    )
    claimed = Claimed(
        list_id=1,
        queue_id=1,
        task_id="A-1",
        title="One",
        runner="agent",
        spec={"blocks": [], "settings": {}},
        failures=0,
        last_error=None,
        run_id=1,
        attempt=1,
        agent="mine",
    )
    ended = carry.run(claimed, Quiet(), surroundings)
    assert ended.status is RunStatus.FAILED
    assert ended.error.startswith("it cannot be told whether mine changed what it must not: OSError: ")
    assert "Input/output error" in ended.error
    assert ended.usage
    assert (ended.usage.tokens_in, ended.usage.tokens_out) == (40, 2)
