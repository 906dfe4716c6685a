-- Tasks that coding agents carry out: what their runs used, and what the next run is told of the ones before.
ALTER TABLE executor.task_queue
    DROP CONSTRAINT task_runner_known,
    ADD CONSTRAINT task_runner_known CHECK (runner IN ('shell', 'manual', 'container', 'sql', 'migrate', 'agent'));

ALTER TABLE executor.run
    DROP CONSTRAINT run_status_known,
    ADD CONSTRAINT run_status_known
        CHECK (status IN ('running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'refused')),
    ADD COLUMN agent text,
    ADD COLUMN session text,
    ADD COLUMN answer text,
    ADD COLUMN tokens_in bigint,
    ADD COLUMN tokens_out bigint,
    ADD COLUMN tokens_cached bigint,
    ADD COLUMN cost_usd numeric(14, 6),
    ADD CONSTRAINT usage_of_an_agent CHECK (
        agent IS NOT NULL
        OR (session IS NULL AND answer IS NULL AND tokens_in IS NULL AND tokens_out IS NULL AND cost_usd IS NULL)
    );
COMMENT ON COLUMN executor.run.agent IS 'Which coding agent, where one carried it out';
COMMENT ON COLUMN executor.run.session IS 'The agent''s name for the conversation, which the next attempt goes on with';
COMMENT ON COLUMN executor.run.answer IS 'The end of what the agent answered';
COMMENT ON COLUMN executor.run.tokens_in IS 'Tokens read, those from a cache among them';
COMMENT ON COLUMN executor.run.cost_usd IS 'Dollars, as the agent tells; NULL where it does not';

ALTER TABLE executor.executor_state ADD COLUMN stop_reason text;
COMMENT ON COLUMN executor.executor_state.stop_reason IS
    'What a person has to do before it can go on, where a worker stopped it';

-- What an agent is told of its task besides the task: the list, what it builds on, and the attempts before. `session` is
-- the conversation to go on with, `spent` what the runs in it used; after a success a task begins anew.
CREATE FUNCTION executor.agent_context(task bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    WITH before AS (
        SELECT run.*
        FROM executor.run
        WHERE run.queue_id = task
          AND run.status <> 'running'
          AND run.run_id > coalesce(
              (SELECT max(run_id) FROM executor.run WHERE queue_id = task AND status = 'succeeded'), 0
          )
    ), talk AS (
        SELECT before.session
        FROM before
        JOIN executor.task_queue AS asked ON asked.queue_id = task AND asked.assigned_agent = before.agent
        WHERE before.session IS NOT NULL
        ORDER BY before.run_id DESC
        LIMIT 1
    )
    SELECT jsonb_build_object(
        'body', asked.description,
        'section', asked.section,
        'list', jsonb_build_object('title', list.title, 'description', list.description),
        'builds_on', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'id', needed.task_id, 'title', needed.title, 'status', needed.status, 'answer', (
                    SELECT run.answer
                    FROM executor.run
                    WHERE run.queue_id = needed.queue_id AND run.status = 'succeeded'
                    ORDER BY run.run_id DESC
                    LIMIT 1
                )
            ) ORDER BY needed.position), '[]')
            FROM executor.task_dependency AS edge
            JOIN executor.task_queue AS needed ON needed.queue_id = edge.depends_on
            WHERE edge.queue_id = task AND needed.removed_at IS NULL
        ),
        'session', (SELECT session FROM talk),
        'spent', (
            SELECT jsonb_build_object(
                'cost', coalesce(sum(before.cost_usd), 0), 'input', coalesce(sum(before.tokens_in), 0),
                'output', coalesce(sum(before.tokens_out), 0), 'cached', coalesce(sum(before.tokens_cached), 0)
            )
            FROM before
            JOIN talk USING (session)
        ),
        'refusals', (
            SELECT count(*)
            FROM before
            WHERE before.run_id > coalesce((SELECT max(run_id) FROM before WHERE status <> 'refused'), 0)
        )
    )
    FROM executor.task_queue AS asked
    JOIN executor.executor_state AS list USING (list_id)
    WHERE asked.queue_id = task
$$;
COMMENT ON FUNCTION executor.agent_context IS 'What an agent is told of its task besides the task, as JSON';
