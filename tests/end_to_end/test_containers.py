"""Blocks in containers of podman: their folder, user and variables, their end, and what is said where none can run."""

from __future__ import annotations

import getpass
import os
import re
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import make
from tests.desk import Desk

IMAGE = "localhost/executor-test:1"
_PROGRAMS = ("sh", "cat", "env", "id", "ls", "mkdir", "ps", "pwd", "readlink", "sleep", "test", "touch", "tr")
_LIBRARY = re.compile(r"(/\S+) \(0x")


class Podman:
    """An engine of this session alone: its images, containers and settings lie in one folder."""

    def __init__(self, folder: Path) -> None:
        self.environ = {
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        }
        # What a container's usual network and limits take, a root inside of another container may lack.
        limits = (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC))
        ulimits = ", ".join(f'"{name}={most}:{most}"' for name, kind in limits for most in [_limit(kind)])
        runtime = 'runtime = "runc"\n' if shutil.which("runc") else ""
        (folder / "containers.conf").write_text(
            f'[containers]\nnetns = "host"\ndefault_ulimits = [{ulimits}]\n'
            f'[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n{runtime}'
        )
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/graph"\n'
        )

    def do(self, *words: str) -> str:
        ended = subprocess.run(
            ["podman", *words], env={**os.environ, **self.environ}, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def running(self) -> list[str]:
        """Ids of the runs whose containers there are, also of those that do not run any more."""
        return self.do("ps", "--all", "--format", '{{index .Labels "executor.run"}}').split()


def _limit(kind: int) -> int:
    most = resource.getrlimit(kind)[1]
    return 1024 if most == resource.RLIM_INFINITY else min(most, 1024)


def _root(folder: Path) -> Path:
    """A file system with a few programs of this machine and their libraries."""
    for name in (*_PROGRAMS, "env"):
        program = shutil.which(name)
        assert program, name
        libraries = _LIBRARY.findall(
            subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        )
        for file in (program, *libraries):
            there = folder / (f"bin/{name}" if file == program else file.lstrip("/"))
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, there)
    (folder / "tmp").mkdir(mode=0o1777)
    (folder / "of-the-image").touch()
    return folder


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    if not shutil.which("podman"):
        pytest.skip("podman is not installed")
    if os.geteuid() != 0 and f"{getpass.getuser()}:" not in Path("/etc/subuid").read_text():
        pytest.skip("an ordinary user's containers take a range of user ids, which /etc/subuid gives")
    folder = tmp_path_factory.mktemp("podman")
    made = Podman(folder)
    root = _root(folder / "root")
    subprocess.run(["tar", "-C", root, "-cf", folder / "root.tar", "."], check=True)
    made.do("import", str(folder / "root.tar"), IMAGE)
    yield made
    made.do("rm", "--all", "--force")
    made.do("rmi", "--all", "--force")
    shutil.rmtree(folder, ignore_errors=True)  # of an ordinary user's storage the folders may be another id's


def run(desk: Desk, podman: Podman, *arguments: str, code: int = 0, **env: str) -> str:
    answer = desk.do("run", *arguments, env={**podman.environ, **env})
    assert answer.code == code, answer.said
    return answer.said


def task(block: str, **options: object) -> str:
    settings = {"container": IMAGE, "container_engine": "podman"}
    return make.task(run=block, id="A1", settings=settings, **options)


def test_a_block_runs_in_its_image_with_the_folder_and_the_user_of_the_executor(desk: Desk, podman: Podman):
    desk.put("given.txt", "from outside\n")
    desk.write(make.document(task("cat given.txt; id -u; id -g; pwd; touch made.txt; ls /bin | tr '\\n' ' '")))
    run(desk, podman)
    said = desk.do("logs", "A1").said
    assert said.splitlines()[:4] == ["from outside", str(os.getuid()), str(os.getgid()), str(desk.folder)]
    assert "bash" not in said
    assert (desk.folder / "made.txt").stat().st_uid == os.getuid()
    assert podman.running() == []


