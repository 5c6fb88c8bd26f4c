"""What the loader takes of YAML, where it says things stand, and what it refuses."""

import json
import time
from collections.abc import Callable
from typing import Final

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from omnibase_core.contracts import syntax
from omnibase_core.contracts.composer import MAX_DEPTH, MAX_NODES
from omnibase_core.contracts.source import MAX_BYTES, Position, YamlDocument, YamlValue, parse_yaml
from omnibase_core.problems import ModelProblem

CONTRACT: Final = """\
schema_version: "1.0.0"
name: "user_service_effect"
node_type: EFFECT   # or COMPUTE
input_model:
  name: "ModelUserRequest"
  fields: [{name: "user_id", type: "string", required: true}]
io_operations:
  - type: "http"
    operations: ["http.get"]
    let: {id: "${{ input.user_id }}"}
    limits: &limits
      retries: 3
      ratio: 0.5
  - type: "db"
    limits: *limits
"""


def load(text: str | bytes) -> YamlDocument:
    document, problems = parse_yaml(text, "contract.yaml")
    assert problems == []
    assert document is not None
    return document


def value(text: str) -> YamlValue:
    return load(text).value


def problems_of(text: str | bytes) -> list[ModelProblem]:
    return parse_yaml(text, "contract.yaml")[1]


def problem_of(text: str | bytes) -> ModelProblem:
    (problem,) = problems_of(text)
    return problem


def place(problem: ModelProblem) -> tuple[int | None, int | None]:
    return problem.line, problem.column


class TestValues:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("", None),
            ("~", None),
            ("null", None),
            ("Null", None),
            ("NULL", None),
            ("nULL", "nULL"),
            ("true", True),
            ("True", True),
            ("TRUE", True),
            ("false", False),
            ("FALSE", False),
            ("tRUE", "tRUE"),
            ("0", 0),
            ("-0", 0),
            ("12", 12),
            ("+12", 12),
            ("-12", -12),
            ("0o17", 15),
            ("0x1F", 31),
            ("9223372036854775807", 2**63 - 1),
            ("-9223372036854775808", -(2**63)),
            ("1.5", 1.5),
            ("1.", 1.0),
            (".5", 0.5),
            ("1e3", 1000.0),
            ("-1.5E-2", -0.015),
        ],
    )
    def test_core_scalars_have_their_type(self, written: str, meant: YamlValue) -> None:
        loaded = value(f"a: {written}")
        assert loaded == {"a": meant}
        assert isinstance(loaded, dict)
        assert type(loaded["a"]) is type(meant)

    @pytest.mark.parametrize(
        "written",
        [
            "yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "014",
            "-07",
            "00.5",
            "1:30",
            "2026-01-01",
            "1_000",
            "0b1",
            "=",
            "1.0.0",
            "0o9",
            "0x",
            "0xG",
            "--1",
            "+",
            ".",
            "1e",
            "e3",
            "nano",
            "-x",
            "${VARIABLE}",
            "x${{input.id}}",
        ],
    )
    def test_whatever_else_looks_like_a_value_stays_text(self, written: str) -> None:
        assert value(f"a: {written}") == {"a": written}

    @pytest.mark.parametrize("quoted", ['"12"', "'12'", "!!str 12", "|-\n  12", ">-\n  12"])
    def test_quoted_and_block_texts_are_texts(self, quoted: str) -> None:
        assert value(f"a: {quoted}") == {"a": "12"}

    def test_core_tags_that_fit_are_taken(self) -> None:
        assert value("a: !!int '3'\nb: !!float 3\nc: !!map {}\nd: !!seq []\ne: !!null ''\nf: !!bool 'true'") == {
            "a": 3,
            "b": 3.0,
            "c": {},
            "d": [],
            "e": None,
            "f": True,
        }

    def test_an_alias_repeats_the_value_of_its_anchor(self) -> None:
        assert value("a: &x [1, 2]\nb: *x\nc: &y k\n*y : v") == {"a": [1, 2], "b": [1, 2], "c": "k", "k": "v"}

    def test_the_root_may_be_anything(self) -> None:
        assert value("- 1\n- two") == [1, "two"]
        assert value("just text") == "just text"
        assert value("~") is None

    def test_a_byte_order_mark_crlf_and_directives_of_version_1_are_taken(self) -> None:
        assert value("\ufeff%YAML 1.2\r\n---\r\na: 1\r\n...\r\n") == {"a": 1}

    def test_bytes_and_text_are_the_same(self) -> None:
        assert load("a: é\n").value == load("a: é\n".encode()).value == {"a": "é"}

    def test_a_quoted_merge_key_is_a_key_like_any_other(self) -> None:
        assert value('"<<": 1') == {"<<": 1}


