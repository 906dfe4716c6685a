-- A queue is in one database only. While it moves to another, and afterwards in the one it left, this says so.
CREATE TABLE executor.relocation (
    only_one boolean PRIMARY KEY DEFAULT true,
    move_id uuid NOT NULL,
    state text NOT NULL,
    other text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT relocation_is_one CHECK (only_one),
    CONSTRAINT relocation_state_known CHECK (state IN ('leaving', 'left', 'arriving', 'arrived'))
);
COMMENT ON TABLE executor.relocation IS 'Whether this queue is moving to another database, or has; no row: it never was';
COMMENT ON COLUMN executor.relocation.state IS
    'leaving: still the truth, nobody begins anything; left: no longer; arriving: not yet; arrived: the truth';
COMMENT ON COLUMN executor.relocation.other IS 'The other database, without user and password';

-- Triggers with this function stand on tables that nobody may change any more, whichever program it is.
-- The code is that of a server that cannot be written: whoever meets it looks for another one.
CREATE FUNCTION executor.refuse_moved() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'read_only_sql_transaction';
END
$$;

-- migrate: down
DROP TABLE executor.relocation;
DROP FUNCTION executor.refuse_moved() CASCADE;
