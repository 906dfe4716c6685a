"""A git worktree and a branch for each task: committed when its checks have passed, merged, and cleared away.

carry
    alone: was it merged by a run that was killed before it could say so?   -> nothing is left to do
           is its finished work on its branch?                               -> merge that; a conflict sets it aside
           make its worktree, or go on in the one that an earlier attempt left
    run the task in it
    commit, with the task's id and the run's number
    a person looks at it first?                                              -> the branch waits for the next run
    alone: merge into the branch that the list's tree is on, remove worktree and branch

Killed between any two of these, the next run finds by the commit's trailers what was done. Merges are made in the
task's own worktree, and the list's tree only goes forward to the result: a conflict never shows there.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from executor import faults, gate
from executor.model import Claimed
from executor.outcome import Outcome
from executor.runners import Io, Runner, Surroundings
from executor.runners.patience import Cancelled
from executor.runners.workspaces import git, places
from executor.runners.workspaces.git import Git, GitRefused
from executor.runners.workspaces.places import Place
from executor.states import RunStatus

_INTO = "executorInto"
_STOPPED = "stopped while it waited for its turn in the repository"


class Unmerged(Exception):
    """The work is on its branch and cannot be merged as things are; the message says why."""


class _Work(Struct, frozen=True):
    """One run's dealings with the repository."""

    claimed: Claimed
    io: Io
    place: Place
    git: Git  # in the tree of the list

    @property
    def asked(self) -> str:
        return places.work(self.claimed.title, self.claimed.spec)

    @property
    def is_reviewed(self) -> bool:
        """Is a person to look at it before it is merged?"""
        return self.claimed.review is None and gate.is_reviewed(self.claimed.runner, self.claimed.spec)

    def say(self, text: str) -> None:
        self.io.output(f"{text}\n".encode("utf-8", "replace"))


def carry(run: Runner, claimed: Claimed, io: Io, surroundings: Surroundings) -> Outcome:
    """Carry a run out in a worktree of its own; it has succeeded when its work is merged, or waits for a person."""
    here = Git(surroundings.folder, git.environment(surroundings.environ))
    try:
        work = _Work(claimed, io, _place(here, surroundings, claimed), here)
        return _carry(work, run, surroundings)
    except Cancelled:
        return Outcome(RunStatus.CANCELLED, _STOPPED)
    except FileNotFoundError as error:
        return Outcome(RunStatus.FAILED, f"workspace: worktree needs git: {error}")
    except (GitRefused, Unmerged) as error:
        return Outcome(RunStatus.FAILED, str(error))


def _carry(work: _Work, run: Runner, surroundings: Surroundings) -> Outcome:
    place = work.place
    with git.alone(work.git, place.common, work.io) as alone:
        here = replace(work, git=alone.at(place.top))
        if _is_over(here):
            return Outcome(RunStatus.SUCCEEDED, exit_code=0)
        _make(here)
    (place.path / place.inside).mkdir(parents=True, exist_ok=True)  # where nothing of the list's folder is in git
    ended = run(work.claimed, work.io, replace(surroundings, folder=place.path / place.inside))
    if ended.status is not RunStatus.SUCCEEDED:
        return replace(ended, error=f"{ended.error}\nwhat it left is in {_shown(place)}" if ended.error else "")
    try:
        _hand_in(work)
    except Cancelled:
        return replace(ended, status=RunStatus.CANCELLED, error=_STOPPED, exit_code=None)
    except (GitRefused, Unmerged) as error:
        return replace(ended, status=RunStatus.FAILED, error=str(error), exit_code=None)
    return ended


def _hand_in(work: _Work) -> None:
    """Commit what the run did and bring it in, or leave it to a person's word."""
    place = work.place
    _commit(replace(work, git=work.git.at(place.path)))
    faults.at("committed-not-merged")
    if work.is_reviewed:
        work.say(f"look at it: git diff {_into(work)}...{place.branch}")
        return
    with git.alone(work.git, place.common, work.io) as alone:
        here = replace(work, git=alone.at(place.top))
        try:
            _merge(here)
        except Unmerged:
            _remove_tree(here)  # all of it is on the branch
            raise
        faults.at("merged-not-removed")
        _clear_away(here)


def _place(here: Git, surroundings: Surroundings, claimed: Claimed) -> Place:
    """Raises GitRefused where there is nothing to work on."""
    try:
        top, common = here.ask("rev-parse", "--path-format=absolute", "--show-toplevel", "--git-common-dir").split("\n")
    except GitRefused as error:
        raise GitRefused(
            f"workspace: worktree needs a git repository around {surroundings.folder}: {error}\n"
            "hint: `git init`, commit what there is, and run again; or take `workspace: copy`"
        ) from error
    return places.of_task(Path(top), Path(common), surroundings.folder, Path(surroundings.list_path), claimed.task_id)