class TestPositions:
    document = load(CONTRACT)

    @pytest.mark.parametrize(
        ("path", "of_value", "of_key"),
        [
            ((), (1, 1), (1, 1)),
            (("name",), (2, 7), (2, 1)),
            (("node_type",), (3, 12), (3, 1)),
            (("input_model", "fields", 0, "type"), (6, 36), (6, 30)),
            (("input_model", "fields", 0), (6, 12), (6, 12)),
            (("io_operations", 0, "limits", "ratio"), (13, 14), (13, 7)),
            (("io_operations", 1, "limits"), (15, 13), (15, 5)),
            (("io_operations", 1, "limits", "ratio"), (13, 14), (13, 7)),
        ],
    )
    def test_every_value_and_key_knows_its_place(
        self, path: tuple[str | int, ...], of_value: tuple[int, int], of_key: tuple[int, int]
    ) -> None:
        assert self.document.position(path) == Position(*of_value)
        assert self.document.key_position(path) == Position(*of_key)

    @pytest.mark.parametrize(
        ("path", "nearest"),
        [
            (("missing",), ()),
            (("input_model", "missing", 3), ("input_model",)),
            (("io_operations", 7), ("io_operations",)),
            (("io_operations", -1), ("io_operations",)),
            (("io_operations", "0"), ("io_operations",)),
            (("name", 0), ("name",)),
            ((0,), ()),
        ],
    )
    def test_a_path_that_does_not_exist_falls_back_to_its_nearest_ancestor(
        self, path: tuple[str | int, ...], nearest: tuple[str | int, ...]
    ) -> None:
        assert self.document.position(path) == self.document.position(nearest)
        assert self.document.key_position(path) == self.document.key_position(nearest)

    def test_source_lines_are_given_for_carets(self) -> None:
        assert self.document.line(2) == 'name: "user_service_effect"'
        assert self.document.line(0) == self.document.line(99) == ""


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "at", "message"),
        [
            ("", (1, 1), "The file is empty"),
            ("# a comment only\n", (1, 1), "The file is empty"),
            ("a: 1\n---\nb: 2", (2, 1), "A second document starts here"),
            ("a: 1\nb: 2\na: 3", (3, 1), "Duplicate key 'a'"),
            ('a: 1\n"a": 3', (2, 1), "Duplicate key 'a'"),
            ("x: {y: *b}", (1, 8), "No anchor &b above"),
            ("b: &b {}\nx: {<<: *b}", (2, 5), "Merge keys ('<<') are not supported"),
            ("1: a", (1, 1), "'1' as a key"),
            ("true: a", (1, 1), "'true' as a key"),
            ("~: a", (1, 1), "'~' as a key"),
            ("? [a, b]\n: c", (1, 3), "A list or mapping as a key"),
            (
                "a: !!python/object:os.system ls",
                (1, 4),
                "tag:yaml.org,2002:python/object:os.system is not allowed",
            ),
            ("a: !mine [1]", (1, 4), "The tag !mine is not allowed here"),
            ("a: !!set {x}", (1, 4), "tag:yaml.org,2002:set"),
            ("a: !!seq {}", (1, 4), "tag:yaml.org,2002:seq"),
            ("a: !!int no", (1, 4), "tag:yaml.org,2002:int"),
            ("%TAG !e! tag:example.com,2026:\n---\na: !e!x 1", (1, 1), "A %TAG directive"),
            ("a: .nan", (1, 4), "NaN and infinities are no values"),
            ("a: -.INF", (1, 4), "NaN and infinities are no values"),
            ("a: 1e400", (1, 4), "A number beyond the range of a double"),
            ("a: 9223372036854775808", (1, 4), "An integer beyond 64 bits"),
            ("a: " + "9" * 5000, (1, 4), "An integer beyond 64 bits"),
            ("a: 0x" + "f" * 5000, (1, 4), "An integer beyond 64 bits"),
            ("a: &x [1, *x]", (1, 11), "The alias *x stands inside its own anchor"),
            ("a: &x {b: {c: *x}}", (1, 15), "The alias *x stands inside its own anchor"),
            ("a: x\x00y", (1, 5), "The character U+0000 is not allowed in YAML"),
            ("a: 1\nb: \x1b[31m", (2, 4), "The character U+001B is not allowed in YAML"),
            (b"a: 1\nb: \xff", (2, 4), "The file is not UTF-8"),
            ("a: 1".encode("utf-16"), (1, 1), "The file is not UTF-8"),
            ("a: \ud800", (1, 4), "The file is not UTF-8"),
            ("[" * 100_000, (1, 33), "Nested deeper than 32 levels"),
            ("- " * 100_000, (1, 65), "Nested deeper than 32 levels"),
            ("x" * (MAX_BYTES + 1), (1, 1), "The file is larger than 262144 bytes"),
            ("é" * (MAX_BYTES // 2 + 1), (1, 1), "The file is larger than 262144 bytes"),
        ],
        ids=lambda shown: str(shown)[:40],
    )
    def test_each_says_what_is_wrong_and_where(self, text: str | bytes, at: tuple[int, int], message: str) -> None:
        problem = problem_of(text)
        assert message in problem.message
        assert place(problem) == at
        assert problem.code == "CONTRACT_VALIDATION_ERROR"
        assert problem.file == "contract.yaml"
        assert problem.hint
        assert problem.action

    def test_a_duplicate_key_names_both_places_and_each_one_is_reported(self) -> None:
        document, problems = parse_yaml("a: 1\nb:\n  c: 1\n  c: 2\na: 2\na: 3\n", "f")
        assert [place(p) for p in problems] == [(4, 3), (5, 1), (6, 1)]
        assert problems[1].hint == "It is there already, at line 1, column 1"
        assert document is not None
        assert document.value == {"a": 1, "b": {"c": 1}}

    def test_what_can_still_be_read_is_given_beside_the_problems(self) -> None:
        document, problems = parse_yaml("a: 1\na: .nan\nb: !x y\n3: {c: d}\ne: f", "f")
        assert len(problems) == 4
        assert document is not None
        assert document.value == {"a": 1, "b": "y", "e": "f"}

    def test_a_flood_of_problems_is_cut_and_says_so(self) -> None:
        problems = problems_of("a: 1\n" * 5000)
        assert len(problems) == 101
        assert problems[-1].message == "More problems than are shown"

    def test_foreign_text_in_a_message_is_cut_and_escaped(self) -> None:
        problem = problem_of(f'? "\\e[31m{"x" * 500}"\n: 1\n? "\\e[31m{"x" * 500}"\n: 2')
        assert "\\x1b[31m" in problem.message
        assert len(problem.message) < 120


class TestSyntaxErrors:
    @pytest.mark.parametrize(
        ("text", "at", "message", "hint"),
        [
            ("a: 'x\nb: 1", (1, 4), "The ' is never closed", "closing quote"),
            ('a: "x\n---\n', (1, 4), 'The " is never closed', "closing quote"),
            ("a: [1, 2", (1, 4), "The [ is never closed", "closing ]"),
            ("a: {b: [1}", (1, 10), "The [ of line 1 is not closed", "brackets and commas"),
            ("a: [1\nb: 2", (2, 2), "The [ of line 1 is not closed", "brackets and commas"),
            ("a: b: c", (1, 5), "A second ': '", "Quote a text"),
            ("a:\n\t- b", (2, 1), "A tab where YAML takes spaces only", "spaces"),
            ("a: @b", (1, 4), "A text cannot start with '@' here", "Quote it"),
            ("a: `b`", (1, 4), "A text cannot start with '`' here", "Quote it"),
            ("a: 1\n  b: 2", (2, 4), "A second ': '", "indented"),
            ("a:\n  b: 1\n c: 2", (3, 2), "does not fit the block", "Align"),
            ("a: 'b' c", (1, 8), "does not fit the block", "quote"),
            ("- a\nb: c", (2, 1), "does not fit the list", "equally indented"),
            ("a: 1\nb", (2, 2), "neither `key: value`", "colon"),
            ('a: "\\q"', (1, 5), "An unknown escape", "backslash"),
            ("a: - b", (1, 4), "A list item cannot start here", "own line"),
            ("a: *", (1, 5), "'*' and '&' start an alias and an anchor", "Quote"),
            ("a: | x", (1, 6), "Text on the line of '|'", "next line"),
            ("a: 1\n...\nb", (3, 1), "the document has ended", "indentation"),
            ("a: !e!x 1", (1, 4), "A text cannot start with '!'", "Quote it"),
            ("%YAML 3.0\n---\na: 1", (1, 1), "Invalid YAML", "Quote"),
        ],
    )
    def test_are_told_in_words_for_people(self, text: str, at: tuple[int, int], message: str, hint: str) -> None:
        document, problems = parse_yaml(text, "contract.yaml")
        assert document is None
        assert message in problems[-1].message
        assert hint in (problems[-1].hint or "")
        assert place(problems[-1]) == at

    @pytest.mark.parametrize(
        "text",
        [
            "{url: ${{ input.x }}}",
            "url: [${{ input.x }}]",
            "a: ${{ {b: input.c} }}",
            "a: ${{ concat(x, ' #1') }}",
            "a:\n  b: ${{ if(x, 'a: b', 'c') }}",
        ],
    )
    def test_an_unquoted_expression_that_breaks_the_yaml_says_quote_it(self, text: str) -> None:
        problems = problems_of(text)
        assert problems
        assert all("Quote it" in (p.hint or "") + (p.action or "") for p in problems)

    def test_a_comment_that_cuts_a_text_says_quote_it(self) -> None:
        problem = problem_of("tags: [red #1, blue]\n")
        assert problem.message == "The [ is never closed"
        assert "' #' starts a comment" in (problem.hint or "")

    def test_unquoted_expressions_that_harm_nothing_are_taken(self) -> None:
        assert value("a: ${{ input.x }} # why\nb: x-${{ input.y }}-z") == {
            "a": "${{ input.x }}",
            "b": "x-${{ input.y }}-z",
        }


class TestBounds:
    def test_depth_up_to_the_bound_is_taken(self) -> None:
        assert problems_of("[" * MAX_DEPTH + "]" * MAX_DEPTH) == []
        assert place(problem_of("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))) == (1, MAX_DEPTH + 1)

    def test_an_alias_is_as_deep_as_what_it_stands_for(self) -> None:
        half = MAX_DEPTH // 2
        text = f"a: &a {'[' * half}{']' * half}\nb: {{0}}*a{{1}}\n"
        fits, too_deep = half - 1, half
        assert problems_of(text.format("[" * fits, "]" * fits)) == []
        problem = problem_of(text.format("[" * too_deep, "]" * too_deep))
        assert problem.message == "Nested deeper than 32 levels"
        assert place(problem) == (2, 4 + too_deep)

    def test_nodes_up_to_the_bound_are_taken(self) -> None:
        assert problems_of("- a\n" * (MAX_NODES - 1)) == []
        problem = problem_of("- a\n" * MAX_NODES)
        assert problem.message == "More than 20000 values"
        assert place(problem) == (MAX_NODES, 3)

    def test_an_alias_counts_as_many_as_what_it_stands_for(self) -> None:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
        problem = problem_of("\n".join(lines))
        assert problem.message == "More than 20000 values"
        assert problem.line == 5

    @pytest.mark.parametrize(
        "piece",
        r"""[|{|- |? |: |a: |a: 1~|- a~|'|"|a: "\\"|&a |!|%|%TAG !a! x~|~|#|9|- !x a~|[a: b, |{? a, """
        r"""|---~|...~|- ${{~|a: [ # x~|"a: | "x: """.replace("~", "\n").split("|"),
    )
    def test_nothing_within_the_bound_takes_long(self, piece: str) -> None:
        text = (piece * (MAX_BYTES // len(piece)))[:MAX_BYTES]
        fastest = min(_seconds(lambda: parse_yaml(text, "f")) for _ in range(3))
        assert fastest < 2.0

    def test_numbered_tag_directives_do_not_take_the_square_of_their_number(self) -> None:
        text = "".join(f"%TAG !a{n}! x\n" for n in range(15_000)) + "---\na"
        assert _seconds(lambda: parse_yaml(text, "f")) < 1.0


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _holds(document: YamlDocument | None, problems: list[ModelProblem], length: int) -> None:
    assert document is not None or problems
    for problem in problems:
        assert problem.line is not None
        assert problem.column is not None
        assert 1 <= problem.line <= length + 1
        assert 1 <= problem.column <= length + 1
        assert problem.message
        assert problem.hint
        assert problem.action


_YAML_PIECES = st.sampled_from(
    [
        "a",
        "b: ",
        ": ",
        "- ",
        "\n",
        "\n  ",
        "\n- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "'",
        '"',
        "#",
        " #",
        "&a ",
        "*a",
        "!!str ",
        "!x ",
        "|",
        ">",
        "%",
        "---\n",
        "...\n",
        "? ",
        "~",
        "1",
        ".nan",
        "<<: ",
        "\t",
        "\\",
        "${{ ",
        " }}",
        "\r",
        "\x85",
        "\ufeff",
        "\x00",
        "é",
    ]
)


class TestWithoutTheCParser:
    """PyYAML may have been built without libyaml: slower, and the same."""

    @pytest.fixture(autouse=True)
    def _python_parser(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(yaml, "CBaseLoader", raising=False)

    def test_values_and_places_are_the_same(self) -> None:
        document = load(CONTRACT)
        assert document.value == TestPositions.document.value
        path = ("io_operations", 1, "limits", "ratio")
        assert document.key_position(path) == TestPositions.document.key_position(path)

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            *(
                ("[" * 10_000, 1),
                ("a: 1\na: 2", 2),
                ("a: 'x\nb", 1),
                ("a:\n\t- b", 2),
                ("a: b: c", 1),
                ("a: [1", 1),
            ),
            *(
                ("a: 1\n  b: 2", 2),
                ("a: 'b' c", 1),
                ("a: 1\n...\nb", 3),
                ("{u: ${{ x }}}", 1),
                ("*x", 1),
                ("a: @", 1),
            ),
            ('a: 1\nb: "\\ud800"', 2),
        ],
    )
    def test_refusals_are_of_the_same_line(self, text: str, line: int) -> None:
        assert problem_of(text).line == line

    @given(st.lists(_YAML_PIECES, max_size=20).map("".join))
    def test_no_soup_of_yaml_makes_it_raise(self, text: str) -> None:
        _holds(*parse_yaml(text, "f"), len(text))


def test_an_error_without_a_place_is_put_at_the_beginning() -> None:
    assert syntax.describe(yaml.YAMLError(), "text")[:2] == (1, 1)


class TestAnyInput:
    @given(st.text())
    def test_no_text_makes_it_raise(self, text: str) -> None:
        _holds(*parse_yaml(text, "f"), len(text))

    @given(st.binary())
    def test_no_bytes_make_it_raise(self, data: bytes) -> None:
        _holds(*parse_yaml(data, "f"), len(data))

    @given(st.lists(_YAML_PIECES, max_size=40).map("".join))
    @settings(max_examples=500)
    def test_no_soup_of_yaml_makes_it_raise(self, text: str) -> None:
        _holds(*parse_yaml(text, "f"), len(text))

    @given(
        st.lists(
            st.tuples(st.integers(0, len(CONTRACT)), st.integers(0, 4), _YAML_PIECES), min_size=1, max_size=4
        ),
    )
    @settings(max_examples=500)
    def test_no_broken_contract_makes_it_raise(self, edits: list[tuple[int, int, str]]) -> None:
        text = CONTRACT
        for start, cut, piece in edits:
            text = text[:start] + piece + text[start + cut :]
        document, problems = parse_yaml(text, "f")
        _holds(document, problems, len(text))
        if document is not None:
            self.every_place_exists(document, document.value, ())

    def every_place_exists(self, document: YamlDocument, value: YamlValue, path: tuple[str | int, ...]) -> None:
        key, place = document.key_position(path), document.position(path)
        assert document.line(place.line) or place.column == 1
        assert key.column <= len(document.line(key.line)) + 1
        parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for part, inner in parts:
            self.every_place_exists(document, inner, (*path, part))

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="ascii")),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(st.text(st.characters(codec="ascii")), inner, max_size=4)
            ),
            max_leaves=20,
        )
    )
    def test_what_json_writes_is_read_back_the_same(self, data: YamlValue) -> None:
        document, problems = parse_yaml(json.dumps(data), "f")
        assert problems == []
        assert document is not None
        assert document.value == data

    @given(
        st.text(
            st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\ufffe\uffff")
        )
    )
    def test_what_the_emitter_quotes_is_read_back_as_text(self, text: str) -> None:
        emitted = yaml.safe_dump({"a": text}, default_style='"', allow_unicode=True)
        assert value(emitted) == {"a": text}
