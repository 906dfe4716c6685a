-- What people say of work that is done, what their "no" does, and what they add for the next attempt.
-- `review` asked: the work is done and waits for a person's word. Passed: a person let it pass, and what is left is to
-- bring it in. A task that is asked about is not ready, so the column is made anew, with what is built on it.
DROP VIEW executor.v_active_queue;
ALTER TABLE executor.task_queue DROP COLUMN ready;
ALTER TABLE executor.task_queue
    ADD COLUMN review text,
    ADD COLUMN asked_at timestamptz,
    ADD COLUMN notes jsonb NOT NULL DEFAULT '[]',
    ADD CONSTRAINT review_before_the_end CHECK (
        review IS NULL
        OR (review = 'asked' AND status = 'queued')
        OR (review = 'passed' AND status IN ('queued', 'running'))
    ),
    ADD COLUMN ready boolean NOT NULL GENERATED ALWAYS AS (
        status = 'queued'
        AND unmet = 0
        AND removed_at IS NULL
        AND (hold IS NULL OR approved_at IS NOT NULL)
        AND coalesce(review <> 'asked', true)
    ) STORED;
CREATE INDEX task_ready ON executor.task_queue (list_id, rank, position) WHERE ready;
CREATE INDEX task_ready_keyed ON executor.task_queue (list_id, rank, position) WHERE ready AND keys <> '{}';
-- Nothing in it that changes while a counter is lowered, which stays a heap-only update.
CREATE INDEX task_of_person ON executor.task_queue (list_id)
WHERE status = 'queued' AND (hold IS NOT NULL OR review IS NOT NULL);
COMMENT ON COLUMN executor.task_queue.review IS
    'Done and waiting for a person''s word (asked), or let pass and still to be brought in (passed)';
COMMENT ON COLUMN executor.task_queue.asked_at IS 'When people were first told that it waits for them';
COMMENT ON COLUMN executor.task_queue.notes IS 'What people added for the next attempts: at, by, text';

-- Whose word a task waits for, where that is said: by its gate, else by its assignee.
CREATE FUNCTION executor.person_asked(spec jsonb, assignee text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN coalesce(substring(spec #>> '{settings,gate}' FROM '@(.*)'), assignee);

-- Until when an answer counts, where a time is given: by the task, else by its list.
CREATE FUNCTION executor.answer_until(asked_at timestamptz, spec jsonb, settings jsonb) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN asked_at + make_interval(secs =>
    coalesce(spec #>> '{settings,gate_timeout}', settings ->> 'gate_timeout')::double precision
);

CREATE VIEW executor.v_active_queue AS
SELECT
    queue_id, list_id, task_list_path, task_id, priority, section, title, description, dependencies, status,
    assigned_agent, position, attempts, last_error, queued_at, unmet, hold, due_at, ready
FROM executor.task_queue
WHERE status = 'queued' AND removed_at IS NULL
ORDER BY rank, position;
COMMENT ON VIEW executor.v_active_queue IS 'What is still to run';

-- A task that a person refuses has failed without having run.
DROP TRIGGER legal_move ON executor.task_queue;
CREATE TRIGGER legal_move BEFORE UPDATE OF status ON executor.task_queue
FOR EACH ROW WHEN (
    OLD.status <> NEW.status
    AND OLD.status || ' > ' || NEW.status NOT IN (
        'queued > running', 'queued > completed', 'queued > failed', 'queued > skipped',
        'running > completed', 'running > failed', 'running > queued', 'running > skipped',
        'failed > queued', 'failed > skipped', 'failed > completed',
        'skipped > queued', 'skipped > completed',
        'completed > queued'
    )
) EXECUTE FUNCTION executor.refuse_move();
