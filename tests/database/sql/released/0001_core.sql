-- What a database looked like when 0001_core was the newest file: pg_dump --inserts, without the server's own settings.
-- One such dump is added for every release, and none is ever changed.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA executor;
CREATE FUNCTION executor.refuse_move() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'task % may not go from % to %', OLD.task_id, OLD.status, NEW.status
        USING ERRCODE = 'check_violation', CONSTRAINT = 'legal_move';
END
$$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE executor.event (
    event_id bigint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    list_id bigint NOT NULL,
    queue_id bigint,
    run_id bigint,
    attempt integer,
    kind text NOT NULL,
    actor text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL
);
ALTER TABLE executor.event ALTER COLUMN event_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME executor.event_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE executor.executor_state (
    list_id bigint NOT NULL,
    task_list_path text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    dialect text DEFAULT ''::text NOT NULL,
    sequential boolean DEFAULT false NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    status text DEFAULT 'stopped'::text NOT NULL,
    stop_now boolean DEFAULT false NOT NULL,
    status_by text,
    source_sha256 text,
    reader text,
    synced_at timestamp with time zone,
    started_at timestamp with time zone,
    paused_at timestamp with time zone,
    stopped_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT list_status_known CHECK ((status = ANY (ARRAY['stopped'::text, 'running'::text, 'paused'::text])))
);
ALTER TABLE executor.executor_state ALTER COLUMN list_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME executor.executor_state_list_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE executor.migration (
    set_name text NOT NULL,
    scope text DEFAULT ''::text NOT NULL,
    version bigint NOT NULL,
    name text NOT NULL,
    kind text DEFAULT 'versioned'::text NOT NULL,
    state text DEFAULT 'applied'::text NOT NULL,
    checksum text NOT NULL,
    up_sql text NOT NULL,
    down_sql text,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    applied_by text DEFAULT SESSION_USER NOT NULL,
    tool text NOT NULL,
    error jsonb,
    schema_hash text,
    CONSTRAINT error_iff_failed CHECK (((state = 'failed'::text) = (error IS NOT NULL))),
    CONSTRAINT finished_iff_applied CHECK (((state = 'applied'::text) = (finished_at IS NOT NULL))),
    CONSTRAINT migration_kind_known CHECK ((kind = ANY (ARRAY['versioned'::text, 'repeatable'::text, 'baseline'::text]))),
    CONSTRAINT migration_state_known CHECK ((state = ANY (ARRAY['applied'::text, 'running'::text, 'failed'::text])))
);
CREATE TABLE executor.run (
    run_id bigint NOT NULL,
    queue_id bigint NOT NULL,
    worker_id bigint NOT NULL,
    worker text NOT NULL,
    attempt integer NOT NULL,
    status text DEFAULT 'running'::text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    exit_code integer,
    signal integer,
    error text,
    cpu_seconds real,
    memory_bytes bigint,
    CONSTRAINT attempt_positive CHECK ((attempt > 0)),
    CONSTRAINT run_ended_iff_over CHECK (((status = 'running'::text) = (ended_at IS NULL))),
    CONSTRAINT run_status_known CHECK ((status = ANY (ARRAY['running'::text, 'succeeded'::text, 'failed'::text, 'timed_out'::text, 'cancelled'::text, 'lost'::text])))
)
WITH (fillfactor='80');
CREATE TABLE executor.run_output (
    run_id bigint NOT NULL,
    chunk integer NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    content bytea NOT NULL
);
ALTER TABLE executor.run ALTER COLUMN run_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME executor.run_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE executor.task_dependency (
    queue_id bigint NOT NULL,
    depends_on bigint NOT NULL,
    rule text DEFAULT ''::text NOT NULL,
    CONSTRAINT no_self_dependency CHECK ((queue_id <> depends_on))
);
ALTER TABLE ONLY executor.task_dependency ALTER COLUMN queue_id SET STATISTICS 0;
ALTER TABLE ONLY executor.task_dependency ALTER COLUMN depends_on SET STATISTICS 0;
CREATE TABLE executor.task_queue (
    queue_id bigint NOT NULL,
    list_id bigint NOT NULL,
    task_list_path text NOT NULL,
    task_id text NOT NULL,
    parent text,
    title text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    section text[] DEFAULT '{}'::text[] NOT NULL,
    priority text NOT NULL,
    rank smallint NOT NULL,
    "position" integer NOT NULL,
    dependencies text[] DEFAULT '{}'::text[] NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    assignee text,
    assigned_agent text,
    runner text NOT NULL,
    spec jsonb DEFAULT '{}'::jsonb NOT NULL,
    fingerprint text NOT NULL,
    mark text DEFAULT ' '::text NOT NULL,
    status text DEFAULT 'queued'::text NOT NULL,
    unmet integer DEFAULT 0 NOT NULL,
    hold text,
    approved_at timestamp with time zone,
    removed_at timestamp with time zone,
    due_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    ready boolean GENERATED ALWAYS AS (((status = 'queued'::text) AND (unmet = 0) AND (removed_at IS NULL) AND ((hold IS NULL) OR (approved_at IS NOT NULL)))) STORED NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    losses integer DEFAULT 0 NOT NULL,
    run_id bigint,
    worker_id bigint,
    wish text,
    last_error text,
    skip_reason text,
    skip_cause bigint,
    queued_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    CONSTRAINT cause_only_if_skipped CHECK (((status = 'skipped'::text) OR (skip_cause IS NULL))),
    CONSTRAINT counters_not_negative CHECK (((unmet >= 0) AND (attempts >= 0) AND (failures >= 0) AND (losses >= 0))),
    CONSTRAINT ended_iff_over CHECK (((status = ANY (ARRAY['completed'::text, 'failed'::text, 'skipped'::text])) = (completed_at IS NOT NULL))),
    CONSTRAINT reason_iff_skipped CHECK (((status = 'skipped'::text) = (skip_reason IS NOT NULL))),
    CONSTRAINT run_iff_running CHECK (((status = 'running'::text) = (run_id IS NOT NULL))),
    CONSTRAINT task_hold_known CHECK ((hold = ANY (ARRAY['person'::text, 'blocked'::text]))),
    CONSTRAINT task_priority_known CHECK (((priority = ANY (ARRAY['P1'::text, 'P2'::text, 'P3'::text, 'P4'::text])) AND ((rank >= 0) AND (rank <= 4)))),
    CONSTRAINT task_runner_known CHECK ((runner = ANY (ARRAY['shell'::text, 'manual'::text, 'container'::text]))),
    CONSTRAINT task_status_known CHECK ((status = ANY (ARRAY['queued'::text, 'running'::text, 'completed'::text, 'failed'::text, 'skipped'::text]))),
    CONSTRAINT task_wish_known CHECK (((wish IS NULL) OR ((wish = 'skip'::text) AND (status = 'running'::text)))),
    CONSTRAINT worker_iff_running CHECK (((status = 'running'::text) = (worker_id IS NOT NULL)))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='500', autovacuum_vacuum_cost_delay='0');
