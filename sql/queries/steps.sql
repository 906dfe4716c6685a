-- name: enter
-- Let a step in beside other workers' steps but not beside a person's command: those take the same lock alone.
-- A step's statements are written for one plan each: through the indexes, in their order, made once and kept. Statistics
-- of a queue are always of another moment, and with them the planner would read all of it, or plan anew at every step.
SELECT set_config('plan_cache_mode', 'force_generic_plan', true),
    set_config('enable_seqscan', 'off', true),
    set_config('enable_bitmapscan', 'off', true),
    set_config('enable_sort', 'off', true),
    pg_advisory_xact_lock_shared(hashtextextended('executor.list', %(list_id)s))

-- name: enter_alone
-- Keep every step of a list out until this transaction ends, so that counts made here cannot be overtaken.
-- A process that freezes in here must not keep the lock; a minute, for a plan of a hundred thousand tasks is made in here.
SELECT set_config('idle_in_transaction_session_timeout', '60s', true),
    pg_advisory_xact_lock(hashtextextended('executor.list', %(list_id)s))

-- name: count_alone
-- Keep other claims that count a list's running tasks out until this transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('executor.most', %(list_id)s))

-- name: claim
-- Take up to a literal number of ready tasks of a list, most urgent first, and begin a run of each. `beyond` is the place
-- below which nothing was ready a moment ago (0: look at all), `settled` are the tasks that this turn ended.
WITH low AS MATERIALIZED (    -- not above what has become ready just now, nor where keys that were given back may count
    SELECT CASE
        WHEN %(beyond)s::bigint = 0
            OR EXISTS (SELECT FROM executor.task_queue WHERE list_id = %(list_id)s AND ready AND keys <> '{}')
        THEN 0
        ELSE least(%(beyond)s::bigint, (
            SELECT min((rank::bigint << 32) | position)
            FROM executor.task_queue
            WHERE ready
              AND queue_id = ANY(ARRAY(    -- an array, so that this never begins with all that is ready
                  SELECT queue_id FROM executor.task_dependency WHERE depends_on = ANY(%(settled)s::bigint[])
              ))
        ))
    END AS place
), candidate AS MATERIALIZED (    -- a LIMIT in a plain join may be run twice, and then claims too many
    SELECT queue_id, due_at
    FROM executor.task_queue AS task
    WHERE list_id = %(list_id)s
      AND ready
      AND (rank, position) >= (
          (SELECT (place >> 32)::smallint FROM low), (SELECT (place & 4294967295)::integer FROM low)
      )
      AND (%(in_order)s::boolean OR due_at <= now())    -- in a sequence a task that waits holds up those behind it
      AND (
          (runner = 'container' AND keys = '{}')    -- a parent is done with the last of its children, chosen or not
          OR (
              (%(only)s::bigint[] IS NULL OR queue_id = ANY(%(only)s::bigint[]))
              AND needs <@ %(labels)s::text[]
              AND (%(tags)s::text[] IS NULL OR tags && %(tags)s::text[])
              AND (%(person)s::text IS NULL OR assignee IS NULL OR assignee = %(person)s::text)
          )
      )
      AND (%(most)s::integer IS NULL OR %(most)s::integer > (    -- after count_alone
          SELECT count(*)
          FROM executor.task_queue
          WHERE list_id = %(list_id)s AND worker_id IS NOT NULL
      ))
      AND (keys = '{}' OR EXISTS (    -- asked only when such a task is met: not so an array, which a recheck works out early
          SELECT
          FROM executor.startable(
              %(list_id)s, %(limit)s, %(labels)s::text[], %(tags)s::text[], %(person)s::text, %(only)s::bigint[]
          ) AS startable (queue_id)
          WHERE startable.queue_id = task.queue_id
      ))
      AND EXISTS (SELECT FROM executor.executor_state WHERE list_id = %(list_id)s AND status = 'running')
      AND EXISTS (SELECT FROM executor.worker WHERE worker_id = %(worker_id)s)    -- a reaped worker gets nothing
      AND NOT EXISTS (
          SELECT
          FROM executor.task_queue
          WHERE list_id = %(list_id)s
            AND status = 'failed'
            AND removed_at IS NULL
            AND completed_at >= %(stop_if_failed_since)s::timestamptz
            AND (%(only)s::bigint[] IS NULL OR queue_id = ANY(%(only)s::bigint[]))    -- as `prospects` counts them
      )
    ORDER BY rank, position
    LIMIT 1    -- literal: as a parameter it is costed as a tenth of the table
    FOR UPDATE SKIP LOCKED    -- workers must never wait for each other here
), claimed AS (
    UPDATE executor.task_queue AS task
    SET status = 'running',
        run_id = nextval('executor.run_run_id_seq'),
        worker_id = %(worker_id)s,
        attempts = task.attempts + 1,
        started_at = now(),
        progress = NULL,
        due_at = '-infinity'
    FROM candidate
    WHERE task.queue_id = candidate.queue_id AND candidate.due_at <= now()
    RETURNING task.list_id, task.queue_id, task.task_id, task.title, task.runner, task.spec, task.failures,
        task.last_error, task.notes, task.review, task.checkpoint, task.assigned_agent, task.rank, task.position,
        task.run_id, task.attempts AS attempt
), begun AS (
    INSERT INTO executor.run (run_id, queue_id, worker_id, worker, attempt)
    OVERRIDING SYSTEM VALUE
    SELECT run_id, queue_id, %(worker_id)s, %(worker)s, attempt
    FROM claimed
), noted AS (
    INSERT INTO executor.event (list_id, queue_id, run_id, attempt, kind, actor)
    SELECT %(list_id)s, queue_id, run_id, attempt, 'task.started', %(worker)s
    FROM claimed
)
SELECT list_id, queue_id, task_id, title, runner, spec, failures, last_error, run_id, attempt, notes, review, checkpoint,
    assigned_agent AS agent,
    CASE WHEN runner = 'agent' THEN executor.agent_context(queue_id) END AS context,
    (rank::bigint << 32) | position AS place
