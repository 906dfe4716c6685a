-- A worker may serve several lists at once, so which ones is a table of its own.
CREATE TABLE executor.worker_list (
    worker_id bigint NOT NULL REFERENCES executor.worker ON DELETE CASCADE,
    list_id bigint NOT NULL REFERENCES executor.executor_state ON DELETE CASCADE,
    since timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT worker_list_key PRIMARY KEY (list_id, worker_id)
);
CREATE INDEX worker_list_of_worker ON executor.worker_list (worker_id);
INSERT INTO executor.worker_list (worker_id, list_id, since)
SELECT worker_id, list_id, started_at
FROM executor.worker
WHERE list_id IS NOT NULL;
ALTER TABLE executor.worker DROP COLUMN list_id;