def _is_over(work: _Work) -> bool:
    """Was everything done by an earlier run, or can it be brought to its end now?"""
    if _was_merged(work):
        work.say("merged by an earlier run; not repeated")
        _clear_away(work)
        return True
    done, run_id = _finished(work) or (None, 0)
    if done is None and work.claimed.review == "passed":
        raise Unmerged(
            f"its approved work is not on a branch {work.place.branch} of this repository\n"
            f"hint: merge it where it is, then `executor done {work.claimed.task_id}`"
        )
    if done is None:
        return False
    if work.is_reviewed:
        return run_id > (work.claimed.since or 0)  # else a person has seen it and wants it done again
    try:
        _merge(work)
    except Unmerged as conflict:
        if work.claimed.review == "passed":
            raise
        kept = f"{work.place.branch}.{done[:10]}"
        work.say(f"{conflict}\nits earlier work is kept as the branch {kept}; it is done again on what is there now")
        _remove_tree(work)
        work.git.ask("branch", "-M", work.place.branch, kept)
        return False
    _clear_away(work)
    return True


def _was_merged(work: _Work) -> bool:
    """Is a commit of this task in the branch, by a run of which the queue does not know that it succeeded?"""
    if work.claimed.attempt == 1:
        return False
    found = work.git.ask(
        "log", "--fixed-strings", "--all-match", f"--grep=Executor-Task: {work.claimed.task_id}",
        f"--grep=Executor-Work: {work.asked}", "--format=%(trailers:key=Executor-Run,valueonly,separator=%x2C)",
        _into(work), "--",
    )  # fmt: skip
    runs = [int(word) for line in found.split("\n") for word in line.split(",") if word.strip().isdigit()]
    return any(run_id > (work.claimed.since or 0) for run_id in runs)


def _finished(work: _Work) -> tuple[str, int] | None:
    """The commit that ends the work as the task is written now, and its run, if its branch ends with one."""
    head = f"refs/heads/{work.place.branch}"
    if not work.git.holds("rev-parse", "--verify", "--quiet", head):
        return None
    run_id = "%(trailers:key=Executor-Run,valueonly,separator=%x20)"
    commit, asked, run = work.git.ask(
        "log", "-1", f"--format=%H|%(trailers:key=Executor-Work,valueonly,separator=%x20)|{run_id}", head
    ).split("|")
    return (commit, int(run)) if asked == work.asked and run.isdigit() else None


def _make(work: _Work) -> None:
    """A worktree on the task's branch: the one that is there, or one at the tip of the branch that the list is on."""
    place, here = work.place, work.git
    if _is_whole(work):
        work.say(f"goes on in {_shown(place)}")
        return
    _remove_tree(work)
    ignored = place.top / places.FOLDER / ".gitignore"
    place.path.parent.mkdir(parents=True, exist_ok=True)
    if not ignored.exists():
        ignored.write_text("*\n", encoding="utf-8")
    if here.holds("rev-parse", "--verify", "--quiet", f"refs/heads/{place.branch}"):
        here.ask("worktree", "add", "--quiet", str(place.path), place.branch)
    else:
        into = _current(work)
        here.ask("worktree", "add", "--quiet", "--no-track", "-b", place.branch, str(place.path), into)
        here.ask("config", f"branch.{place.branch}.{_INTO}", into)
    work.say(f"works in {_shown(place)}, on the branch {place.branch}")


def _is_whole(work: _Work) -> bool:
    """Is its worktree there, and not one that a killed git has begun to make?"""
    if not (work.place.path / ".git").exists():
        return False
    tree = work.git.at(work.place.path)
    try:
        folder = Path(tree.ask("rev-parse", "--path-format=absolute", "--git-dir"))
        on_branch = tree.ask("symbolic-ref", "--quiet", "HEAD") == f"refs/heads/{work.place.branch}"
    except GitRefused:
        return False
    if (folder / "locked").exists():
        return False
    (folder / "index.lock").unlink(missing_ok=True)  # a killed git's: nobody else works here
    return on_branch


def _current(work: _Work) -> str:
    """The branch that the list's tree is on; raises GitRefused where there is none to merge into."""
    try:
        into = work.git.ask("symbolic-ref", "--short", "--quiet", "HEAD")
    except GitRefused as error:
        raise GitRefused(
            f"{work.place.top} is on no branch, so there is nothing to merge into\n"
            "hint: `git switch NAME`, and run again"
        ) from error
    if not work.git.holds("rev-parse", "--verify", "--quiet", f"refs/heads/{into}"):
        raise GitRefused(f"the branch {into} has no commit yet\nhint: commit what there is, and run again")
    return into


def _into(work: _Work) -> str:
    """The branch that the work began from and goes into."""
    key = f"branch.{work.place.branch}.{_INTO}"
    return work.git.ask("config", key) if work.git.holds("config", key) else _current(work)


