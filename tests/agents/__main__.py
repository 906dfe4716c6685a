"""Run each installed agent through the executor, once for each thing that the model server can do, and compare.

    python -m tests.agents [NAME...]    (or `make agents`)

Agents are looked for in PATH and in `.agents/node_modules/.bin`; `make agents` installs them there with npm.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.agents import model_server

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / ".agents" / "node_modules" / ".bin"
PATIENCE = 90.0


@dataclass(frozen=True)
class Scenario:
    """What is asked of the model server, the check of the task, and how the runs may end."""

    asked: str
    expected: list[list[str]]
    verify: str = "true"
    settings: str = ""
    code: int | None = None  # of the executor; None where it is stopped, because it would wait


SCENARIOS = {
    "answers": Scenario("ok", [["succeeded"]], code=0),
    "uses a tool": Scenario("tool", [["succeeded"]], verify="grep -q from-tool made_by_agent.txt", code=0),
    "fails a check, goes on": Scenario(
        "ok", [["failed", "succeeded"]], verify="test -e again || { touch again; false; }", code=0
    ),
    # Two of them sleep without a word when told to come back in five hours, and are ended for their silence.
    "is at its limit": Scenario("limit", [["refused"], ["timed_out"]], settings="stall: 25s, retries: 0"),
    "is not logged in": Scenario("login", [["refused"]], code=3),
    "hangs": Scenario("hang", [["timed_out"]], settings="stall: 8s, retries: 0", code=1),
}


def surroundings(name: str, url: str, home: Path) -> dict[str, str]:
    """What makes an agent ask our server: variables, and files in a home of its own."""

    def put(path: str, content: str) -> Path:
        file = home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return file

    key = {"OPENAI_API_KEY": "a-key-for-tests-only", "OPENAI_BASE_URL": f"{url}/v1"}
    if name == "claude":
        return {
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "a-key-for-tests-only",
            "IS_SANDBOX": "1",
            "CLAUDE_CODE_MAX_RETRIES": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }
    if name == "codex":
        put(
            "codex/config.toml",
            'model = "mock-model"\nmodel_provider = "mock"\n[model_providers.mock]\nname = "mock"\n'
            f'base_url = "{url}/v1"\nwire_api = "responses"\nenv_key = "OPENAI_API_KEY"\n'
            "request_max_retries = 1\nstream_max_retries = 1\n",
        )
        return {"CODEX_HOME": str(home / "codex"), **key}
    if name == "gemini":
        put(".gemini/settings.json", json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}}))
        return {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": "a-key-for-tests-only"}
    if name == "qwen":
        put(".qwen/settings.json", json.dumps({"security": {"auth": {"selectedType": "openai"}}}))
        return {"OPENAI_MODEL": "mock-model", **key}
    if name == "opencode":
        provider = {
            "npm": "@ai-sdk/openai-compatible",
            "options": {"baseURL": f"{url}/v1", "apiKey": "a-key-for-tests-only"},
            "models": {"mock-model": {"name": "mock", "cost": {"input": 3, "output": 15}}},
        }
        config = put("opencode.json", json.dumps({"model": "mock/mock-model", "provider": {"mock": provider}}))
        return {"OPENCODE_CONFIG": str(config), "OPENCODE_DISABLE_AUTOUPDATE": "1"}
    return {  # copilot
        "COPILOT_PROVIDER_BASE_URL": f"{url}/v1",
        "COPILOT_PROVIDER_API_KEY": "a-key-for-tests-only",
        "COPILOT_OFFLINE": "true",
        "COPILOT_MODEL": "mock-model",
    }


AGENTS = ("claude", "codex", "gemini", "opencode", "copilot", "qwen")


def main(names: list[str]) -> int:
    """Run them all; how many did not do what was expected."""
    wrong = 0
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    with model_server.serving() as server, tempfile.TemporaryDirectory(prefix="executor-agents-") as top:
        Path(top).chmod(0o755)  # for the account that runs PostgreSQL for root
        for name in names or AGENTS:
            if shutil.which(name, path=path) is None:
                print(f"{name:<9} is not installed")
                continue
            for title, scenario in SCENARIOS.items():
                folder = Path(top) / f"{name}-{title.replace(' ', '-').replace(',', '')}"
                wrong += not _try(name, title, scenario, server, folder, path, Path(top) / "executor")
    return wrong


def _try(name: str, title: str, scenario: Scenario, server: str, folder: Path, path: str, queue: Path) -> bool:
    home = folder / "home"
    work = folder / "work"
    for one in (home, work):
        one.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet"], cwd=work, check=True)
    settings = f"runner: agent, agent: {name}, timeout: {PATIENCE:g}s, retry_delay: 100ms"
    settings += f", {scenario.settings}" if scenario.settings else ""
    (work / "tasks.md").write_text(
        f"---\nexecutor: {{{settings}}}\n---\n# Try it\n\n- [ ] **A-1** Make a file\n"
        f"  ```sh verify\n  {scenario.verify}\n  ```\n"
    )
    environ = {
        **{key: os.environ[key] for key in ("LANG", "PYTHONPATH", "DATABASE_URL") if key in os.environ},
        "PATH": path,
        "HOME": str(home),
        "EXECUTOR_HOME": str(queue),
        **surroundings(name, f"{server}/{scenario.asked}", home),
    }
    began = time.monotonic()
    code, said = _run(work, environ, waits=scenario.code is None)
    shown = json.loads(
        subprocess.run(
            [sys.executable, "-m", "executor", "show", "A-1", "--json"],
            cwd=work,
            env=environ,
            capture_output=True,
            check=True,
        ).stdout
    )
    runs = [run for run in shown["runs"] if run["status"] != "cancelled"]
    good = [run["status"] for run in runs] in scenario.expected and scenario.code in (None, code)
    good = good and (len(runs) < 2 or (len({run["session"] for run in runs}) == 1 and _are_alike(runs)))
    print(
        f"{name:<9} {title:<23} {'ok   ' if good else 'WRONG'} {time.monotonic() - began:5.1f} s  {_facts(runs)}",
        flush=True,
    )
    if not good:
        print(f"          executor ended with {code}; {said[-600:]}")
        logs = subprocess.run(
            [sys.executable, "-m", "executor", "logs", "A-1"], cwd=work, env=environ, capture_output=True, check=False
        )
        print(logs.stdout.decode(errors="replace")[-1500:])
    return good


def _run(work: Path, environ: Mapping[str, str], *, waits: bool) -> tuple[int, str]:
    with (work.parent / "said").open("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "executor", "run"], cwd=work, env=environ, stdout=said, stderr=said
        )
        until = time.monotonic() + PATIENCE + 30
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.2)
            if waits and any(word in (work.parent / "said").read_text() for word in ("retry ", "FAILED ")):
                break
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
        said.seek(0)
        return process.returncode, said.read()


def _are_alike(runs: list[dict[str, Any]]) -> bool:
    """The model answers the same each time, so each run of a session used the same, whatever the agent counts."""
    return len({(run["tokens_out"], run["cost_usd"] and round(run["cost_usd"], 6)) for run in runs}) == 1


def _facts(runs: list[dict[str, Any]]) -> str:
    return "; ".join(_fact(run) for run in runs)


def _fact(run: Mapping[str, Any]) -> str:
    dollars = "" if run["cost_usd"] is None else f" ${run['cost_usd']:.5f}"
    error = f" ({run['error'].splitlines()[0][:90]})" if run["error"] else ""
    return f"{run['status']} {run['tokens_in'] or 0}/{run['tokens_out'] or 0} tokens{dollars}{error}"


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
