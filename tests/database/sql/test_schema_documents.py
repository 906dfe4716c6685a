"""Pages, diagrams and words about a schema."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import psycopg
import pytest
from markdown_it import MarkdownIt

from sql import catalogue
from sql.catalogue import dot, html, markdown, mermaid

RICH = (Path(__file__).parent / "rich_schema.sql").read_text(encoding="utf-8")
PLAIN = {"h1", "h2", "h3", "p", "pre", "code", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "a"}
HOSTILE = """
CREATE TABLE "<script>alert(1)</script>" ("a|b" integer DEFAULT 1, "`c`" text, "]] -> [" text PRIMARY KEY);
COMMENT ON TABLE "<script>alert(1)</script>" IS
    '<img src=x onerror=alert(1)> | **bold** [link](http://x) "quoted" \\ end';
COMMENT ON COLUMN "<script>alert(1)</script>"."a|b" IS E'two\\nlines | "and" <b>more</b>';
CREATE TABLE "%" (id integer REFERENCES "%", "]] -> [" text REFERENCES "<script>alert(1)</script>", PRIMARY KEY (id));
"""


@pytest.fixture
def hostile(database):
    with psycopg.connect(database) as connection:
        connection.execute(HOSTILE.replace('id integer REFERENCES "%", ', "id integer, "))
        connection.execute("COMMENT ON SCHEMA public IS 'x'")
        yield catalogue.read(connection)


@pytest.fixture
def rich(database):
    with psycopg.connect(database) as connection:
        connection.execute(RICH)
        yield catalogue.read(connection)


def test_the_page_shows_tables_with_columns_keys_and_who_refers_to_them(rich):
    page = markdown.text(rich, title="The shop")
    assert page.startswith("# The shop\n\n```mermaid\nerDiagram\n")
    assert "### shop.customer\n\nWho buys\n\n| column | type | null | default | |\n|---|---|---|---|---|\n" in page
    assert '| `"Full Name"` | `text` | | | As on the letter \\| with a pipe |\n' in page
    assert "- `email_once`: `UNIQUE (email) DEFERRABLE INITIALLY DEFERRED` (One account each)\n" in page
    assert '- referred to by [`shop."order"`](#shop.-order) (order\\_customer\\_id\\_fkey)\n' in page
    assert "- partition `shop.event_2024 FOR VALUES FROM" in page
    assert "```sql\n SELECT c.customer_id,\n" in page


def test_links_in_the_page_lead_to_their_headings(rich):
    page = markdown.text(rich)
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= set(re.findall(r'<a id="([^"]+)"', page))
    shown = html.text(rich)
    assert set(re.findall(r'href="#([^"]+)"', shown)) <= set(re.findall(r'id="([^"]+)"', shown))


def test_what_names_and_comments_hold_stays_text_in_markdown(hostile):
    page = markdown.text(hostile)
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(page)
    assert set(re.findall(r"<(\w+)", shown)) <= PLAIN
    assert "onerror" not in "".join(re.findall(r"<[^>]*>", shown))
    assert "two lines | &quot;and&quot; &lt;b&gt;more&lt;/b&gt;" in shown


def test_what_names_and_comments_hold_stays_text_in_html(hostile):
    found = set()

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.add(tag)
            assert not [name for name, _ in attrs if name.startswith("on") or name == "src"]

    Tags().feed(html.text(hostile, title="<i>"))
    assert not found & {"script", "img", "b", "i"}


def test_the_html_page_loads_nothing(rich):
    assert not re.search(r"https?://|<script|<link|@import|url\(", html.text(rich))


def test_the_diagram_has_an_entity_a_table_and_a_line_a_foreign_key(rich, hostile):
    drawn = mermaid.text(rich)
    assert '    "shop.product" |o--o{ "shop.event" : "product_id"\n' in drawn
    assert '        text Full_Name "As on the letter | with a pipe"\n' in drawn
    assert "event_2024" not in drawn
    word, name, said = r"[A-Za-z]\w*", r'"[^"\\%\n]+"', r'"[^"\\%\n]*"'
    column = rf"    {word} {word}( (PK|FK|UK)(, (PK|FK|UK))*)?( {said})?"
    line = rf"{name} (\|\||\|o)--(o\||o{{) {name} : {said}|{name} {{|{column}|}}"
    for row in (mermaid.text(hostile) + drawn).splitlines():
        assert row == "erDiagram" or re.fullmatch(line, row.removeprefix("    "), re.A), row


def test_the_graph_quotes_what_it_names(rich, hostile):
    assert '"shop.\\"order\\"" -> "shop.customer" [label="customer_id"];' in dot.text(rich)
    assert "&lt;script&gt;" in dot.text(hostile)
    assert "<script>" not in re.sub(r'"(\\.|[^"\\])*"', "", dot.text(hostile))


def test_an_empty_schema_is_an_empty_page():
    nothing = catalogue.Catalogue()
    assert markdown.text(nothing) == "# Schema\n"
    assert mermaid.text(nothing) == ""
    assert "<h2" not in html.text(nothing)


def differences(database: str, change: str) -> list[str]:
    with psycopg.connect(database) as connection:
        connection.execute(
            """CREATE TABLE t (id integer PRIMARY KEY, a text DEFAULT 'x' NOT NULL, b integer);
            CREATE INDEX t_b ON t (b);
            CREATE VIEW v AS SELECT id FROM t"""
        )
        before = catalogue.read(connection)
        connection.execute(change)
        return [str(one) for one in catalogue.differences(before, catalogue.read(connection))]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("", []),
        ("ALTER TABLE t ADD y integer", ["column y of public.t is there, and no migration made it"]),
        ("ALTER TABLE t DROP a", ["column a of public.t is missing"]),
        (
            "ALTER TABLE t ALTER b TYPE bigint",
            ["column b of public.t has the type bigint, and should have integer"],
        ),
        (
            "ALTER TABLE t ALTER a DROP DEFAULT, ALTER a DROP NOT NULL",
            [
                "column a of public.t has no default, and should have the default 'x'::text",
                "column a of public.t should be not null",
            ],
        ),
        ("DROP INDEX t_b", ["index t_b of public.t is missing"]),
        (
            "CREATE TABLE u (id integer PRIMARY KEY, n integer UNIQUE)",
            ["table public.u is there, and no migration made it"],
        ),
        ("DROP TABLE t CASCADE", ["table public.t is missing", "view public.v is missing"]),
        (
            "ALTER TABLE t DROP b, ADD b integer, ADD c integer; ALTER TABLE t DROP c; CREATE INDEX t_b ON t (b)",
            [],
        ),
        (
            "ALTER TABLE t DROP a, ADD a text DEFAULT 'x' NOT NULL",
            ["table public.t has its columns in another order: id, b, a"],
        ),
        (
            "GRANT SELECT ON t TO PUBLIC",
            ["right of PUBLIC on table public.t is there, and no migration made it"],
        ),
    ],
)
def test_differences_are_told_in_words(database, change, expected):
    assert differences(database, change) == expected
