-- Workers that look for work by themselves: what they offer, what a task needs, and what may not run at the same time.
ALTER TABLE executor.worker
    ADD COLUMN labels text[] NOT NULL DEFAULT '{}',
    ADD COLUMN draining boolean NOT NULL DEFAULT false;

-- `keys` are what a task holds while it runs, `places` how many runs may hold each at the same time.
ALTER TABLE executor.task_queue
    ADD COLUMN needs text[] NOT NULL DEFAULT '{}',
    ADD COLUMN keys text[] NOT NULL DEFAULT '{}',
    ADD COLUMN places integer[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT places_for_keys CHECK (cardinality(keys) = cardinality(places));
CREATE INDEX task_holding ON executor.task_queue (list_id) WHERE run_id IS NOT NULL AND keys <> '{}';
CREATE INDEX task_ready_keyed ON executor.task_queue (list_id, rank, position) WHERE ready AND keys <> '{}';

-- `held`: a person stopped the list, so no worker takes it up by itself. `host` is where its file was last read and
-- `reading` how, so that a worker there can mark it.
ALTER TABLE executor.executor_state
    ADD COLUMN held boolean NOT NULL DEFAULT false,
    ADD COLUMN host text,
    ADD COLUMN reading jsonb NOT NULL DEFAULT '{}';

-- Which ready tasks that hold keys may begin now, most urgent first: at most `most`, counting each as begun for the next.
-- A key that begins with fleet/ is shared by all lists, any other is its list's own. The lock is kept to the end of the
-- transaction, so that two workers cannot both take the last place.
CREATE FUNCTION executor.startable(
    list bigint, most integer, offered text[], tagged text[], person text, chosen bigint[]
) RETURNS SETOF bigint
LANGUAGE plpgsql AS $$
DECLARE
    held jsonb;
    taken bigint[] := '{}';
    candidate record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('executor.keys', 0));
    SELECT coalesce(jsonb_object_agg(holder.key, holder.runs), '{}')
    INTO held
    FROM (
        SELECT held_key.key, count(*) AS runs
        FROM executor.task_queue AS task
        CROSS JOIN LATERAL unnest(task.keys) AS held_key (key)
        WHERE task.run_id IS NOT NULL
          AND task.keys <> '{}'
          AND (task.list_id = list OR held_key.key LIKE 'fleet/%')
        GROUP BY held_key.key
    ) AS holder;
    FOR turn IN 1..most LOOP
        SELECT task.queue_id, task.keys
        INTO candidate
        FROM executor.task_queue AS task
        WHERE task.list_id = list
          AND task.ready
          AND task.keys <> '{}'
          AND task.due_at <= now()
          AND task.needs <@ offered
          AND (tagged IS NULL OR task.tags && tagged)
          AND (person IS NULL OR task.assignee IS NULL OR task.assignee = person)
          AND (chosen IS NULL OR task.queue_id = ANY(chosen))
          AND NOT task.queue_id = ANY(taken)
          AND NOT EXISTS (
              SELECT
              FROM unnest(task.keys, task.places) AS wanted (key, place)
              WHERE (held ->> wanted.key)::integer >= wanted.place
          )
        ORDER BY task.rank, task.position
        LIMIT 1;
        EXIT WHEN NOT FOUND;
        taken := taken || candidate.queue_id;
        SELECT held || jsonb_object_agg(added.key, coalesce((held ->> added.key)::integer, 0) + 1)
        INTO held
        FROM unnest(candidate.keys) AS added (key);
        RETURN NEXT candidate.queue_id;
    END LOOP;
END
$$;