ALTER TABLE executor.task_queue ALTER COLUMN queue_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME executor.task_queue_queue_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE VIEW executor.v_active_queue AS
 SELECT queue_id,
    list_id,
    task_list_path,
    task_id,
    priority,
    section,
    title,
    description,
    dependencies,
    status,
    assigned_agent,
    "position",
    attempts,
    last_error,
    queued_at,
    unmet,
    hold,
    due_at,
    ready
   FROM executor.task_queue
  WHERE ((status = 'queued'::text) AND (removed_at IS NULL))
  ORDER BY rank, "position";
CREATE TABLE executor.worker (
    worker_id bigint NOT NULL,
    list_id bigint,
    name text NOT NULL,
    host text NOT NULL,
    boot_id text NOT NULL,
    pid_namespace text NOT NULL,
    pid integer NOT NULL,
    pid_started bigint NOT NULL,
    slots integer NOT NULL,
    version text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    lease_until timestamp with time zone NOT NULL,
    CONSTRAINT slots_positive CHECK ((slots > 0))
)
WITH (fillfactor='50');
ALTER TABLE executor.worker ALTER COLUMN worker_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME executor.worker_worker_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
INSERT INTO executor.migration VALUES ('executor', '', 1, 'core', 'versioned', 'applied', '14ec76a26edfe08d53199ffa2d19f3f0d29e682f212c56240d0afb878be6e7f4', '-- The queue: lists, tasks, edges, runs, their output, workers and the events that tell what happened.
CREATE TABLE executor.executor_state (
    list_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_list_path text NOT NULL,
    title text NOT NULL DEFAULT '''',
    description text NOT NULL DEFAULT '''',
    dialect text NOT NULL DEFAULT '''',
    sequential boolean NOT NULL DEFAULT false,
    settings jsonb NOT NULL DEFAULT ''{}'',
    status text NOT NULL DEFAULT ''stopped'',
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
    CONSTRAINT list_status_known CHECK (status IN (''stopped'', ''running'', ''paused''))
);
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
    description text NOT NULL DEFAULT '''',
    section text[] NOT NULL DEFAULT ''{}'',
    priority text NOT NULL,
    rank smallint NOT NULL,
    position integer NOT NULL,
    dependencies text[] NOT NULL DEFAULT ''{}'',
    tags text[] NOT NULL DEFAULT ''{}'',
    assignee text,
    assigned_agent text,
    runner text NOT NULL,
    spec jsonb NOT NULL DEFAULT ''{}'',
    fingerprint text NOT NULL,
    mark text NOT NULL DEFAULT '' '',
    status text NOT NULL DEFAULT ''queued'',
    unmet integer NOT NULL DEFAULT 0,
    hold text,
    approved_at timestamptz,
    removed_at timestamptz,
    due_at timestamptz NOT NULL DEFAULT ''-infinity'',
    ready boolean NOT NULL GENERATED ALWAYS AS (
        status = ''queued'' AND unmet = 0 AND removed_at IS NULL AND (hold IS NULL OR approved_at IS NOT NULL)
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
    CONSTRAINT task_status_known CHECK (status IN (''queued'', ''running'', ''completed'', ''failed'', ''skipped'')),
    CONSTRAINT task_priority_known CHECK (priority IN (''P1'', ''P2'', ''P3'', ''P4'') AND rank BETWEEN 0 AND 4),
    CONSTRAINT task_runner_known CHECK (runner IN (''shell'', ''manual'', ''container'')),
    CONSTRAINT task_hold_known CHECK (hold IN (''person'', ''blocked'')),
    CONSTRAINT task_wish_known CHECK (wish IS NULL OR (wish = ''skip'' AND status = ''running'')),
    CONSTRAINT run_iff_running CHECK ((status = ''running'') = (run_id IS NOT NULL)),
    CONSTRAINT worker_iff_running CHECK ((status = ''running'') = (worker_id IS NOT NULL)),
    CONSTRAINT ended_iff_over CHECK ((status IN (''completed'', ''failed'', ''skipped'')) = (completed_at IS NOT NULL)),
    CONSTRAINT reason_iff_skipped CHECK ((status = ''skipped'') = (skip_reason IS NOT NULL)),
    CONSTRAINT cause_only_if_skipped CHECK (status = ''skipped'' OR skip_cause IS NULL),
    CONSTRAINT counters_not_negative CHECK (unmet >= 0 AND attempts >= 0 AND failures >= 0 AND losses >= 0)
) WITH (
    fillfactor = 70,  -- room beside a row: lowering `unmet` then stays a heap-only update
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX task_ready ON executor.task_queue (list_id, rank, position) WHERE ready;
CREATE INDEX task_worker ON executor.task_queue (worker_id) WHERE worker_id IS NOT NULL;
CREATE INDEX task_failed ON executor.task_queue (list_id, completed_at) WHERE status = ''failed'';
CREATE TABLE executor.task_dependency (
    queue_id bigint NOT NULL,
    depends_on bigint NOT NULL,
    rule text NOT NULL DEFAULT '''',
    CONSTRAINT task_dependency_key PRIMARY KEY (depends_on, queue_id),
    CONSTRAINT no_self_dependency CHECK (queue_id <> depends_on)
);
CREATE INDEX task_dependency_of ON executor.task_dependency (queue_id);
ALTER TABLE executor.task_dependency ALTER COLUMN queue_id SET STATISTICS 0, ALTER COLUMN depends_on SET STATISTICS 0;
CREATE TABLE executor.run (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue_id bigint NOT NULL REFERENCES executor.task_queue ON DELETE CASCADE,
    worker_id bigint NOT NULL,
    worker text NOT NULL,
    attempt integer NOT NULL,
    status text NOT NULL DEFAULT ''running'',
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    exit_code integer,
    signal integer,
    error text,
    cpu_seconds real,
    memory_bytes bigint,
    CONSTRAINT run_status_known
        CHECK (status IN (''running'', ''succeeded'', ''failed'', ''timed_out'', ''cancelled'', ''lost'')),
    CONSTRAINT run_ended_iff_over CHECK ((status = ''running'') = (ended_at IS NULL)),
    CONSTRAINT attempt_positive CHECK (attempt > 0)
) WITH (fillfactor = 80);
CREATE INDEX run_of_task ON executor.run (queue_id);
CREATE TABLE executor.run_output (
    run_id bigint NOT NULL REFERENCES executor.run ON DELETE CASCADE,
    chunk integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    content bytea NOT NULL,
    CONSTRAINT run_output_key PRIMARY KEY (run_id, chunk)
);
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
    detail jsonb NOT NULL DEFAULT ''{}''
);
CREATE INDEX event_tail ON executor.event (list_id, xid, event_id);
CREATE FUNCTION executor.refuse_move() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION ''task % may not go from % to %'', OLD.task_id, OLD.status, NEW.status
        USING ERRCODE = ''check_violation'', CONSTRAINT = ''legal_move'';
END
$$;
CREATE TRIGGER legal_move BEFORE UPDATE OF status ON executor.task_queue
FOR EACH ROW WHEN (
    OLD.status <> NEW.status
    AND OLD.status || '' > '' || NEW.status NOT IN (
        ''queued > running'', ''queued > completed'', ''queued > skipped'',
        ''running > completed'', ''running > failed'', ''running > queued'', ''running > skipped'',
        ''failed > queued'', ''failed > skipped'', ''failed > completed'',
        ''skipped > queued'', ''skipped > completed'',
        ''completed > queued''
    )
) EXECUTE FUNCTION executor.refuse_move();
CREATE VIEW executor.v_active_queue AS
SELECT
    queue_id, list_id, task_list_path, task_id, priority, section, title, description, dependencies, status,
    assigned_agent, position, attempts, last_error, queued_at, unmet, hold, due_at, ready
FROM executor.task_queue
WHERE status = ''queued'' AND removed_at IS NULL
ORDER BY rank, position;
', '
DROP VIEW executor.v_active_queue;
DROP TABLE executor.event, executor.run_output, executor.run, executor.task_dependency, executor.task_queue,
    executor.worker, executor.executor_state;
DROP FUNCTION executor.refuse_move();
', '2026-11-21 14:55:00.060172+00', '2026-11-21 14:55:00.196075+00', 'postgres', 'executor 0.1.0', NULL, NULL);
SELECT pg_catalog.setval('executor.event_event_id_seq', 1, false);
SELECT pg_catalog.setval('executor.executor_state_list_id_seq', 1, false);
SELECT pg_catalog.setval('executor.run_run_id_seq', 1, false);
SELECT pg_catalog.setval('executor.task_queue_queue_id_seq', 1, false);
SELECT pg_catalog.setval('executor.worker_worker_id_seq', 1, false);
ALTER TABLE ONLY executor.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (event_id);
ALTER TABLE ONLY executor.executor_state
    ADD CONSTRAINT executor_state_pkey PRIMARY KEY (list_id);
ALTER TABLE ONLY executor.executor_state
    ADD CONSTRAINT list_and_path_unique UNIQUE (list_id, task_list_path);
ALTER TABLE ONLY executor.executor_state
    ADD CONSTRAINT list_path_unique UNIQUE (task_list_path);
ALTER TABLE ONLY executor.migration
    ADD CONSTRAINT migration_key PRIMARY KEY (set_name, scope, version, name);
ALTER TABLE ONLY executor.run_output
    ADD CONSTRAINT run_output_key PRIMARY KEY (run_id, chunk);
ALTER TABLE ONLY executor.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (run_id);
ALTER TABLE ONLY executor.task_dependency
    ADD CONSTRAINT task_dependency_key PRIMARY KEY (depends_on, queue_id);
ALTER TABLE ONLY executor.task_queue
    ADD CONSTRAINT task_id_unique UNIQUE (list_id, task_id);
ALTER TABLE ONLY executor.task_queue
    ADD CONSTRAINT task_queue_pkey PRIMARY KEY (queue_id);
ALTER TABLE ONLY executor.worker
    ADD CONSTRAINT worker_pkey PRIMARY KEY (worker_id);
CREATE INDEX event_tail ON executor.event USING btree (list_id, xid, event_id);
CREATE UNIQUE INDEX migration_version ON executor.migration USING btree (set_name, scope, version) WHERE (kind <> 'repeatable'::text);
CREATE INDEX run_of_task ON executor.run USING btree (queue_id);
CREATE INDEX task_dependency_of ON executor.task_dependency USING btree (queue_id);
CREATE INDEX task_failed ON executor.task_queue USING btree (list_id, completed_at) WHERE (status = 'failed'::text);
CREATE INDEX task_ready ON executor.task_queue USING btree (list_id, rank, "position") WHERE ready;
CREATE INDEX task_worker ON executor.task_queue USING btree (worker_id) WHERE (worker_id IS NOT NULL);
CREATE TRIGGER legal_move BEFORE UPDATE OF status ON executor.task_queue FOR EACH ROW WHEN (((old.status <> new.status) AND (((old.status || ' > '::text) || new.status) <> ALL (ARRAY['queued > running'::text, 'queued > completed'::text, 'queued > skipped'::text, 'running > completed'::text, 'running > failed'::text, 'running > queued'::text, 'running > skipped'::text, 'failed > queued'::text, 'failed > skipped'::text, 'failed > completed'::text, 'skipped > queued'::text, 'skipped > completed'::text, 'completed > queued'::text])))) EXECUTE FUNCTION executor.refuse_move();
ALTER TABLE ONLY executor.run_output
    ADD CONSTRAINT run_output_run_id_fkey FOREIGN KEY (run_id) REFERENCES executor.run(run_id) ON DELETE CASCADE;
ALTER TABLE ONLY executor.run
    ADD CONSTRAINT run_queue_id_fkey FOREIGN KEY (queue_id) REFERENCES executor.task_queue(queue_id) ON DELETE CASCADE;
ALTER TABLE ONLY executor.task_queue
    ADD CONSTRAINT task_of_list FOREIGN KEY (list_id, task_list_path) REFERENCES executor.executor_state(list_id, task_list_path) ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE ONLY executor.worker
    ADD CONSTRAINT worker_list_id_fkey FOREIGN KEY (list_id) REFERENCES executor.executor_state(list_id) ON DELETE CASCADE;