def test_a_container_is_told_what_the_list_says_and_nothing_of_the_machine(desk: Desk, podman: Podman):
    """Also what a file of variables cannot hold: quotes, blanks at the end, lines."""
    block = 'echo "$EXECUTOR_TASK_ID $PLAIN $PATH"; echo "[$ODD]"; echo "[$KEY]"; echo "[${DATABASE_URL:-none}]"'
    env = {"PLAIN": "one", "ODD": "'\" two \\$x '", "PATH": "/bin:/elsewhere"}
    desk.write(make.document(task(block), env=env, secrets={"KEY": "file:key.txt"}))
    desk.put("key.txt", "short\n'k'")
    run(desk, podman)
    said = desk.do("logs", "A1").said
    assert said.startswith('A1 one /bin:/elsewhere\n[" two \\$x ]\n[')
    assert "[none]\n" in said


def test_values_are_on_no_command_line(desk: Desk, podman: Podman):
    block = f'printf %s "$KEY" > inside.txt; touch begun; {make.wait_for("end")}'
    desk.write(make.document(task(block), env={"PLAIN": "plain-value"}, secrets={"KEY": "file:key.txt"}))
    desk.put("key.txt", "secret 'first'\nsecond line")
    running = desk.start("run", env=podman.environ)
    desk.until_there("begun")
    shown = [_command_line(entry) for entry in Path("/proc").glob("[0-9]*/cmdline")]
    assert any("executor.run=" in line for line in shown)
    assert not [line for line in shown if "plain-value" in line or "secret 'first'" in line]
    desk.put("end")
    assert running.end().code == 0, running.said()
    assert desk.read("inside.txt") == "secret 'first'\nsecond line"


def _command_line(entry: Path) -> str:
    try:
        return entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:  # gone meanwhile
        return ""


def test_a_dir_outside_of_the_folder_is_there_as_well(desk: Desk, podman: Podman):
    (desk.home / "else, where").mkdir()
    (desk.home / "else, where" / "note.txt").write_text("found\n")
    text = task("cat note.txt; pwd").replace("```sh\n", f'```sh {{dir="{desk.home}/else, where"}}\n')
    desk.write(make.document(text))
    run(desk, podman)
    assert desk.do("logs", "A1").said.splitlines()[:2] == ["found", f"{desk.home}/else, where"]


def test_checks_run_in_the_image_and_none_takes_a_task_out_of_it(desk: Desk, podman: Podman):
    inside = make.task(run="test -e /of-the-image", id="A1", verify="test -e /of-the-image")
    outside = make.task(run="test ! -e /of-the-image", id="A2", settings={"container": "none"})
    desk.write(make.document(inside, outside, container=f'"{IMAGE}"', container_engine="podman"))
    one, two = desk.do("plan", "--json").json["tasks"]
    assert one["runs"].count(f" in {IMAGE}") == 2
    assert two["runs"].endswith("runs sh")
    run(desk, podman)
    assert desk.statuses() == {"A1": "completed", "A2": "completed"}


def test_an_exit_status_of_the_engine_is_explained(desk: Desk, podman: Podman):
    desk.write(
        make.document(
            make.task(run="true", id="A1", settings={"container": f"--pull never {IMAGE}0"}),
            make.task(run="print(1)", id="A2", language="python", settings={"container": IMAGE}),
            make.task(run="exit 3", id="A3", settings={"container": IMAGE}),
            container_engine="podman",
            keep_going=True,
        )
    )
    said = run(desk, podman, code=1)
    assert f"ended with exit status 125 (docker or podman itself, which could not run {IMAGE}0)" in said
    assert f" (in {IMAGE}: `python3`, or a command of the block, is not there)" in said
    assert "ended with exit status 3  " in said


