"""What a save of a watched list means for the worker that serves it: brought in between two turns."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from executor.engine.serving import Ending, Serving, Synced, Watch
from executor.engine.worker import Worker
from executor.errors import ListError
from executor.model import Claimed
from executor.queue import tasks
from executor.runners import workspaces
from loader.model import Severity, TaskList

# A program that reads a file, changes it and writes it again takes no longer, busy machine or not. A person who has
# seen the tick and changes something else as well does.
_READ_AND_WRITTEN_NS = 1_000_000_000


def take_in(worker: Worker) -> bool:
    """Bring in what was saved since the last step; whether anything was.

    After the turns, so that every mark which is in the file by our hand is known as such.
    """
    taken = [_take_in(worker, serving, serving.watch) for serving in worker.servings.values() if serving.watch]
    return any(taken)


def just_marked(watch: Watch, began_ns: int) -> Sequence[frozenset[str]]:
    """The tasks that we ticked so shortly before a save began that its author cannot have seen it, for each write."""
    return [ticked.tasks for ticked in watch.ticked if began_ns - ticked.at_ns <= _READ_AND_WRITTEN_NS]


def rest(worker: Worker, serving: Serving, watch: Watch, reason: Ending) -> None:
    """Nothing of this list can be begun: say so once, and stay."""
    assert worker.connection is not None, "asked just now what there is"
    if watch.resting is not reason:
        failed = tasks.failed(worker.connection, serving.list_id, serving.choices.only)
        watch.resting = reason
        serving.reporter.rested(reason, [task_id for _, task_id in failed])


def ended(watch: Watch, queue_id: int) -> None:
    """A run is over and recorded: did its text change meanwhile, and is it to be run again?"""
    if queue_id in watch.again:
        watch.again -= {queue_id}
        watch.reader.doubt()


def _is_agent_here(serving: Serving, claimed: Claimed) -> bool:
    """Is it an agent's, and at work beside the list? One that works apart has a list of its own."""
    return claimed.runner == "agent" and workspaces.of(claimed, serving.surroundings) == workspaces.SHARED


def _take_in(worker: Worker, serving: Serving, watch: Watch) -> bool:
    save = watch.save
    if save is None or serving.ending is not None:
        return False
    if any(_is_agent_here(serving, active.claimed) for active in worker.runs_of(serving)):
        return False  # nobody can say whose save it is: at the end of its run an agent's is put back
    if isinstance(save.found, TaskList):
        assert worker.connection is not None, "step connects first"
        synced = watch.sync(worker.connection, save.found, just_marked(watch, save.began_ns))
        if synced is None:
            watch.reader.doubt()
        else:
            _go_on_with(worker, serving, watch, synced)
            _warn(serving, watch, save.found)
            if serving.scribe:
                serving.scribe.agree(save.found)
            serving.are_marks_asked = False
            watch.refused = ""
    elif isinstance(save.found, ListError):
        saved = watch.saved.get(save.sha256, save.sha256)
        if not saved or saved != watch.refused:  # else our marks are all that is new in it, and its author knows
            serving.reporter.refused(save.found)
        watch.refused = saved
        watch.is_unread = True
    else:
        watch.refused = ""
        serving.reporter.said("the file is gone; going on from the queue, waiting for the file")
        watch.is_unread = True
    watch.save = None  # not before: when the connection breaks in here, it is brought in on the next one
    return True


def _warn(serving: Serving, watch: Watch, saved: TaskList) -> None:
    """Tell the warnings that this save brought, not those that were there before."""
    found = {(one.code, one.message): one for one in saved.diagnostics if one.severity is Severity.WARNING}
    news = [one for key, one in found.items() if key not in watch.warned]
    watch.warned = frozenset(found)
    if news:
        serving.reporter.warned(serving.path, news)


def _go_on_with(worker: Worker, serving: Serving, watch: Watch, synced: Synced) -> None:
    """Run the list as it is now. What runs already goes on as it began."""
    if watch.is_unread and not synced.changes:
        serving.reporter.said("the file can be read again, and says nothing new")
    watch.is_unread = False
    watch.agreed = synced.sha256
    watch.reader.brought_in(synced.sha256)
    watch.again |= frozenset(synced.again)
    serving.choices = synced.choices
    serving.surroundings = replace(serving.surroundings, settings=synced.settings)
    worker.jobs = synced.jobs or worker.jobs
    serving.reporter.synced(synced.changes, synced.counts)
    if synced.overtaken:
        serving.reporter.said(
            f"saved over a tick made at the same moment, ticked again: {', '.join(synced.overtaken)}"
            " (`executor requeue` runs a task again)"
        )
    if synced.changes:
        watch.resting = None
    serving.wake()
