"""Templates: what is literal stays so, what is an expression keeps its type, and where a text ends."""

from decimal import Decimal
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from omnibase_core.contracts.requests import RequestCompiler
from omnibase_core.mapping.compiler import Expression, TemplateCompiler, split_text
from omnibase_core.mapping.faults import EvaluationError
from omnibase_core.mapping.static import ANY, record

from tests.core.mapping.language import RefusedError, compiled, render

_JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(), st.floats(allow_nan=False, allow_infinity=False)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


def has_opening(value: object) -> bool:
    """Whether any text or key in a value starts an expression."""
    return "${{" in str(value)


@given(_JSON)
def test_what_has_no_opening_is_unchanged(value: object) -> None:
    assume(not has_opening(value))
    assert render(value, {}) == value


@given(_JSON)
def test_a_text_that_is_one_expression_keeps_the_values_type(value: object) -> None:
    made = render({"a": "${{ input }}", "b": ["  ${{ input }}\n"]}, {"input": value})
    assert made == {"a": value, "b": [value]}


@given(st.text(), st.text())
def test_a_value_inside_a_text_is_inserted_as_it_is(before: str, value: str) -> None:
    assume(not has_opening(before))
    assert render(f"x{before}${{{{ input }}}}", {"input": value}) == f"x{before}{value}"


@given(st.text())
def test_any_text_is_a_template_or_a_refusal(text: str) -> None:
    compiler = TemplateCompiler(record({"input": ANY}))
    compiler.compile(text.replace("$", "${{"), ())
    assert all(fault.message and fault.hint and fault.at <= len(text) * 3 for _, fault in compiler.faults)


_PARTS = st.lists(
    st.sampled_from(
        ["a", " ", "}", "}}", "{", "'}}'", "'${{'", '"}}"', "`{}`", "{a: {b: `1`}}", "${{ `1` }}", "\n"]
    ),
    max_size=6,
).map("".join)


@given(_PARTS)
def test_parts_put_together_are_the_text(text: str) -> None:
    try:
        parts = split_text(text)
    except ValueError:
        return
    assert "".join(f"${{{{{p.source}}}}}" if isinstance(p, Expression) else p for p in parts) == text
    assert all(text[p.at : p.at + len(p.source)] == p.source for p in parts if isinstance(p, Expression))


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("${{ '${{' }}", "${{"),
        ("a ${{ '${{' }} b", "a ${{ b"),
        ("a }} b", "a }} b"),
        ("${ input }", "${ input }"),
        ("{{ input }}", "{{ input }}"),
        ("${{ {a: {b: `1`}} }}", {"a": {"b": 1}}),
        ("${{'}}'}}", "}}"),
        ("${{ input }}${{ input }}", "xx"),
        ("${{ `1` }}", 1),
        (" ${{ `1` }} ", 1),
        ("n=${{ `1` }}", "n=1"),
        ("n=${{ `1.50` }}", "n=1.50"),
        ("n=${{ `1e3` }}", "n=1000"),
        ("b=${{ `true` }}", "b=true"),
    ],
)
def test_a_template(template: str, value: object) -> None:
    assert render(template, {"input": "x"}) == value


@pytest.mark.parametrize("value", [None, [1], {"a": 1}])
def test_null_lists_and_objects_have_no_place_inside_a_text(value: object) -> None:
    with pytest.raises(EvaluationError, match="cannot stand inside a text"):
        render("a ${{ input }}", {"input": value})


@pytest.mark.parametrize("expression", ["`null`", "`[]`", "{a: `1`}"])
def test_where_that_is_known_before_it_is_refused(expression: str) -> None:
    with pytest.raises(RefusedError, match="cannot stand inside a text"):
        compiled(f"a ${{{{ {expression} }}}}", record({}))


def test_omit_drops_the_key_that_holds_it_and_nothing_else() -> None:
    template = {
        "a": "${{ if(input, omit(), `1`) }}",
        "b": {"c": "${{ omit() }}"},
        "d": "${{ {e: omit(), f: `2`} }}",
    }
    assert render(template, {"input": True}) == {"b": {}, "d": {"f": 2}}
    assert render(template, {"input": False}) == {"a": 1, "b": {}, "d": {"f": 2}}


def url_of(value: object) -> str:
    """A url with one value in it."""
    compiler = RequestCompiler(record({"input": ANY}), "http.get")
    template = compiler.compile({"url": "https://api.example.com/a/${{ input }}/b"}, ())
    assert compiler.faults == []
    made = template.render({"input": value})
    assert isinstance(made, dict)
    return str(made["url"])


@given(st.text(min_size=1))
def test_nothing_leaves_its_segment_of_a_url(value: str) -> None:
    assume(value not in (".", ".."))
    try:
        value.encode()
    except UnicodeEncodeError:
        with pytest.raises(EvaluationError):
            url_of(value)
        return
    split = urlsplit(url_of(value))
    assert (split.scheme, split.netloc, split.query, split.fragment) == ("https", "api.example.com", "", "")
    assert split.path.startswith("/a/")
    assert split.path.endswith("/b")
    assert split.path.count("/") == 3
    assert unquote(split.path.split("/")[2]) == value


@pytest.mark.parametrize("value", [None, "", ".", "..", [], {}])
def test_what_is_no_segment_of_a_url(value: object) -> None:
    with pytest.raises(EvaluationError):
        url_of(value)


@pytest.mark.parametrize(
    ("value", "segment"),
    [(5, "5"), (Decimal("1.50"), "1.50"), (True, "true"), ("a/../b", "a%2F..%2Fb"), ("é", "%C3%A9")],
)
def test_a_segment_of_a_url(value: object, segment: str) -> None:
    assert url_of(value) == f"https://api.example.com/a/{segment}/b"