@pytest.mark.parametrize("block", ["sleep 600", "trap '' TERM INT; while :; do sleep 1; done"])
def test_a_timeout_ends_the_container(desk: Desk, podman: Podman, block: str):
    desk.write(make.document(task(f"touch begun; {block}"), timeout="3s", retries=0))
    said = run(desk, podman, code=1)
    assert desk.exists("begun")
    assert "ran longer than its timeout of 3 s" in said
    assert podman.running() == []


def test_a_killed_worker_leaves_no_container(desk: Desk, podman: Podman):
    desk.write(make.document(task(f"touch begun; {make.wait_for('end')}; touch made-by-$EXECUTOR_ATTEMPT")))
    worker = desk.start("run", env=podman.environ)
    desk.until_there("begun")
    assert len(podman.running()) == 1
    worker.send(signal.SIGKILL)
    desk.until(lambda: podman.running() == [], "the end of the container")
    desk.put("end")
    run(desk, podman)
    assert desk.exists("made-by-2")
    assert not desk.exists("made-by-1")


def test_the_next_worker_removes_the_container_of_one_that_was_killed_with_its_guard(desk: Desk, podman: Podman):
    """Its processes go by their variable; this is about what is left where they cannot be seen."""
    desk.write(make.document(task(f"touch begun; {make.wait_for('end')}")))
    worker = desk.start("run", env=podman.environ)
    desk.until_there("begun")
    [guard] = [int(entry.parent.name) for entry in Path("/proc").glob("[0-9]*/cmdline") if _is_guard(entry, worker.pid)]
    os.kill(guard, signal.SIGKILL)
    worker.send(signal.SIGKILL)
    worker.end()
    assert len(podman.running()) == 1
    desk.put("end")
    run(desk, podman)
    assert podman.running() == []


def _is_guard(entry: Path, worker: int) -> bool:
    line = _command_line(entry)
    return "guard_process.py" in line and f".{worker}." in line


def test_without_an_engine_the_list_stops_with_what_to_install(desk: Desk, tmp_path: Path):
    tools = tmp_path / "tools"
    tools.mkdir()
    desk.write(make.document(make.task(run="true", id="A1", settings={"container": "python:3.12"})))
    answer = desk.do("run", env={"PATH": str(tools)})
    assert answer.code == 3, answer.said
    assert "`container:` needs docker or podman, and there is none; install podman" in answer.said
    assert desk.status("A1") == "queued"
    assert desk.value("SELECT attempts FROM executor.task_queue") == 0


def test_no_agent_works_for_checks_that_cannot_be_run(desk: Desk, tmp_path: Path):
    (tmp_path / "tools").mkdir()
    desk.put("executor.toml", f'[agents.mine]\ncommand = ["{shutil.which("touch")}", "{desk.folder}/worked"]\n')
    settings = {"container": "python:3.12", "runner": "agent", "agent": "mine"}
    desk.write(make.document(make.task(run=None, id="A1", verify="true", settings=settings)))
    answer = desk.do("run", env={"PATH": str(tmp_path / "tools")})
    assert answer.code == 3, answer.said
    assert "`container:` needs docker or podman, and there is none; install podman" in answer.said
    assert not desk.exists("worked")


def test_an_engine_that_does_not_answer_is_told_with_its_own_words(desk: Desk, tmp_path: Path):
    """As docker's client says it on a machine whose daemon is not running."""
    tools = tmp_path / "tools"
    tools.mkdir()
    docker = tools / "docker"
    docker.write_text(
        "#!/bin/sh\nif [ $1 = --version ]; then echo Docker version 28; exit; fi\necho no daemon here >&2; exit 1\n"
    )
    docker.chmod(0o755)
    desk.write(make.document(make.task(run="true", id="A1", settings={"container": "python:3.12"})))
    answer = desk.do("run", env={"PATH": str(tools)})
    assert answer.code == 3, answer.said
    assert "no container can run here; `docker info` says: no daemon here; start it" in answer.said
