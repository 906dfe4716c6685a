"""SQL of every kind goes to the server as it was written, and its errors come back with their place."""

from __future__ import annotations

import pytest

from sql.errors import EXIT_STATEMENT, FilesRefused, StatementFailed


def failure(project, text: str, name: str = "0001_a") -> StatementFailed:
    path = project.write(name, text)
    with pytest.raises(StatementFailed) as caught:
        project.up()
    assert caught.value.path == str(path)
    return caught.value


def test_33_to_38_what_holds_semicolons_or_looks_like_a_parameter_runs_as_written(project):
    project.write(
        "0001_all",
        r"""
        CREATE TABLE t (a$b int, note text);
        DO $body$ BEGIN EXECUTE $$INSERT INTO t VALUES (1, 'x;y');$$; END $body$;  -- 33
        PREPARE add(int) AS INSERT INTO t VALUES ($1, '$1$');
        EXECUTE add(2); DEALLOCATE add;
        INSERT INTO t VALUES (34, E'it\'s;' ), (34, U&'d\0061t;'), (34, 'C:\');
        INSERT INTO t VALUES (34, E'one'
            ' two\';');
        INSERT INTO t /* a; /* b; */ '; */ VALUES (35, '--;/*');  -- it's; nothing
        CREATE FUNCTION atomic(x int) RETURNS text BEGIN ATOMIC
            SELECT 1; SELECT CASE WHEN x > 0 THEN 'plus;' ELSE 'minus' END; END;
        CREATE TABLE log (a int);
        CREATE RULE twice AS ON INSERT TO log DO ALSO (UPDATE t SET note = 'r' WHERE a$b = 37; UPDATE t SET note = 's'
            WHERE a$b = 37);
        INSERT INTO t VALUES (37, ''); INSERT INTO log VALUES (1);
        INSERT INTO t VALUES (38, '%s %(x)s :name {} ? $1' || (7 % 4)::text || ('{"a":1}'::jsonb ? 'a')::text);
        SELECT * FROM t;
        """,
    )
    project.up()
    rows = project.connection.execute("SELECT a$b, note FROM t ORDER BY a$b, note").fetchall()
    assert rows == [
        (1, "x;y"),
        (2, "$1$"),
        (34, "C:\\"),
        (34, "dat;"),
        (34, "it's;"),
        (34, "one two';"),
        (35, "--;/*"),
        (37, "s"),
        (38, "%s %(x)s :name {} ? $13true"),
    ]
    assert project.ask("SELECT atomic(1)") == "plus;"


def test_34_backslashes_keep_their_meaning_where_the_role_says_otherwise(project):
    project.connection.execute("SET standard_conforming_strings = off")
    project.write("0001_a", r"CREATE TABLE t AS SELECT 'C:\' AS a; INSERT INTO t VALUES ('\n');")
    project.up()
    assert project.connection.execute("SELECT length(a) FROM t ORDER BY 1").fetchall() == [(2,), (3,)]


@pytest.mark.parametrize("statement", ["COMMIT", "ROLLBACK", "PREPARE TRANSACTION 'x'"])
def test_39_transaction_control_is_refused_before_anything_runs(project, statement):
    project.write("0001_a", "CREATE TABLE a ();")
    project.write("0002_b", f"CREATE TABLE b ();\n{statement};")
    with pytest.raises(FilesRefused, match=r"0002_b\.sql:2:1: .* in a migration"):
        project.up()
    assert project.ask("SELECT to_regclass('a')") is None


def test_39_transaction_control_inside_a_block_is_the_servers_to_refuse(project):
    assert failure(project, "CREATE TABLE a ();\nDO $$ BEGIN COMMIT; END $$;").sqlstate == "2D000"
    assert project.ask("SELECT to_regclass('a')") is None


def test_39_a_file_that_takes_the_guard_away_is_not_recorded(project):
    error = failure(project, "CREATE TABLE a ();\nRELEASE executor_guard;")
    assert "released the savepoint" in error.message
    assert project.ask("SELECT to_regclass('a')") is None