FROM claimed
ORDER BY rank, position

-- name: claimed_by
-- The runs a worker holds: after a broken connection, those it never heard of are the ones to start.
SELECT task.list_id, task.queue_id, task.task_id, task.title, task.runner, task.spec, task.failures, task.last_error,
    task.notes, task.review, task.checkpoint, task.run_id, task.attempts AS attempt,
    task.assigned_agent AS agent,
    CASE WHEN task.runner = 'agent' THEN executor.agent_context(task.queue_id) END AS context
FROM executor.task_queue AS task
WHERE task.worker_id = %(worker_id)s
ORDER BY task.rank, task.position

-- name: pasts
-- What some tasks need to know of themselves: their last run that succeeded, and the birth of their list.
SELECT task.queue_id, list.created_at AS list_created_at, (
        SELECT max(run.run_id)
        FROM executor.run
        WHERE run.queue_id = task.queue_id AND run.status = 'succeeded'
    ) AS since
FROM executor.task_queue AS task
JOIN executor.executor_state AS list USING (list_id)
WHERE task.queue_id = ANY(%(queue_ids)s::bigint[])

-- name: settle
-- Record how runs ended, move their tasks on and lower the counters of those that waited for them.
-- A run that no longer holds its task changes nothing and is missing from the answer.
WITH ended AS (
    SELECT *
    FROM unnest(
        %(run_ids)s::bigint[], %(queue_ids)s::bigint[], %(run_statuses)s::text[], %(task_statuses)s::text[],
        %(errors)s::text[], %(exit_codes)s::integer[], %(signals)s::integer[], %(cpu_seconds)s::real[],
        %(memory_bytes)s::bigint[], %(waits)s::interval[], %(counts)s::boolean[], %(reviews)s::boolean[]
    ) AS ended (
        run_id, queue_id, run_status, task_status, error, exit_code, signal, cpu_seconds, memory_bytes, wait, counts,
        review
    )
), moved AS (
    UPDATE executor.task_queue AS task
    SET status = ended.task_status,
        run_id = NULL,
        worker_id = NULL,
        wish = NULL,
        attempts = task.attempts - CASE WHEN ended.counts THEN 0 ELSE 1 END,
        failures = task.failures + CASE WHEN ended.run_status IN ('failed', 'timed_out') THEN 1 ELSE 0 END,
        losses = CASE WHEN ended.run_status = 'lost' THEN task.losses + 1 ELSE 0 END,
        last_error = CASE
            WHEN ended.task_status = 'completed' OR ended.review THEN NULL
            ELSE coalesce(nullif(ended.error, ''), task.last_error)
        END,
        skip_reason = CASE WHEN ended.task_status = 'skipped' THEN 'skipped by a person while it ran' END,
        review = CASE
            WHEN ended.review THEN 'asked'
            WHEN ended.run_status IN ('cancelled', 'lost', 'refused') AND ended.task_status = 'queued' THEN task.review
        END,
        due_at = CASE WHEN ended.task_status = 'queued' THEN now() + ended.wait ELSE '-infinity' END,
        queued_at = CASE WHEN ended.task_status = 'queued' THEN now() ELSE task.queued_at END,
        approved_at = CASE WHEN ended.task_status = 'queued' THEN task.approved_at END,
        completed_at = CASE WHEN ended.task_status <> 'queued' THEN now() END
    FROM ended
    WHERE task.queue_id = ANY(%(queue_ids)s::bigint[])
      AND task.queue_id = ended.queue_id
      AND task.run_id = ended.run_id    -- the fence
    RETURNING task.queue_id, ended.run_id, ended.task_status
), closed AS (
    UPDATE executor.run
    SET status = ended.run_status,
        ended_at = now(),
        exit_code = ended.exit_code,
        signal = ended.signal,
        error = nullif(ended.error, ''),
        cpu_seconds = ended.cpu_seconds,
        memory_bytes = ended.memory_bytes
    FROM ended    -- not moved, of which one row is expected: each run would be compared with each
    WHERE run.run_id = ANY(ARRAY(SELECT run_id FROM moved)) AND run.run_id = ended.run_id
    RETURNING ended.*, run.attempt, run.ended_at - run.started_at AS took
), waiting AS MATERIALIZED (
    SELECT queue_id, count(*)::integer AS met
    FROM executor.task_dependency
    WHERE depends_on = ANY(ARRAY(    -- an array, so that no statistics turn this into a scan
        SELECT queue_id FROM moved WHERE task_status IN ('completed', 'skipped')
    ))
    GROUP BY queue_id
), locked AS MATERIALIZED (
    SELECT queue_id
    FROM executor.task_queue
    WHERE queue_id = ANY(ARRAY(SELECT queue_id FROM waiting))
    ORDER BY queue_id    -- two workers that end two parents of the same children lock these in the same order
    FOR NO KEY UPDATE
), freed AS (
    UPDATE executor.task_queue AS task
    SET unmet = greatest(task.unmet - waiting.met, 0)
    FROM waiting
    WHERE task.queue_id = ANY(ARRAY(SELECT queue_id FROM locked)) AND task.queue_id = waiting.queue_id
), noted AS (
    INSERT INTO executor.event (list_id, queue_id, run_id, attempt, kind, actor, detail)
    SELECT %(list_id)s, queue_id, run_id, attempt,
        CASE
            WHEN run_status = 'lost' THEN 'task.lost'
            WHEN task_status = 'queued' AND run_status = 'cancelled' THEN 'task.requeued'
            WHEN task_status = 'queued' AND run_status = 'succeeded' THEN 'task.done'
            WHEN task_status = 'queued' THEN 'task.retried'
            ELSE 'task.' || task_status
        END,
        %(worker)s,
        jsonb_strip_nulls(jsonb_build_object(
            'run', run_status, 'seconds', round(extract(epoch FROM took), 3),
            'exit_code', exit_code, 'signal', signal, 'error', nullif(error, ''),
            'retry_in', CASE WHEN task_status = 'queued' AND wait > interval '0'
                             THEN round(extract(epoch FROM wait), 3) END
        ))
    FROM closed
)
SELECT run_id, took
FROM closed

