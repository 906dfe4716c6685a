-- The queue: lists, tasks, edges, runs, their output, workers and the events that tell what happened.
-- Every rule of design that a row can break is a named constraint here; the program checks first, the schema last.

-- One row per list. `status` is what a person or the last worker wanted; counts are computed, never kept.
CREATE TABLE executor.executor_state (
    list_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_list_path text NOT NULL,
    title text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    dialect text NOT NULL DEFAULT '',
    sequential boolean NOT NULL DEFAULT false,
    settings jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL DEFAULT 'stopped',
    stop_now boolean NOT NULL DEFAULT false,
    status_by text,
    source_sha256 text,
    reader text,
    synced_at timestamptz,
    started_at timestamptz,
    paused_at timestamptz,
    stopped_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT list_path_unique UNIQUE (task_list_path),
    CONSTRAINT list_and_path_unique UNIQUE (list_id, task_list_path),
    CONSTRAINT list_status_known CHECK (status IN ('stopped', 'running', 'paused'))
);

-- One row per process that runs tasks. Ids are never reused: a missing row means a worker that is gone for good.
CREATE TABLE executor.worker (
    worker_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    list_id bigint REFERENCES executor.executor_state ON DELETE CASCADE,
    name text NOT NULL,
    host text NOT NULL,
    boot_id text NOT NULL,
    pid_namespace text NOT NULL,
    pid integer NOT NULL,
    pid_started bigint NOT NULL,
    slots integer NOT NULL,
    version text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz NOT NULL,
    CONSTRAINT slots_positive CHECK (slots > 0)
) WITH (fillfactor = 50);

CREATE TABLE executor.task_queue (
    queue_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    list_id bigint NOT NULL,
    task_list_path text NOT NULL,
    task_id text NOT NULL,
    parent text,
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    section text[] NOT NULL DEFAULT '{}',
    priority text NOT NULL,
    rank smallint NOT NULL,
    position integer NOT NULL,
    dependencies text[] NOT NULL DEFAULT '{}',
    tags text[] NOT NULL DEFAULT '{}',
    assignee text,
    assigned_agent text,
    runner text NOT NULL,
    spec jsonb NOT NULL DEFAULT '{}',
    fingerprint text NOT NULL,
    mark text NOT NULL DEFAULT ' ',
    status text NOT NULL DEFAULT 'queued',
    unmet integer NOT NULL DEFAULT 0,
    hold text,
    approved_at timestamptz,
    removed_at timestamptz,
    due_at timestamptz NOT NULL DEFAULT '-infinity',
    ready boolean NOT NULL GENERATED ALWAYS AS (
        status = 'queued' AND unmet = 0 AND removed_at IS NULL AND (hold IS NULL OR approved_at IS NOT NULL)
    ) STORED,
    attempts integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    losses integer NOT NULL DEFAULT 0,
    run_id bigint,
    worker_id bigint,
    wish text,
    last_error text,
    skip_reason text,
    skip_cause bigint,
    queued_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    completed_at timestamptz,
    CONSTRAINT task_of_list FOREIGN KEY (list_id, task_list_path)
        REFERENCES executor.executor_state (list_id, task_list_path) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT task_id_unique UNIQUE (list_id, task_id),
    CONSTRAINT task_status_known CHECK (status IN ('queued', 'running', 'completed', 'failed', 'skipped')),
    CONSTRAINT task_priority_known CHECK (priority IN ('P1', 'P2', 'P3', 'P4') AND rank BETWEEN 0 AND 4),
    CONSTRAINT task_runner_known CHECK (runner IN ('shell', 'manual', 'container')),
    CONSTRAINT task_hold_known CHECK (hold IN ('person', 'blocked')),
    CONSTRAINT task_wish_known CHECK (wish IS NULL OR (wish = 'skip' AND status = 'running')),
    CONSTRAINT run_iff_running CHECK ((status = 'running') = (run_id IS NOT NULL)),
    CONSTRAINT worker_iff_running CHECK ((status = 'running') = (worker_id IS NOT NULL)),
    CONSTRAINT ended_iff_over CHECK ((status IN ('completed', 'failed', 'skipped')) = (completed_at IS NOT NULL)),
    CONSTRAINT reason_iff_skipped CHECK ((status = 'skipped') = (skip_reason IS NOT NULL)),
    CONSTRAINT cause_only_if_skipped CHECK (status = 'skipped' OR skip_cause IS NULL),
    CONSTRAINT counters_not_negative CHECK (unmet >= 0 AND attempts >= 0 AND failures >= 0 AND losses >= 0)
) WITH (
    fillfactor = 70,  -- room beside a row: lowering `unmet` then stays a heap-only update
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_cost_delay = 0
);

