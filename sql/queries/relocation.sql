-- name: standing
-- Whether this queue is moving, and between which databases.
SELECT move_id, state, other, since
FROM executor.relocation

-- name: put
-- Say how this database stands in a move.
INSERT INTO executor.relocation (move_id, state, other)
VALUES (%(move_id)s, %(state)s, %(other)s)
ON CONFLICT (only_one) DO UPDATE SET move_id = excluded.move_id, state = excluded.state, other = excluded.other, since = now()

-- name: forget
-- The queue stays where it is.
DELETE FROM executor.relocation

-- name: close_entry
-- Nobody enters as a worker any more.
CREATE TRIGGER moving BEFORE INSERT ON executor.worker
FOR EACH STATEMENT EXECUTE FUNCTION executor.refuse_moved('the queue is being moved to another database')

-- name: open_entry
-- Workers may enter again.
DROP TRIGGER IF EXISTS moving ON executor.worker

-- name: hold
-- Nobody changes anything until this transaction ends; reading goes on. Taken before the snapshot, which then sees all.
DO $$
BEGIN
    EXECUTE (
        SELECT string_agg(format('LOCK TABLE executor.%I IN SHARE ROW EXCLUSIVE MODE', relname), ';' ORDER BY relname)
        FROM pg_catalog.pg_class
        WHERE relnamespace = 'executor'::regnamespace AND relkind = 'r' AND relname <> 'relocation'
    );
END
$$

-- name: close
-- Nobody changes any of these tables again, whichever program asks and whatever it has prepared.
DO $$
BEGIN
    EXECUTE (
        SELECT string_agg(format(
            'CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON executor.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION executor.refuse_moved(%L)',
            relname, 'this queue was moved to another database'
        ), ';' ORDER BY relname)
        FROM pg_catalog.pg_class
        WHERE relnamespace = 'executor'::regnamespace AND relkind = 'r' AND relname <> 'relocation'
    );
END
$$

-- name: reopen
-- Let every table be changed again.
DO $$
BEGIN
    EXECUTE (
        SELECT string_agg(format('DROP TRIGGER IF EXISTS moved ON executor.%I', relname), ';' ORDER BY relname)
        FROM pg_catalog.pg_class
        WHERE relnamespace = 'executor'::regnamespace AND relkind = 'r' AND relname <> 'relocation'
    );
END
$$
