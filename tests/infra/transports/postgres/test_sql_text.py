"""What is told from the text of a statement."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_infra.transports.postgres import read_sql

COMMENT = "a comment behind a semicolon"
DROP = "DROP"
UNION = "UNION outside a subquery"


@pytest.mark.parametrize(
    ("sql", "suspicions"),
    [
        ("SELECT 1", ()),
        ("SELECT 1;", ()),
        ("SELECT 1; -- done", (COMMENT,)),
        ("SELECT 1;--", (COMMENT,)),
        ("SELECT 1 -- ; -- a remark", ()),
        ("SELECT ';--' AS a", ()),
        ("SELECT $$;--$$ AS a, $x$ DROP $x$ AS b", ()),
        ("SELECT E'\\';--' AS a", ()),
        ('SELECT "DROP" FROM "UNION"', ()),
        ("SELECT dropped FROM t", ()),
        ("drop table t", (DROP,)),
        ("SELECT 1; DROP TABLE t;--", (DROP, COMMENT)),
        ("ALTER TABLE t DROP COLUMN a", (DROP,)),
        ("SELECT a FROM t UNION SELECT b FROM u", (UNION,)),
        ("SELECT a FROM (SELECT 1 UNION SELECT 2) AS s", ()),
        ("WITH x AS (SELECT 1 UNION ALL SELECT 2) SELECT * FROM x", ()),
        ("SELECT a FROM t WHERE b = ')' UNION SELECT b FROM u", (UNION,)),
        ("SELECT 1 /* UNION /* DROP */ ; -- */", ()),
        ("SELECT 'open UNION", ()),
    ],
)
def test_suspicions_are_of_the_code_and_not_of_quotes_and_remarks(sql: str, suspicions: tuple[str, ...]) -> None:
    assert read_sql(sql).suspicions == tuple(sorted(suspicions))


@pytest.mark.parametrize(
    ("sql", "keyword"),
    [
        ("  select 1", "select"),
        ("-- a remark\n/* and /* a */ block */ (((Values (1))))", "values"),
        ("", ""),
        (" ; ", ""),
        ("/* never closed", ""),
        ("BEGIN;", "begin"),
    ],
)
def test_the_keyword_is_the_first_word(sql: str, keyword: str) -> None:
    assert read_sql(sql).keyword == keyword


@pytest.mark.parametrize(
    ("sql", "stateless"),
    [
        ("SELECT a, count(*), lower(b) FROM t WHERE c IN (1, 2) AND EXISTS (SELECT 1)", True),
        ("INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = $2", True),
        ('INSERT INTO s."T" (a) VALUES (1)', True),
        ("UPDATE t SET a = coalesce($1, a)", True),
        ("SELECT a::numeric(10, 2), CAST(b AS varchar(3)) FROM t", True),
        ("SELECT set_config('a.b', 'c', false)", False),
        ("SELECT pg_advisory_lock(1)", False),
        ("SELECT pg_advisory_lock /* here */ (1)", False),
        ("SELECT own_function()", False),
        ("SELECT s.lower('a')", False),
        ('SELECT "count"(*) FROM t', False),
        ("SELECT nextval('s')", False),
        ("SET a.b = 'c'", False),
        ("CREATE TEMP TABLE t (a int)", False),
        ("DO $$ BEGIN END $$", False),
        ("EXPLAIN SELECT 1", False),
        ("CALL p()", False),
    ],
)
def test_a_statement_is_stateless_only_where_all_that_it_calls_is_known_to_be(sql: str, stateless: bool) -> None:
    assert read_sql(sql).stateless is stateless


@given(st.text(alphabet=st.sampled_from("aE'\"$x;-/*() \n\\é1"), max_size=40) | st.text(max_size=40))
def test_any_text_can_be_read(sql: str) -> None:
    assert read_sql(sql).suspicions == read_sql(sql).suspicions
