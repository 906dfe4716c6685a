-- Tasks that run SQL blocks, and tasks that bring a database up to a folder of migrations.
ALTER TABLE executor.task_queue
    DROP CONSTRAINT task_runner_known,
    ADD CONSTRAINT task_runner_known CHECK (runner IN ('shell', 'manual', 'container', 'sql', 'migrate'));

-- What SQL blocks did, in the database they did it in. Other databases than this one get the same table when a block
-- first runs there. A row is written in the transaction of what it tells; `done` is false in the middle of a backfill.
CREATE TABLE executor.sql_block (
    queue text NOT NULL,    -- the list, as no other queue names one
    queue_id bigint NOT NULL,
    block integer NOT NULL,    -- which of the task's SQL blocks, from 1
    checksum text NOT NULL,    -- of what it says: an edited block is another
    run_id bigint NOT NULL,
    task_id text NOT NULL,
    done boolean NOT NULL,
    batches integer NOT NULL DEFAULT 0,
    batches_expected integer NOT NULL DEFAULT 0,
    last_key text,
    committed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sql_block_key PRIMARY KEY (queue, queue_id, block, checksum)
);
COMMENT ON TABLE executor.sql_block IS
    'What a block of SQL committed, and how far a backfill is; there is one in every database they ran in.';
