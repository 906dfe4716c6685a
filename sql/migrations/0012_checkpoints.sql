-- What a task keeps for its next attempt while it runs, and how far it says it is.
ALTER TABLE executor.task_queue
    ADD COLUMN checkpoint jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN progress text;
COMMENT ON COLUMN executor.task_queue.checkpoint IS 'What its attempts have kept for the next one, by key';
COMMENT ON COLUMN executor.task_queue.progress IS 'How far the present or the last run said it was';

-- migrate: down
ALTER TABLE executor.task_queue DROP COLUMN checkpoint, DROP COLUMN progress;