-- name: skip_dependents
-- Skip every queued task that waits, at any distance, for one of these failed tasks: it cannot run any more.
WITH RECURSIVE doomed AS (
    SELECT edge.queue_id, failed.queue_id AS cause
    FROM executor.task_queue AS failed
    JOIN executor.task_dependency AS edge ON edge.depends_on = failed.queue_id
    WHERE failed.queue_id = ANY(%(queue_ids)s::bigint[]) AND failed.status = 'failed'
    UNION
    SELECT edge.queue_id, doomed.cause
    FROM doomed
    JOIN executor.task_queue AS via ON via.queue_id = doomed.queue_id    -- what is completed passes nothing on
        AND (via.status = 'queued' OR (via.status = 'skipped' AND via.skip_cause IS NOT NULL))
    JOIN executor.task_dependency AS edge ON edge.depends_on = doomed.queue_id
), chosen AS MATERIALIZED (
    SELECT queue_id, min(cause) AS cause
    FROM doomed
    GROUP BY queue_id
), skipped AS (
    UPDATE executor.task_queue AS task
    SET status = 'skipped',
        completed_at = now(),
        skip_cause = chosen.cause,
        review = NULL,
        skip_reason = 'depends on ' || failed.task_id || ', which failed'
    FROM chosen
    JOIN executor.task_queue AS failed ON failed.queue_id = chosen.cause
    WHERE task.queue_id = chosen.queue_id AND task.status = 'queued' AND task.removed_at IS NULL
    RETURNING task.queue_id, task.task_id, task.list_id, task.skip_reason
), noted AS (
    INSERT INTO executor.event (list_id, queue_id, kind, actor, detail)
    SELECT list_id, queue_id, 'task.skipped', %(actor)s, jsonb_build_object('reason', skip_reason)
    FROM skipped
)
SELECT task_id, skip_reason
FROM skipped

