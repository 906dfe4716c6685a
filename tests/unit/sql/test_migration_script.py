"""The numbers are those of the list of cases that the toolkit was specified with."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sql import script
from sql.tokens import BadScript, Kind, lex


def cut(text: str) -> list[str]:
    return [statement.sql for statement in script.parse(text).statements]


def fault(text: str) -> BadScript:
    with pytest.raises(BadScript) as caught:
        script.parse(text)
    return caught.value


class TestStatements:
    """33 to 41: whatever may hold a semicolon."""

    @pytest.mark.parametrize(
        "statement",
        [
            "DO $$ BEGIN PERFORM 1; END $$",
            "DO $body$ BEGIN EXECUTE $$ SELECT 1; $$; END $body$",
            "SELECT $a$ $b$ ; $b$ $a$",
            "SELECT $é$ ; $é$",
            "PREPARE p AS SELECT $1, $2",
            "SELECT a$b, a$b$c FROM t",
            "SELECT 'a;b', 'it''s; fine'",
            r"SELECT E'it\'s; fine', e'\\'",
            "SELECT E'a'\n  'b\\'; c'",
            "SELECT E'a' '\\', b'1'",
            "SELECT E'a' -- the constant goes on\n  'b\\'; c'",
            r"SELECT 'C:\', 'D:\'",
            r"SELECT U&'d\0061t;a', U&\"a;b\", x'1F', B'01', n';'".replace('\\"', '"'),
            'SELECT 1 AS "a;""b"',
            "SELECT 1 /* a; /* b; */ c; */ + 2",
            "SELECT '--', 1 -- a; comment\n + 2",
            "SELECT '/*', 1",
            "CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO a VALUES (1); INSERT INTO b VALUES (2))",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 ELSE 2 END; END",
            "create or replace procedure p() language sql begin atomic insert into t values (1); end",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT t.end, 1 AS case FROM t; SELECT 2; END",
            "SELECT 100 % 7, '%s %(name)s', ARRAY[1,2][1:2], 'x'::text, '{}'::jsonb ? 'a'",
            "SELECT 1.5e10, .5, 0xFF, 1_000, $1, a.b, a <- b, a<-b, 'a' -- end",
        ],
    )
    def test_a_semicolon_inside_something_ends_nothing(self, statement):
        bare = statement.removesuffix(" -- end")
        assert cut(f"SELECT 0;\n{statement}\n;SELECT 9") == ["SELECT 0", bare, "SELECT 9"]

    @pytest.mark.parametrize("text", ["", " \n\t", ";;", "-- only words", "/* only /* words */ */", " ; -- x\n;"])
    def test_40_a_file_without_statements_has_none(self, text):
        assert cut(text) == []

    def test_40_neither_a_final_semicolon_nor_a_final_line_end_is_needed(self):
        assert cut("SELECT 1;;SELECT 2") == cut("SELECT 1;\nSELECT 2;\n")

    def test_offsets_and_lines_point_at_the_first_word_of_a_statement(self):
        text = "-- é\nSELECT 1;\n\n/* a\nb */ SELECT\n2;"
        first, second = script.parse(text).statements
        assert text[first.offset :].startswith("SELECT 1")
        assert (first.line, second.line) == (2, 5)
        assert script.place(text, second.offset) == (5, 6)

    def test_the_first_words_tell_the_kind_of_a_statement(self):
        (statement,) = script.parse(
            '-- migrate: no-transaction\ncreate unique index concurrently "Select" on t (a)'
        ).statements
        assert statement.words == ("CREATE", "UNIQUE", "INDEX", "CONCURRENTLY", "ON", "T", "A")

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("SELECT 1;\nSELECT 'a", (2, 8)),
            ('SELECT "a', (1, 8)),
            ("SELECT $x$ a $y$", (1, 8)),
            ("/* a /* b */", (1, 1)),
            ("SELECT E'a'\n'b\\'", (2, 1)),
        ],
    )
    def test_a_quote_that_never_ends_is_told_where_it_begins(self, text, place):
        error = fault(text)
        assert "never closed" in error.message
        assert script.place(text, error.offset) == place


class TestRefusals:
    @pytest.mark.parametrize(
        "statement",
        [
            "BEGIN",
            "begin work",
            "START TRANSACTION",
            "COMMIT",
            "COMMIT AND CHAIN",
            "END",
            "ABORT",
            "ROLLBACK",
            "/* x */ rollback",
            "PREPARE TRANSACTION 'x'",
            "COMMIT PREPARED 'x'",
            "ROLLBACK PREPARED 'x'",
        ],
    )
    def test_39_what_would_end_the_transaction_is_refused(self, statement):
        error = fault(f"SELECT 1;\n{statement};")
        assert "transaction of its own" in error.message
        assert script.place(f"SELECT 1;\n{statement};", error.offset)[0] == 2

    @pytest.mark.parametrize("statement", ["SAVEPOINT a", "ROLLBACK TO a", "ROLLBACK WORK TO SAVEPOINT a", "RELEASE a"])
    def test_39_savepoints_are_allowed(self, statement):
        assert cut(statement) == [statement]

    @pytest.mark.parametrize("line", [r"\restrict abc", r"\connect x", r"\i other.sql", r"SELECT 1 \gset"])
    def test_44_commands_of_psql_are_refused(self, line):
        assert "psql" in fault(f"SELECT 0;\n{line}\n").message

    def test_44_a_backslash_inside_quotes_is_no_command(self):
        assert cut("SELECT '\n\\connect x\n'") == ["SELECT '\n\\connect x\n'"]

    @pytest.mark.parametrize("text", ["COPY t (a) FROM stdin;\nit's\n\\.\n", "copy t to STDOUT;"])
    def test_45_copy_with_the_client_is_refused_before_its_data_is_read(self, text):
        assert fault(text).message.startswith("COPY from or to the client")

    def test_45_copy_with_a_file_of_the_server_is_allowed(self):
        assert len(cut("COPY (SELECT 'from stdin') TO '/tmp/x'")) == 1

    def test_34_backslashes_keep_their_meaning(self):
        assert "standard_conforming_strings" in fault("SET LOCAL standard_conforming_strings = off").message
        assert cut("SET standard_conforming_strings = on")

    def test_files_stay_utf_8(self):
        assert "UTF-8" in fault("SET client_encoding = 'LATIN1'").message
        assert cut("SET client_encoding = 'UTF8'")


class TestDirectives:
    def test_bounds_are_read(self):
        bounds = script.parse("-- migrate: lock-timeout=250ms retries=2\n--migrate:statement-timeout=10min\n").bounds
        assert bounds == script.Bounds(timedelta(milliseconds=250), timedelta(minutes=10), 2)

    def test_a_bare_number_is_milliseconds_as_in_postgresql(self):
        assert script.parse("-- migrate: lock-timeout=0 statement-timeout=1500").bounds == script.Bounds(
            timedelta(0), timedelta(milliseconds=1500), 5
        )

    @pytest.mark.parametrize(
        ("directive", "words"),
        [
            ("no-transactions", "unknown directive 'no-transactions'"),
            ("Down", "unknown directive 'Down'"),
            ("lock-timeout", "expected a duration"),
            ("lock-timeout=5 s", "expected a duration"),
            ("lock-timeout=5sec", "expected a duration"),
            ("retries=many", "expected a number"),
            ("", "empty directive"),
        ],
    )
    def test_a_directive_that_is_not_understood_is_an_error(self, directive, words):
        if directive == "lock-timeout=5 s":
            words = "unknown directive 's'"
        assert words in fault(f"SELECT 1;\n-- migrate: {directive}\n").message

    def test_a_directive_inside_quotes_is_text(self):
        text = "SELECT '\n-- migrate: down\n', $$\n-- migrate: nonsense\n$$"
        assert cut(text) == [text]

    def test_the_down_part_is_apart(self):
        parsed = script.parse("CREATE TABLE t ()\n-- migrate: down\nDROP TABLE t;\n")
        assert [statement.sql for statement in parsed.statements] == ["CREATE TABLE t ()"]
        assert parsed.up == "CREATE TABLE t ()\n"
        assert parsed.down == "\nDROP TABLE t;\n"

    def test_the_down_part_is_checked_like_the_rest(self):
        assert "COMMIT" in fault("SELECT 1;\n-- migrate: down\nCOMMIT;").message
        assert "above the down part" in fault("-- migrate: down\n-- migrate: retries=1\n").message
        assert "above the down part" in fault("-- migrate: down\n-- migrate: down\n").message


class TestChecksum:
    BASE = "CREATE TABLE t (a int, b text DEFAULT 'x  y');\nSELECT $$ a  b $$;\n"

    @pytest.mark.parametrize(
        "same",
        [
            "-- Copyright\n" + BASE,
            BASE.replace("(a int, b", "(\n    a  int ,\n\tb /* the b */"),
            BASE.replace("SELECT", "select").replace("CREATE", "create"),
            BASE.rstrip().rstrip(";"),
            BASE.replace(";", ";;"),
            BASE + "-- migrate: down\nDROP TABLE t;",
            "-- migrate: retries=3\n" + BASE,
        ],
    )
    def test_18_what_does_not_change_the_meaning_keeps_it(self, same):
        assert script.checksum(same) == script.checksum(self.BASE)

    @pytest.mark.parametrize(
        "other",
        [
            BASE.replace("int", "bigint"),
            BASE.replace("x  y", "x y"),
            BASE.replace(" a  b ", " a b "),
            BASE.replace("'x  y'", "'X  y'"),
            BASE.replace("b text", '"b" text'),
            BASE.replace("DEFAULT", "; DEFAULT"),
            BASE.replace("SELECT", "SELECT -"),
            BASE.replace("SELECT", "SELECT ;"),
        ],
    )
    def test_19_any_other_edit_changes_it(self, other):
        assert script.checksum(other) != script.checksum(self.BASE)

    def test_operators_are_cut_as_the_server_cuts_them(self):
        assert script.checksum("SELECT a=-1") == script.checksum("SELECT a = -1")
        assert script.checksum("SELECT a<-1") == script.checksum("SELECT a < - 1")
        assert script.checksum("SELECT a@-1") != script.checksum("SELECT a @ -1")
        assert script.checksum("SELECT a||b") == script.checksum("SELECT a || b")
        assert script.checksum("SELECT a::int") != script.checksum("SELECT a: :int")


WORDS = st.from_regex(r"[a-z_][a-z0-9_$]{0,6}", fullmatch=True).filter(
    lambda word: (
        word not in {"begin", "start", "commit", "end", "abort", "rollback", "prepare", "copy", "set", "atomic"}
    )
)
INNER = st.text(alphabet="ab ;'\"$-/*%:\\\né", max_size=12)
# A string right after another is only a syntax error, or one constant if a line ends between them.
QUOTED = st.one_of(
    INNER.map(lambda inner: "'" + inner.replace("'", "''") + "' ,"),
    INNER.map(lambda inner: "E'" + inner.replace("\\", "\\\\").replace("'", "\\'") + "' ,"),
    INNER.map(lambda inner: '"' + inner.replace('"', '""') + '"'),
    INNER.filter(lambda inner: "$t$" not in inner + "$").map(lambda inner: f"$t${inner}$t$"),
    INNER.filter(lambda inner: "$$" not in inner + "$").map(lambda inner: f"$${inner}$$"),
)
PLAIN = st.sampled_from(["=", "<>", "::", ",", "->>", "1", "2.5", ".5", "$1", "%", ":", "?", "[", "]", "."])
PARENS = st.lists(st.one_of(WORDS, QUOTED, st.just(";")), max_size=4).map(lambda inner: "( " + " ".join(inner) + " )")
TOKENS = st.tuples(WORDS, st.lists(st.one_of(WORDS, QUOTED, PLAIN, PARENS), max_size=6)).map(
    lambda pair: [pair[0], *pair[1]]
)
FILES = st.lists(TOKENS, max_size=5)
GAPS = st.sampled_from(
    [" ", "\n", "\t \n", " /* ; ' */ ", " /* a /* b */ c */\n", " -- it's; $$\n", "\n\n-- x\n", "\f"]
)


@settings(derandomize=True)
@given(FILES)
def test_81_splitting_joined_statements_gives_them_back(file):
    statements = [" ".join(tokens) for tokens in file]
    assert cut(";\n".join(statements)) == statements


@settings(derandomize=True)
@given(st.text(alphabet="aeEuU&xb$1.;'\"()-/*\\ \n\t\r=+@é:_%\u00a0", max_size=40))
def test_81_tokens_lose_nothing_and_neither_do_statements(text):
    tokens = []
    try:
        tokens.extend(lex(text))
    except BadScript:
        return
    assert "".join(token.text for token in tokens) == text
    try:
        statements = script.parse(text).statements
    except BadScript:
        return
    position = 0
    for statement in statements:
        assert text[statement.offset :].startswith(statement.sql)
        assert statement.line == script.place(text, statement.offset)[0]
        assert is_filling(text[position : statement.offset])
        position = statement.offset + len(statement.sql)
    assert is_filling(text[position:])


def is_filling(text: str) -> bool:
    return all(token.kind in (Kind.BLANK, Kind.COMMENT) or token.text == ";" for token in lex(text))


@settings(derandomize=True)
@given(FILES, st.data())
def test_82_the_checksum_does_not_see_blanks_comments_and_line_ends(file, data):
    plain = ";\n".join(" ".join(tokens) for tokens in file)
    dressed = ";".join("".join(data.draw(GAPS) + token for token in tokens) + data.draw(GAPS) for tokens in file)
    assert script.checksum(data.draw(GAPS) + dressed) == script.checksum(plain)


@settings(derandomize=True)
@given(FILES.filter(bool), st.data())
def test_82_the_checksum_sees_every_token(file, data):
    index = data.draw(st.integers(0, len(file) - 1))
    place = data.draw(st.integers(0, len(file[index]) - 1))
    changed = [list(tokens) for tokens in file]
    changed[index][place] += " changed"
    before, after = (";\n".join(" ".join(tokens) for tokens in version) for version in (file, changed))
    assert script.checksum(before) != script.checksum(after)


def test_46_a_large_file_is_read_in_one_pass():
    statements = script.parse("INSERT INTO t (a, b) VALUES (1, 'x;y');\n" * 20_000).statements
    assert len(statements) == 20_000
    assert statements[-1].line == 20_000