-- In claim order, and holding only what can be claimed: the hot path reads nothing else.
CREATE INDEX task_ready ON executor.task_queue (list_id, rank, position) WHERE ready;
-- The predicate is on worker_id, so that a question about running tasks never wanders through its dead entries.
CREATE INDEX task_worker ON executor.task_queue (worker_id) WHERE worker_id IS NOT NULL;
-- A sequence stops at its first failure: asked at every claim, nearly always empty.
CREATE INDEX task_failed ON executor.task_queue (list_id, completed_at) WHERE status = 'failed';

-- Rows come from one statement that joins task_queue twice, so foreign keys would only cost.
CREATE TABLE executor.task_dependency (
    queue_id bigint NOT NULL,
    depends_on bigint NOT NULL,
    rule text NOT NULL DEFAULT '',
    CONSTRAINT task_dependency_key PRIMARY KEY (depends_on, queue_id),
    CONSTRAINT no_self_dependency CHECK (queue_id <> depends_on)
);
CREATE INDEX task_dependency_of ON executor.task_dependency (queue_id);
-- One task with ten thousand dependents would teach the planner to scan the table for every other one.
ALTER TABLE executor.task_dependency ALTER COLUMN queue_id SET STATISTICS 0, ALTER COLUMN depends_on SET STATISTICS 0;

CREATE TABLE executor.run (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue_id bigint NOT NULL REFERENCES executor.task_queue ON DELETE CASCADE,
    worker_id bigint NOT NULL,
    worker text NOT NULL,
    attempt integer NOT NULL,
    status text NOT NULL DEFAULT 'running',
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    exit_code integer,
    signal integer,
    error text,
    cpu_seconds real,
    memory_bytes bigint,
    CONSTRAINT run_status_known
        CHECK (status IN ('running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'lost')),
    CONSTRAINT run_ended_iff_over CHECK ((status = 'running') = (ended_at IS NULL)),
    CONSTRAINT attempt_positive CHECK (attempt > 0)
) WITH (fillfactor = 80);
CREATE INDEX run_of_task ON executor.run (queue_id);

-- What a run printed, whole and in order, as bytes: a task may print anything.
CREATE TABLE executor.run_output (
    run_id bigint NOT NULL REFERENCES executor.run ON DELETE CASCADE,
    chunk integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    content bytea NOT NULL,
    CONSTRAINT run_output_key PRIMARY KEY (run_id, chunk)
);

-- Append-only. Readers follow (xid, event_id) below the oldest running transaction, so a late commit is never missed.
CREATE TABLE executor.event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    list_id bigint NOT NULL,
    queue_id bigint,
    run_id bigint,
    attempt integer,
    kind text NOT NULL,
    actor text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX event_tail ON executor.event (list_id, xid, event_id);

-- The table of legal moves of a task, once more: the same as states.NEXT, and tested to be.
CREATE FUNCTION executor.refuse_move() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'task % may not go from % to %', OLD.task_id, OLD.status, NEW.status
        USING ERRCODE = 'check_violation', CONSTRAINT = 'legal_move';
END
$$;
-- The WHEN clause decides, so that the function is called only to refuse.
CREATE TRIGGER legal_move BEFORE UPDATE OF status ON executor.task_queue
FOR EACH ROW WHEN (
    OLD.status <> NEW.status
    AND OLD.status || ' > ' || NEW.status NOT IN (
        'queued > running', 'queued > completed', 'queued > skipped',
        'running > completed', 'running > failed', 'running > queued', 'running > skipped',
        'failed > queued', 'failed > skipped', 'failed > completed',
        'skipped > queued', 'skipped > completed',
        'completed > queued'
    )
) EXECUTE FUNCTION executor.refuse_move();

-- What is still to run, most urgent first.
CREATE VIEW executor.v_active_queue AS
SELECT
    queue_id, list_id, task_list_path, task_id, priority, section, title, description, dependencies, status,
    assigned_agent, position, attempts, last_error, queued_at, unmet, hold, due_at, ready
FROM executor.task_queue
WHERE status = 'queued' AND removed_at IS NULL
ORDER BY rank, position;

-- migrate: down
DROP VIEW executor.v_active_queue;
DROP TABLE executor.event, executor.run_output, executor.run, executor.task_dependency, executor.task_queue,
    executor.worker, executor.executor_state;
DROP FUNCTION executor.refuse_move();