-- name: recount
-- Count again what each of these tasks still waits for. A dependency is met when it is completed or a person skipped it.
WITH counted AS MATERIALIZED (
    SELECT task.queue_id,
        count(needed.queue_id) FILTER (
            WHERE needed.status <> 'completed' AND (needed.status <> 'skipped' OR needed.skip_cause IS NOT NULL)
        )::integer AS unmet
    FROM executor.task_queue AS task
    LEFT JOIN executor.task_dependency AS edge ON edge.queue_id = task.queue_id
    LEFT JOIN executor.task_queue AS needed ON needed.queue_id = edge.depends_on AND needed.removed_at IS NULL
    WHERE task.list_id = %(list_id)s
      AND (%(queue_ids)s::bigint[] IS NULL OR task.queue_id = ANY(%(queue_ids)s::bigint[]))
    GROUP BY task.queue_id
)
UPDATE executor.task_queue AS task
SET unmet = counted.unmet
FROM counted
WHERE task.queue_id = counted.queue_id AND task.unmet <> counted.unmet
RETURNING task.queue_id

-- name: prospects
-- What is left of a list, to decide whether a worker with nothing to do waits, looks again or leaves.
SELECT
    count(*) FILTER (WHERE ready AND due_at <= now() AND keys = '{}' AND fits) AS ready,
    count(*) FILTER (WHERE ready AND due_at <= now() AND keys <> '{}' AND fits) AS keyed,
    count(*) FILTER (WHERE ready AND NOT fits) AS unfit,
    count(*) FILTER (WHERE ready AND due_at > now() AND fits) AS due_later,
    min(due_at) FILTER (WHERE ready AND due_at > now() AND fits) - now() AS next_due,
    count(*) FILTER (WHERE status = 'running') AS running,
    count(*) FILTER (WHERE status = 'queued' AND unmet > 0) AS blocked,
    count(*) FILTER (WHERE status = 'queued' AND unmet = 0 AND NOT ready) AS waiting,
    count(*) FILTER (WHERE status = 'failed' AND completed_at >= %(stop_if_failed_since)s::timestamptz) AS failed
FROM executor.task_queue
CROSS JOIN LATERAL (
    SELECT ready AND runner = 'container' AND keys = '{}' AS is_parent    -- as `claim` takes them
) AS parent
CROSS JOIN LATERAL (
    SELECT is_parent OR (
        needs <@ %(labels)s::text[]
        AND (%(tags)s::text[] IS NULL OR tags && %(tags)s::text[])
        AND (%(person)s::text IS NULL OR assignee IS NULL OR assignee = %(person)s::text)
    ) AS fits
) AS worker_fits
WHERE list_id = %(list_id)s
  AND removed_at IS NULL
  AND status IN ('queued', 'running', 'failed')
  AND (is_parent OR %(only)s::bigint[] IS NULL OR queue_id = ANY(%(only)s::bigint[]))

