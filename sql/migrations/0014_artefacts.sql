-- Files that a run keeps beside its output: pieces of up to 1 MB, so that nobody has to hold a whole one.
CREATE TABLE executor.artefact (
    run_id bigint NOT NULL REFERENCES executor.run ON DELETE CASCADE,
    name text NOT NULL,
    piece integer NOT NULL,
    content bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT artefact_key PRIMARY KEY (run_id, name, piece),
    CONSTRAINT artefact_named CHECK (name <> '' AND name !~ '/'),
    CONSTRAINT artefact_piece_bounded CHECK (piece >= 0 AND length(content) <= 1048576)
);
COMMENT ON TABLE executor.artefact IS 'Files that runs have kept, up to 1 MB of one a row';
COMMENT ON COLUMN executor.artefact.name IS 'What the run called it: one file of that name a run';
COMMENT ON COLUMN executor.artefact.piece IS 'The how manieth megabyte, from 0';

-- migrate: down
DROP TABLE executor.artefact;
