-- One of everything that the catalogue reader knows; PostgreSQL 15 and newer.
CREATE SCHEMA shop;
CREATE SCHEMA "Odd Names";
COMMENT ON SCHEMA shop IS 'It''s where "things" are sold';

CREATE TYPE shop.mood AS ENUM ('sad', 'ok', 'it''s "fine"');
ALTER TYPE shop.mood ADD VALUE 'so-so' BEFORE 'ok';
CREATE TYPE shop.money_range AS RANGE (subtype = numeric, multirange_type_name = shop.money_ranges);
CREATE TYPE shop.address AS (street text COLLATE "C", number integer, lines text[]);
COMMENT ON TYPE shop.address IS 'Where to send it';
COMMENT ON COLUMN shop.address.street IS 'Without the number';
CREATE DOMAIN shop.email AS text COLLATE "C" DEFAULT 'nobody@example.org' NOT NULL CONSTRAINT has_at CHECK (VALUE LIKE '%@%');
ALTER DOMAIN shop.email ADD CONSTRAINT not_long CHECK (length(VALUE) < 300) NOT VALID;
COMMENT ON DOMAIN shop.email IS 'An address';

CREATE COLLATION shop.plainest (provider = libc, locale = 'C');
CREATE TEXT SEARCH CONFIGURATION shop.plain (COPY = pg_catalog.simple);
CREATE TEXT SEARCH DICTIONARY shop.short (TEMPLATE = pg_catalog.simple, STOPWORDS = 'english');
ALTER TEXT SEARCH CONFIGURATION shop.plain ALTER MAPPING FOR asciiword WITH shop.short, pg_catalog.simple;

CREATE SEQUENCE shop.counter AS integer INCREMENT BY -2 MINVALUE -100 MAXVALUE 10 START WITH 10 CACHE 5 CYCLE;
CREATE UNLOGGED SEQUENCE shop.loose;

CREATE FUNCTION shop.next_code() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT 'c' || nextval('shop.counter') $$;
CREATE FUNCTION shop.squared(x integer, OUT y integer) LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'SELECT x * x';
CREATE FUNCTION shop.squared(x numeric DEFAULT 1.5) RETURNS numeric LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT x * x; END;
COMMENT ON FUNCTION shop.squared(numeric) IS 'x to the power of two';
CREATE FUNCTION shop.many(VARIADIC "Parts" text[]) RETURNS TABLE (part text, n integer) LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = '' AS $body$
BEGIN
    RETURN QUERY SELECT p, length(p) FROM unnest("Parts") AS p;
END
$body$;
CREATE PROCEDURE shop.tidy(INOUT n integer) LANGUAGE plpgsql AS $$ BEGIN n := n + 1; END $$;
CREATE AGGREGATE shop.longest(text) (SFUNC = pg_catalog.text_larger, STYPE = text, INITCOND = 'it''s', PARALLEL = SAFE);

CREATE TABLE shop.customer (
    customer_id bigint GENERATED ALWAYS AS IDENTITY (START WITH 1000 INCREMENT BY 10) PRIMARY KEY,
    email shop.email,
    "Full Name" text COLLATE "C" NOT NULL,
    feeling shop.mood DEFAULT 'ok',
    home shop.address,
    spends shop.money_range,
    notes text DEFAULT E'a\nb''c\\d',
    code text DEFAULT shop.next_code(),
    shout text GENERATED ALWAYS AS (upper("Full Name")) STORED,
    created_at timestamptz NOT NULL DEFAULT '2020-01-01 12:00:00+02',
    waits interval DEFAULT '1 day 02:00',
    gone integer,
    CONSTRAINT email_once UNIQUE (email) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT name_given CHECK ("Full Name" <> '') NO INHERIT
) WITH (fillfactor = 70, autovacuum_enabled = false);
ALTER TABLE shop.customer DROP COLUMN gone;
ALTER TABLE shop.customer ALTER COLUMN notes SET STORAGE EXTERNAL, ALTER COLUMN notes SET COMPRESSION pglz;
ALTER TABLE shop.customer ALTER COLUMN email SET STATISTICS 500, ALTER COLUMN created_at SET (n_distinct = -0.5);
ALTER TABLE shop.customer ADD CONSTRAINT late_check CHECK (created_at > '2000-01-01') NOT VALID;
COMMENT ON TABLE shop.customer IS 'Who buys';
COMMENT ON COLUMN shop.customer."Full Name" IS 'As on the letter | with a pipe';
COMMENT ON CONSTRAINT email_once ON shop.customer IS 'One account each';
CREATE INDEX customer_lower ON shop.customer (lower("Full Name") COLLATE "C" DESC NULLS LAST) INCLUDE (code) WHERE feeling <> 'sad';
CREATE UNIQUE INDEX customer_code ON shop.customer (code) NULLS NOT DISTINCT WITH (fillfactor = 90);
COMMENT ON INDEX shop.customer_code IS 'Codes are given once';
ALTER TABLE shop.customer CLUSTER ON customer_code;
ALTER TABLE shop.customer REPLICA IDENTITY FULL;
CREATE STATISTICS shop.customer_stats (dependencies, ndistinct) ON feeling, code FROM shop.customer;

CREATE TABLE shop.product (
    product_id serial PRIMARY KEY,
    parent_id integer CONSTRAINT product_parent REFERENCES shop.product ON DELETE SET NULL,
    name varchar(80) NOT NULL,
    price numeric(12, 2) DEFAULT 0 CHECK (price >= 0),
    during tstzrange,
    tags text[] DEFAULT '{}',
    document tsvector,
    EXCLUDE USING gist (during WITH &&)
);
CREATE INDEX ON shop.product USING gin (tags);
CREATE INDEX ON shop.product USING brin (price) WITH (pages_per_range = 32);