-- name: orders
-- What people asked of this worker's list and runs since it last looked, and how far its runs say they are.
WITH held AS MATERIALIZED (    -- by their keys: the index by worker may hold an entry of every run it ever had
    SELECT run_id, wish, progress
    FROM executor.task_queue
    WHERE queue_id = ANY(%(holding)s::bigint[]) AND worker_id = %(worker_id)s
)
SELECT list.status, list.stop_now, list.status_by,
    EXISTS (SELECT FROM executor.worker WHERE worker_id = %(worker_id)s) AS entered,
    EXISTS (SELECT FROM executor.worker WHERE worker_id = %(worker_id)s AND draining) AS drain,
    list.status = 'stopped' OR coalesce(list.stopped_at > serving.since, false) AS stop,    -- also while paused
    ARRAY(SELECT run_id FROM held WHERE wish = 'skip') AS skip,
    (SELECT jsonb_object_agg(run_id, progress) FROM held WHERE progress IS NOT NULL) AS progress
FROM executor.executor_state AS list
LEFT JOIN executor.worker_list AS serving ON serving.worker_id = %(worker_id)s AND serving.list_id = list.list_id
WHERE list.list_id = %(list_id)s

-- name: note_sessions
-- Remember which conversation of its agent each of these runs is part of: after a crash the next run goes on with it.
UPDATE executor.run
SET agent = noted.agent, session = noted.session
FROM unnest(%(run_ids)s::bigint[], %(agents)s::text[], %(sessions)s::text[]) AS noted (run_id, agent, session)
WHERE run.run_id = ANY(%(run_ids)s::bigint[]) AND run.run_id = noted.run_id

-- name: record_usage
-- What agents used, whether their runs still count or not: it was paid for.
UPDATE executor.run
SET agent = used.agent,
    session = coalesce(used.session, run.session),
    answer = nullif(used.answer, ''),
    tokens_in = used.tokens_in,
    tokens_out = used.tokens_out,
    tokens_cached = used.tokens_cached,
    cost_usd = used.cost_usd
FROM unnest(
    %(run_ids)s::bigint[], %(agents)s::text[], %(sessions)s::text[], %(answers)s::text[], %(tokens_in)s::bigint[],
    %(tokens_out)s::bigint[], %(tokens_cached)s::bigint[], %(costs_usd)s::numeric[]
) AS used (run_id, agent, session, answer, tokens_in, tokens_out, tokens_cached, cost_usd)
WHERE run.run_id = ANY(%(run_ids)s::bigint[]) AND run.run_id = used.run_id

-- name: hold_agents
-- An agent at its limit is not asked again before it is over, for no task of the list.
UPDATE executor.task_queue AS task
SET due_at = greatest(task.due_at, now() + held.wait)
FROM unnest(%(agents)s::text[], %(waits)s::interval[]) AS held (agent, wait)
WHERE task.list_id = %(list_id)s
  AND task.status = 'queued'
  AND task.runner = 'agent'
  AND task.assigned_agent = held.agent
  AND task.removed_at IS NULL

-- name: append_output
-- Keep chunks of output. One that is already there came with a commit whose answer was lost.
WITH kept AS (
    INSERT INTO executor.run_output (run_id, chunk, content)
    SELECT *
    FROM unnest(%(run_ids)s::bigint[], %(chunks)s::integer[], %(contents)s::bytea[])
    ON CONFLICT DO NOTHING
    RETURNING run_id, chunk, length(content) AS size
)
INSERT INTO executor.event (list_id, queue_id, run_id, attempt, kind, actor, detail)
SELECT %(list_id)s, run.queue_id, kept.run_id, run.attempt, 'task.output', %(worker)s,
    jsonb_build_object('chunk', kept.chunk, 'bytes', kept.size)
FROM kept
JOIN executor.run USING (run_id)
ORDER BY kept.run_id, kept.chunk    -- or the join would number the events of one turn as it pleases

-- name: notify
-- Tell everybody who listens that something happened to a list, and who did it. A lost one costs a poll, no more.
SELECT pg_notify('executor', concat_ws(':', %(list_id)s::bigint, %(worker_id)s::bigint))

-- name: run_statuses
-- How runs stand in the record, for those whose settling got no answer.
SELECT run_id, status, ended_at - started_at AS took
FROM executor.run
WHERE run_id = ANY(%(run_ids)s::bigint[])