def _commit(work: _Work) -> None:
    """Commit what the task did, without the list's file; nothing where it changed nothing that anybody waits for."""
    tree, place = work.git, work.place
    if not tree.holds("symbolic-ref", "--quiet", "HEAD") or tree.ask("symbolic-ref", "HEAD") != (
        f"refs/heads/{place.branch}"
    ):
        raise Unmerged(f"it left its branch {place.branch}, so its work is not merged; it is in {_shown(place)}")
    base = tree.ask("merge-base", "HEAD", _into(work))
    tree.ask("add", "--all", "--", ".")
    if not tree.holds("diff", "--cached", "--quiet", base, "--", place.listed):
        work.say(f"what it changed in {place.listed} is left out: marks are the executor's")
        _restore(tree, base, place.listed)
    if tree.holds("diff", "--cached", "--quiet", base) and not work.is_reviewed:
        work.say("it changed no file")
        return
    message = (
        f"{work.claimed.task_id} {work.claimed.title}\n\n"
        f"Executor-Task: {work.claimed.task_id}\nExecutor-Run: {work.claimed.run_id}\nExecutor-Work: {work.asked}\n"
    )
    tree.commit("commit", "--quiet", "--allow-empty", "--no-verify", f"--message={message}", "--cleanup=whitespace")
    files = tree.ask("diff", "--name-only", base, "HEAD").split("\n")
    work.say(f"committed {tree.ask('rev-parse', '--short', 'HEAD')}: {_listed(files)}")


def _restore(tree: Git, base: str, name: str) -> None:
    if tree.holds("cat-file", "-e", f"{base}:{name}"):
        tree.ask("checkout", "--quiet", base, "--", name)
    else:
        tree.ask("rm", "--quiet", "--force", "--ignore-unmatch", "--", name)


def _merge(work: _Work) -> None:
    """Bring the work into its branch; doing it again changes nothing. Raises Unmerged, with both as they were."""
    place, here = work.place, work.git
    into = _into(work)
    tip, done = (here.ask("rev-parse", f"refs/heads/{name}") for name in (into, place.branch))
    if here.holds("merge-base", "--is-ancestor", done, tip):
        return
    result = done if here.holds("merge-base", "--is-ancestor", tip, done) else _merged(work, tip, into)
    tree = _tree_of(work, into)
    if tree is None:
        here.ask("update-ref", f"refs/heads/{into}", result, tip)
    else:
        try:
            here.at(tree).ask("merge", "--quiet", "--ff-only", result)
        except GitRefused as error:
            raise Unmerged(
                f"its work cannot come into {into} while {tree} is as it is: {error}\n"
                f"hint: commit or put away what is in its way, then `executor requeue {work.claimed.task_id}`:"
                f" the work is kept on {place.branch}"
            ) from error
    work.say(f"merged into {into}")


def _merged(work: _Work, tip: str, into: str) -> str:
    """The merge of the work with what is new in the branch it goes into, made in its own worktree."""
    place = work.place
    if not _is_whole(work):
        _make(work)
    tree = work.git.at(place.path)
    tree.ask("checkout", "--quiet", "--force", "--detach", tip)
    try:
        message = f"Merge {work.claimed.task_id} {work.claimed.title}"
        tree.commit("merge", "--quiet", "--no-ff", "--no-verify", "-m", message, place.branch)
        return tree.ask("rev-parse", "HEAD")
    except GitRefused as error:
        files = [one for one in tree.ask("diff", "--name-only", "--diff-filter=U").split("\n") if one]
        if not files:
            raise
        raise Unmerged(
            f"its work conflicts with {into} in {_listed(files)}\n"
            f"it is kept on the branch {place.branch}; another attempt does it anew on what is there now"
        ) from error
    finally:
        tree.holds("merge", "--abort")
        tree.ask("checkout", "--quiet", "--force", place.branch)


def _tree_of(work: _Work, branch: str) -> Path | None:
    """The working tree that this branch is checked out in."""
    tree = None
    for line in work.git.ask("worktree", "list", "--porcelain").split("\n"):
        if line.startswith("worktree "):
            tree = Path(line.removeprefix("worktree "))
        elif line == f"branch refs/heads/{branch}":
            return tree
    return None


def _clear_away(work: _Work) -> None:
    """Remove the worktree and its branch: what was in them is merged, or was nothing."""
    _remove_tree(work)
    if work.git.holds("rev-parse", "--verify", "--quiet", f"refs/heads/{work.place.branch}"):
        work.git.ask("branch", "--quiet", "-D", work.place.branch)


def _remove_tree(work: _Work) -> None:
    path = work.place.path
    if path.exists() and not work.git.holds("worktree", "remove", "--force", "--force", str(path)):
        shutil.rmtree(path, ignore_errors=True)
    work.git.ask("worktree", "prune")
    for folder in (path.parent, path.parent.parent):
        try:
            folder.rmdir()
        except OSError:  # others are still in there
            return


def _shown(place: Place) -> str:
    return str(place.path.relative_to(place.top))


def _listed(files: Sequence[str]) -> str:
    return ", ".join(files[:10]) + (f" and {len(files) - 10} more" if len(files) > 10 else "")