@pytest.mark.parametrize("text", ["", "-- nothing", ";;", "SELECT 1"])
def test_40_files_with_nothing_in_them_are_applied(project, text):
    project.write("0001_a", text)
    assert project.up().newest == 1


def test_41_a_byte_order_mark_and_windows_line_ends_are_fine(project):
    project.write("0001_a", b"\xef\xbb\xbfCREATE TABLE t AS\r\nSELECT 'a\r\nb' AS a;\r\n")
    project.up()
    assert project.ask("SELECT a FROM t") == "a\nb"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"SELECT '\xff';", "not UTF-8"),  # 42
        (b"SELECT 1;\0", "NUL"),  # 43
        (b"\\restrict abc\nSELECT 1;", "psql"),  # 44
    ],
)
def test_42_to_44_what_no_server_takes_is_refused_with_its_place(project, content, words):
    project.write("0001_a", content)
    with pytest.raises(FilesRefused, match=rf"0001_a\.sql:1:\d+: .*{words}"):
        project.up()


def test_46_a_large_file_is_applied_statement_by_statement(project):
    inserts = "".join(f"INSERT INTO t VALUES ({number});\n" for number in range(10_000))
    project.write("0001_a", "CREATE TABLE t (a int);\n" + inserts)
    project.up()
    assert project.ask("SELECT count(*) FROM t") == 10_000


def test_a_failing_statement_is_told_with_its_place_and_what_stands(project):
    project.write("0001_a", "CREATE TABLE orders (total int);")
    error = failure(project, "CREATE TABLE b ();\n-- é\nUPDATE orders\n  SET total = totl * 1.2;\n", "0002_b")
    path = project.folder / "0002_b.sql"
    assert error.message.splitlines() == [
        f'{path}:4:15: column "totl" does not exist [42703]',
        "    3 | UPDATE orders",
        "    4 |   SET total = totl * 1.2;",
        'hint (server): Perhaps you meant to reference the column "orders.total".',
    ]
    assert error.hint == "0002_b was rolled back, 0001 is the last applied; mend the file and run it again"
    assert (error.line, error.column, error.sqlstate, error.kept) == (4, 15, "42703", 1)
    assert error.exit_code == EXIT_STATEMENT
    assert project.versions() == [1]
    assert project.ask("SELECT to_regclass('b')") is None


def test_a_constraint_without_a_position_is_told_with_its_statement(project):
    error = failure(
        project, "CREATE TABLE t (a int PRIMARY KEY);\nINSERT INTO t\nVALUES (1);\n\nINSERT INTO t VALUES (1);"
    )
    assert (error.line, error.column, error.sqlstate) == (5, 1, "23505")
    assert "detail (server): Key (a)=(1) already exists." in error.message


def test_50_an_error_in_a_do_block_is_told_with_its_line_in_the_file(project):
    error = failure(project, "SELECT 1;\nDO LANGUAGE plpgsql\n$x$\nBEGIN\n  PERFORM 1;\n  PERFORM 1 / 0;\nEND\n$x$;")
    assert (error.line, error.sqlstate) == (6, "22012")
    assert "    6 |   PERFORM 1 / 0;" in error.message


def test_50_so_is_one_whose_body_begins_on_the_line_of_its_quote(project):
    assert failure(project, "SELECT 1;\n\nDO $$BEGIN\n  RAISE 'no';\nEND$$;").line == 4


def test_50_a_syntax_error_in_a_do_block_has_its_place_too(project):
    assert failure(project, "SELECT 1;\nDO $$\nBEGIN\n  PERFORM 1 +;\nEND\n$$;").line == 4


def test_51_an_error_inside_a_function_shows_where_it_came_from(project):
    text = "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$BEGIN RETURN 1/0; END$$;\nSELECT f();"
    error = failure(project, text)
    assert error.line == 2
    assert "PL/pgSQL function f() line 1 at RETURN" in error.message


def test_52_characters_of_many_bytes_do_not_move_the_place(project):
    error = failure(project, "-- ö€😀\nSELECT 'ö€😀', nope;")
    assert (error.line, error.column) == (2, 15)