CREATE UNLOGGED TABLE shop."order" (
    order_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    customer_id bigint NOT NULL REFERENCES shop.customer ON UPDATE CASCADE ON DELETE RESTRICT DEFERRABLE,
    "select" integer
);

CREATE TABLE shop.event (
    event_id bigint NOT NULL,
    at timestamptz NOT NULL,
    product_id integer REFERENCES shop.product,
    detail jsonb,
    PRIMARY KEY (event_id, at)
) PARTITION BY RANGE (at);
CREATE TABLE shop.event_2024 PARTITION OF shop.event FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE shop.event_rest PARTITION OF shop.event (CONSTRAINT has_detail CHECK (detail IS NOT NULL)) DEFAULT PARTITION BY LIST (event_id);
CREATE TABLE shop.event_rest_1 PARTITION OF shop.event_rest FOR VALUES IN (1, 2);
CREATE INDEX event_product ON shop.event (product_id);
CREATE INDEX only_here ON shop.event_2024 USING hash (event_id);
CREATE TABLE shop.bucket (n integer) PARTITION BY HASH (n);
CREATE TABLE shop.bucket_0 PARTITION OF shop.bucket FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE shop.event_note (event_id bigint, at timestamptz, FOREIGN KEY (event_id, at) REFERENCES shop.event);

CREATE TABLE shop.thing (id integer NOT NULL, name text DEFAULT 'x', CHECK (id > 0));
CREATE TABLE shop.special (extra text, name text DEFAULT 'y') INHERITS (shop.thing);
CREATE TABLE shop.addresses OF shop.address (number NOT NULL);

CREATE VIEW shop.total AS
    SELECT c.customer_id, c."Full Name", count(*) AS orders
    FROM shop.customer AS c JOIN shop."order" AS o USING (customer_id)
    GROUP BY c.customer_id;
COMMENT ON VIEW shop.total IS 'Orders a head';
CREATE VIEW shop.cheap WITH (security_barrier, check_option = local) AS SELECT product_id, name FROM shop.product WHERE price < 10;
CREATE VIEW shop.over_view AS SELECT * FROM shop.total WHERE orders > 1;
CREATE RECURSIVE VIEW shop.upto (n) AS SELECT 1 UNION ALL SELECT n + 1 FROM upto WHERE n < 5;
CREATE MATERIALIZED VIEW shop.sums AS SELECT feeling, count(*) AS n FROM shop.customer GROUP BY feeling;
CREATE UNIQUE INDEX sums_feeling ON shop.sums (feeling);
CREATE FUNCTION shop.of_view(t shop.total) RETURNS bigint LANGUAGE sql RETURN t.orders;
CREATE VIEW shop.by_function AS SELECT shop.of_view(t) AS n FROM shop.total AS t;

CREATE FUNCTION shop.on_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER customer_changes BEFORE UPDATE OF email, code ON shop.customer
    FOR EACH ROW WHEN (old.code IS DISTINCT FROM new.code) EXECUTE FUNCTION shop.on_change('it''s');
CREATE TRIGGER after_all AFTER INSERT ON shop.customer REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION shop.on_change();
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON shop.product DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.on_change();
CREATE TRIGGER of_partitions AFTER INSERT ON shop.event FOR EACH ROW EXECUTE FUNCTION shop.on_change();
CREATE TRIGGER on_view INSTEAD OF INSERT ON shop.total FOR EACH ROW EXECUTE FUNCTION shop.on_change();
ALTER TABLE shop.customer DISABLE TRIGGER after_all;
ALTER TABLE shop.product ENABLE ALWAYS TRIGGER later;
CREATE RULE quiet AS ON DELETE TO shop.cheap DO INSTEAD (NOTIFY gone; DELETE FROM shop.product WHERE product_id = old.product_id);

ALTER TABLE shop.product ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop."order" ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop."order" FORCE ROW LEVEL SECURITY;
CREATE POLICY readers ON shop.product FOR SELECT USING (price > 0);
CREATE POLICY writers ON shop.product AS RESTRICTIVE FOR INSERT TO CURRENT_USER WITH CHECK (name <> '');
COMMENT ON POLICY readers ON shop.product IS 'Free things are secret';

CREATE FUNCTION shop.mood_equals(shop.mood, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1::text = $2';
CREATE OPERATOR shop.=== (FUNCTION = shop.mood_equals, LEFTARG = shop.mood, RIGHTARG = text);
CREATE FUNCTION shop.mood_to_int(shop.mood) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE CAST (shop.mood AS integer) WITH FUNCTION shop.mood_to_int(shop.mood) AS ASSIGNMENT;

CREATE FUNCTION shop.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER watch_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION shop.on_ddl();
ALTER EVENT TRIGGER watch_ddl DISABLE;

CREATE TABLE "Odd Names"."Table; DROP" ("a""b" integer PRIMARY KEY, "ünï" text DEFAULT '%s {x}', "user" integer);
CREATE VIEW "Odd Names"."View" AS SELECT "a""b" FROM "Odd Names"."Table; DROP";

GRANT SELECT, INSERT ON shop.product TO PUBLIC;
GRANT UPDATE (name, price) ON shop.product TO PUBLIC;
REVOKE EXECUTE ON FUNCTION shop.next_code() FROM PUBLIC;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
GRANT USAGE ON SEQUENCE shop.counter TO PUBLIC;
REVOKE USAGE ON TYPE shop.mood FROM PUBLIC;
GRANT SELECT ON shop.product TO pg_monitor WITH GRANT OPTION;
