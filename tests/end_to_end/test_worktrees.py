"""Tasks with a workspace of their own: what is merged, what is kept, and nothing done twice or lost by any death."""

from __future__ import annotations

import signal
import subprocess

import pytest

from tests import make


def git(desk, *words, code=0):
    done = subprocess.run(
        ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org", *words],
        cwd=desk.folder,
        env=desk.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout.rstrip("\n")


@pytest.fixture
def repository(desk):
    """A repository whose settings would stop a commit that heeded them."""
    git(desk, "init", "--quiet", "--initial-branch=main")
    for setting, value in (("commit.gpgsign", "true"), ("user.useConfigOnly", "true"), ("merge.ff", "only")):
        git(desk, "config", setting, value)
    hooks = desk.folder / ".git" / "hooks"
    for name in ("pre-commit", "commit-msg", "post-checkout", "pre-merge-commit"):
        (hooks / name).write_text("#!/bin/sh\nexit 1\n")
        (hooks / name).chmod(0o755)
    desk.put("shared.txt", "as it was\n")
    commit(desk)
    return desk


def commit(desk):
    git(desk, "add", "--all")
    git(desk, "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgsign=false", "commit", "--quiet", "-m", "by hand")


def write(desk, *tasks, **settings):
    desk.write(make.document(*tasks, **{"workspace": "worktree"} | settings))
    commit(desk)


def check_clean(desk):
    """Nothing is left but the marks in the list, and no worktree but the main one."""
    assert git(desk, "status", "--porcelain") in ("", " M tasks.md")
    assert git(desk, "branch", "--show-current") == "main"
    assert len(git(desk, "worktree", "list").splitlines()) == 1
    assert not (desk.folder / ".executor" / "worktrees").exists()
    assert "<<<<" not in desk.read("shared.txt")


def test_of_eight_at_a_time_seven_are_merged_and_the_one_in_conflict_names_its_file(repository):
    desk = repository
    begun = f"touch {desk.home}/begun-$EXECUTOR_TASK_ID"
    begun += f"; until [ $(ls {desk.home}/begun-* | wc -l) -ge 8 ]; do sleep 0.05; done"
    own = [make.task(id=f"T-{n}", run=f"{begun}\necho {n} > of-$EXECUTOR_TASK_ID") for n in range(1, 7)]
    both = [make.task(id=f"T-{n}", run=f"{begun}\necho {n} > shared.txt") for n in (7, 8)]
    write(desk, *own, *both, jobs=8, keep_going=True)

    answer = desk.do("run", seconds=60)

    assert answer.code == 1, answer.said
    statuses = desk.statuses()
    (failed,) = [task_id for task_id, status in statuses.items() if status == "failed"]
    (other,) = {"T-7", "T-8"} - {failed}
    assert sorted(statuses.values()) == ["completed"] * 7 + ["failed"]
    assert "its work conflicts with main in shared.txt" in answer.out
    assert desk.read("shared.txt") == f"{other[2:]}\n"
    assert all(desk.read(f"of-T-{n}") == f"{n}\n" for n in range(1, 7))
    check_clean(desk)
    kept = f"executor/tasks/{failed}"
    assert git(desk, "branch", "--list", "executor/*", "--format=%(refname:short)") == kept
    assert git(desk, "show", f"{kept}:shared.txt") == failed[2:]
    told = git(desk, "log", "--format=%s|%an|%(trailers:key=Executor-Task,valueonly,separator=)", f"{kept}", "-1")
    assert told == f"{failed} Do it|executor|{failed}"
    assert git(desk, "diff", "HEAD", "--name-only") == "tasks.md"

    assert desk.do("run", "--retry-failed").code == 0, "what is done anew, on what is there now, has no conflict"
    assert desk.read("shared.txt") == f"{failed[2:]}\n"
    check_clean(desk)
    assert git(desk, "branch", "--list", "executor/*", "--format=%(refname:short)").startswith(f"{kept}.")


@pytest.mark.parametrize("point", ["committed-not-merged", "merged-not-removed", "exited-not-settled"])
def test_a_death_between_two_steps_neither_loses_nor_repeats_the_work(repository, point):
    desk = repository
    done = f"echo x >> {desk.home}/done; echo more >> shared.txt; echo '- [x] **T-9** mine' >> tasks.md"
    write(desk, make.task(id="T-1", run=done), make.task(id="T-2", depends_on=["T-1"], run="grep -c more shared.txt"))

    assert desk.do("run", env={"EXECUTOR_FAULT": f"{point}:kill"}).code == -signal.SIGKILL
    assert desk.do("run").code == 0

    assert (desk.home / "done").read_text() == "x\n"
    assert desk.read("shared.txt") == "as it was\nmore\n"
    assert desk.do("logs", "T-2").out.splitlines()[1] == "1", "a dependent begins from what was merged"
    assert len(git(desk, "log", "--format=%H", "--grep=Executor-Task: T-1").splitlines()) == 1
    assert "\n- [x] **T-9**" not in git(desk, "show", "HEAD:tasks.md"), "the list is not a task's to change"
    check_clean(desk)
    if point == "exited-not-settled":
        desk.do("requeue", "T-1")
        assert desk.do("run").code == 0
        assert desk.read("shared.txt") == "as it was\nmore\nmore\n", "what a person queues again is done again"


def test_a_failed_attempt_is_kept_and_the_next_goes_on_in_it_until_a_person_lets_it_pass(repository):
    desk = repository
    check = "test $(wc -l < new.txt) = 2"
    write(desk, make.task(id="T-1", run="echo one >> new.txt", verify=check, settings={"gate": "after"}))
    failed = desk.do("run")
    assert failed.code == 1
    assert ".executor/worktrees/tasks/T-1" in desk.do("show", "T-1").out
    assert not desk.exists("new.txt")

    assert desk.do("run", "--retry-failed").code == 3
    assert "git diff main...executor/tasks/T-1" in desk.do("logs", "T-1").out
    assert not desk.exists("new.txt"), "not before a person has seen it"
    assert "brings its work in" in desk.do("approve", "T-1").out
    desk.put("shared.txt", "changed by hand\n")
    assert desk.do("run").code == 0, "a change elsewhere is in nobody's way"
    assert desk.read("new.txt") == "one\none\n"
    assert desk.read("shared.txt") == "changed by hand\n"
    assert desk.runs("T-1") == ["failed", "succeeded", "succeeded"]
    desk.put("shared.txt", "as it was\n")
    check_clean(desk)


def test_what_cannot_be_merged_into_says_why_and_what_to_do(repository):
    desk = repository
    write(desk, make.task(id="T-1", run="echo mine > shared.txt"))
    git(desk, "-c", "core.hooksPath=/dev/null", "checkout", "--quiet", "--detach")
    detached = desk.do("run")
    assert detached.code == 1
    assert "is on no branch" in detached.out
    git(desk, "-c", "core.hooksPath=/dev/null", "checkout", "--quiet", "main")
    desk.put("shared.txt", "by hand, not committed\n")
    dirty = desk.do("run", "--retry-failed")
    assert dirty.code == 1
    assert "shared.txt" in dirty.out
    assert desk.read("shared.txt") == "by hand, not committed\n"
    git(desk, "-c", "core.hooksPath=/dev/null", "checkout", "--", "shared.txt")
    assert desk.do("run", "--retry-failed").code == 0
    assert desk.read("shared.txt") == "mine\n"
    assert desk.runs("T-1") == ["failed", "failed", "succeeded"]
    check_clean(desk)


def test_a_copy_is_a_tasks_own_and_needs_no_repository(desk):
    desk.put("data", "1\n")
    desk.write(
        make.document(
            make.task(id="T-1", run='echo 2 >> data; cp data "$(dirname "$EXECUTOR_LIST")/result"'),
            make.task(id="T-2", run="cat data; false"),
            make.task(id="T-3", run="true", settings={"workspace": "worktree"}),
            workspace="copy",
            keep_going=True,
        )
    )
    answer = desk.do("run")
    assert desk.statuses() == {"T-1": "completed", "T-2": "failed", "T-3": "failed"}
    assert (desk.read("data"), desk.read("result")) == ("1\n", "1\n2\n")
    copies = desk.folder / ".executor" / "copies" / "tasks"
    assert [one.name for one in copies.iterdir()] == ["T-2"]
    assert "needs a git repository" in answer.out
