"""Generated expressions and documents, of the part of the language that the library shares."""

from hypothesis import strategies as st

NAMES = ("a", "b", "c")

_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from(["", "a", "b", "1", "abc"]),
    st.sampled_from([0.5, 1.0, -2.25]),
)


def documents() -> st.SearchStrategy[object]:
    """JSON whose keys are those that expressions ask for."""
    return st.recursive(
        _LEAVES,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
        ),
        max_leaves=14,
    )


_LITERALS = st.sampled_from(
    ["`1`", "`0`", "`true`", "`false`", "`null`", "'a'", "''", "`[]`", "`{}`", "`[1, 2]`", "`2.5`"]
)
_NAME = st.sampled_from(NAMES)
_INDEX = st.sampled_from(
    ["[0]", "[-1]", "[1]", "[*]", "[]", "[1:]", "[::-1]", "[:2]", ".*", "[?a]", "[?@ == `1`]", "[?b == 'a']"]
)
_FUNCTIONS = st.sampled_from(
    [
        "length",
        "type",
        "keys",
        "values",
        "to_array",
        "not_null",
        "reverse",
        "sort",
        "abs",
        "max",
        "min",
        "sum",
        "floor",
        "ceil",
        "to_number",
        "avg",
    ]
)
_BY = st.sampled_from(["sort_by", "max_by", "min_by"])
_COMPARATOR = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def expressions() -> st.SearchStrategy[str]:
    """Expressions; most of them have a value for most documents."""
    return st.recursive(st.one_of(_NAME, _NAME, st.just("@"), _LITERALS), _larger, max_leaves=6)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, _NAME).map(lambda p: f"({p[0]}).{p[1]}"),
        st.tuples(inner, _INDEX).map(lambda p: f"({p[0]}){p[1]}" if p[1][0] == "." else f"({p[0]}) | @{p[1]}"),
        st.tuples(_NAME, _INDEX, _NAME).map(lambda p: f"{p[0]}{p[1]}.{p[2]}"),
        st.tuples(_NAME, _INDEX, _INDEX).map(lambda p: f"{p[0]}{p[1]}{p[2]}"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}) | ({p[1]})"),
        st.tuples(inner, inner, st.sampled_from(["||", "&&"])).map(lambda p: f"({p[0]}) {p[2]} ({p[1]})"),
        inner.map(lambda e: f"!({e})"),
        st.tuples(inner, inner, _COMPARATOR).map(lambda p: f"({p[0]}) {p[2]} ({p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"[{p[0]}, {p[1]}]"),
        st.tuples(inner, inner).map(lambda p: f"{{a: {p[0]}, b: {p[1]}}}"),
        st.tuples(inner, inner).map(lambda p: f"@.{{a: {p[0]}, c: {p[1]}}}"),
        st.tuples(_FUNCTIONS, inner).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(_BY, inner, inner).map(lambda p: f"{p[0]}({p[1]}, &{p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"map(&{p[0]}, {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"contains({p[0]}, {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"join({p[0]}, {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"merge({p[0]}, {p[1]})"),
        inner.map(lambda e: f"to_string({e})"),
    )
