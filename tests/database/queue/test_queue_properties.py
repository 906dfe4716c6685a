"""Whatever workers and people do in whatever order, the queue stays one that can be trusted."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from bench import Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.operations import control
from executor.queue import lists, tasks, workers
from executor.states import RunStatus
from tests import make

PATHS = count(1)
SIZE = 6
ENDS = (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.CANCELLED, RunStatus.LOST)

graphs = st.lists(
    st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)).filter(lambda edge: edge[0] < edge[1]),
    unique=True,
    max_size=9,
)
some = st.integers(0, SIZE - 1)
deeds = st.one_of(
    st.tuples(st.just("claim"), st.integers(1, 3)),
    st.tuples(st.just("settle"), some, st.sampled_from(ENDS), st.booleans(), st.booleans()),
    st.tuples(st.just("settle again"), some),
    st.tuples(st.sampled_from(("skip", "requeue", "requeue all", "done", "tick", "untick", "remove", "return")), some),
    st.tuples(st.sampled_from(("crash", "retry failed", "pause", "resume"))),
)

BROKEN = {
    "a counter is wrong": """
        SELECT task.task_id FROM executor.task_queue AS task
        WHERE task.list_id = %(list_id)s AND task.removed_at IS NULL AND task.unmet <> (
            SELECT count(*) FROM executor.task_dependency AS edge
            JOIN executor.task_queue AS needed ON needed.queue_id = edge.depends_on
            WHERE edge.queue_id = task.queue_id AND needed.removed_at IS NULL AND needed.status <> 'completed'
              AND (needed.status <> 'skipped' OR needed.skip_cause IS NOT NULL)
        )
    """,
    "a task has not exactly the run it says": """
        SELECT task.task_id FROM executor.task_queue AS task
        LEFT JOIN executor.run ON run.queue_id = task.queue_id AND run.status = 'running'
        WHERE task.list_id = %(list_id)s
        GROUP BY task.queue_id
        HAVING count(run.run_id) <> (task.status = 'running')::integer OR max(run.run_id) <> task.run_id
    """,
    "a task is completed by nobody": """
        SELECT task.task_id FROM executor.task_queue AS task
        WHERE task.list_id = %(list_id)s AND task.status = 'completed'
          AND NOT EXISTS (SELECT FROM executor.run WHERE run.queue_id = task.queue_id AND run.status = 'succeeded')
          AND NOT EXISTS (
              SELECT FROM executor.event WHERE event.queue_id = task.queue_id AND event.kind = 'task.completed'
          )
    """,
    "a task runs or waits behind a failure": """
        SELECT task.task_id FROM executor.task_queue AS task
        JOIN executor.task_dependency AS edge USING (queue_id)
        JOIN executor.task_queue AS needed ON needed.queue_id = edge.depends_on
        WHERE task.list_id = %(list_id)s AND needed.status = 'failed' AND needed.removed_at IS NULL
          AND task.status = 'queued' AND task.removed_at IS NULL
    """,
    "a task is skipped for what is no failure any more": """
        SELECT task.task_id FROM executor.task_queue AS task
        LEFT JOIN executor.task_queue AS cause ON cause.queue_id = task.skip_cause AND cause.status = 'failed'
        WHERE task.list_id = %(list_id)s AND task.removed_at IS NULL AND task.skip_cause IS NOT NULL
          AND cause.queue_id IS NULL
    """,
    "attempts differ from the runs that count": """
        SELECT task.task_id FROM executor.task_queue AS task
        LEFT JOIN executor.run ON run.queue_id = task.queue_id AND run.status <> 'cancelled'
        WHERE task.list_id = %(list_id)s
        GROUP BY task.queue_id
        HAVING count(run.run_id) <> task.attempts
    """,
    "a state has no event that tells of it": """
        SELECT task.task_id FROM executor.task_queue AS task
        WHERE task.list_id = %(list_id)s AND task.status IN ('failed', 'skipped', 'running') AND NOT EXISTS (
            SELECT FROM executor.event
            WHERE event.queue_id = task.queue_id AND event.kind = ANY(CASE task.status
                WHEN 'failed' THEN '{task.failed,task.lost}'
                WHEN 'skipped' THEN '{task.skipped,task.added,task.lost}'
                ELSE '{task.started}' END::text[])
        )
    """,
}


class Story:
    """One list, what is known of its runs, and the deeds done to it."""

    def __init__(self, connection, edges):
        self.connection = connection
        self.path = f"/lists/{next(PATHS)}.md"
        self.needs = {n: [f"T{first}" for first, second in edges if second == n] for n in range(SIZE)}
        self.marks = dict.fromkeys(range(SIZE), " ")
        self.removed = set()
        self.runs = []
        list_id, _ = make.synced(connection, self.text(), self.path)
        self.at = Bench(connection, list_id)

    def text(self):
        """The file as a person left it; tasks that were removed are nobody's need."""
        gone = {f"T{n}" for n in self.removed}
        return make.document(
            make.task("Stays", id="T99"),
            *(
                make.task(
                    f"Part {n}", id=f"T{n}", mark=self.marks[n], depends_on=[x for x in self.needs[n] if x not in gone]
                )
                for n in range(SIZE)
                if n not in self.removed
            ),
        )

    def row(self):
        return lists.find(self.connection, self.path)

    def do(self, deed, *more):
        match deed:
            case "claim":
                self.runs += self.at.claim(more[0])
            case "settle" if self.runs:
                run = self.runs[more[0] % len(self.runs)]
                self.at.settle(run, more[1], again=timedelta() if more[2] else None, skip=more[3])
            case "settle again" if self.runs:
                self.at.settle(self.runs[more[0] % len(self.runs)])
            case "crash":
                workers.leave(self.connection, [self.at.worker_id])
                workers.lose_runs(self.connection, "test")
                self.at.enter()
            case "retry failed":
                control.retry_failed(self.connection, self.row(), "ann")
            case "pause":
                lists.pause(self.connection, self.at.list_id, "ann")
            case "resume":
                lists.resume(self.connection, self.at.list_id, "ann")
            case "tick" | "untick" | "remove" | "return":
                self.edit(deed, more[0])
            case "skip" | "requeue" | "requeue all" | "done":
                self.say(deed, more[0])

    def edit(self, deed, number):
        if deed in ("tick", "untick"):
            self.marks[number] = "x" if deed == "tick" else " "
        elif deed == "remove":
            self.removed.add(number)
        else:
            self.removed.discard(number)
        make.synced(self.connection, self.text(), self.path)

    def say(self, word, number):
        chosen = [name for name in tasks.names(self.connection, self.at.list_id) if name.task_id == f"T{number}"]
        if word == "skip":
            control.skip(self.connection, self.row(), chosen, "ann")
        elif word == "done":
            control.done(self.connection, self.row(), chosen, "ann")
        else:
            control.requeue(self.connection, self.row(), chosen, "ann", with_dependents=word == "requeue all")

    def faults(self):
        found = {
            fault: self.connection.execute(query.encode(), {"list_id": self.at.list_id}).fetchall()
            for fault, query in BROKEN.items()
        }
        return {fault: rows for fault, rows in found.items() if rows}


@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edges=graphs, deeds=st.lists(deeds, min_size=5, max_size=25))
def test_the_queue_can_be_trusted_whatever_is_done_to_it(connection, edges, deeds):
    story = Story(connection, edges)
    for deed in deeds:
        story.do(*deed)
        assert not story.faults(), deed


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edges=graphs, deeds=st.lists(deeds, max_size=15))
def test_after_whatever_was_done_a_list_can_be_brought_to_its_end(connection, edges, deeds):
    story = Story(connection, edges)
    for deed in deeds:
        story.do(*deed)
    story.do("crash")
    story.do("resume")
    lists.start(connection, story.at.list_id, actor="ann", jobs=1)
    story.do("retry failed")
    while claimed := story.at.claim(2):
        for run in claimed:
            story.at.settle(run)
    assert set(story.at.statuses().values()) <= {"completed", "skipped"}
