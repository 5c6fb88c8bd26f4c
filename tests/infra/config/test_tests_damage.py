"""Files of contract tests, each entry damaged in every way: refused where the damage is, at once.

What stands in an open mapping (a payload, a body, rows) is the author's own matter: there only what is no YAML is
refused for certain.
"""

import copy
import random
import time
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Final, NamedTuple

import pytest
import yaml
from omnibase_core.contracts.check_tests import LoadedTests, load_tests
from omnibase_core.contracts.load import LoadedContract, load_contract
from omnibase_core.problems import ModelProblem
from omnibase_infra.examples.quickstart import FOLDER as QUICKSTART

from tests.core.contracts.contracts_on_hand import reader_of
from tests.core.contracts.test_check_tests import FILES
from tests.core.contracts.test_mapped_damage import (
    LIMIT_S,
    RAW_KEYS,
    RAW_VALUES,
    REPLACEMENTS,
    Path,
    Raw,
    places,
    value_at,
    written,
)
from tools.reference.refusals import folder_reader

CASES: Final = 500
CONTRACTS: Final = FilePath(__file__).parents[3] / "contracts"
OPEN: Final = frozenset({"metadata", "body", "rows", "headers", "details"})
REQUIRED: Final = frozenset({"tests", "name", "node", "response", "code", "results"})
OPEN_BELOW: Final = frozenset({"payload", "payload_includes", "sent", "sent_includes"})

EVERY_FIELD: Final = """
schema_version: "1.0.0"
tests:
  - name: a stored order
    node: store
    operation: db.execute
    payload: {id: 5}
    now: "2026-02-01T00:00:00Z"
    envelope:
      envelope_id: 22222222-2222-4222-8222-222222222222
      correlation_id: 22222222-2222-4222-8222-222222222222
      causation_id: 22222222-2222-4222-8222-222222222222
      source_node: shop
      metadata: {tenant: {name: acme}}
      timestamp: "2026-01-31T23:59:59Z"
      ttl_seconds: 5
    calls:
      - handler: orders_db
        operation: db.execute
        sent_includes: {parameters: [5]}
        answer: {rows: [{version: 1}], row_count: 1}
    response: {payload_includes: {version: 1}}
  - name: a page
    node: ask
    operation: http.get
    payload: {url: "https://a.example.com/x"}
    calls:
      - sent: {url: "https://a.example.com/x"}
        answer: {status_code: 200, headers: {etag: x}, body_type: text, body: hello}
    response: {payload: {body: hello}}
  - name: a page that does not come
    node: ask
    operation: http.post
    payload: {url: "https://a.example.com/x"}
    calls: [{fails: {code: HANDLER_EXECUTION_ERROR, retryable: true, message: refused, details: {a: 1}}}]
    response: {error: {code: HANDLER_EXECUTION_ERROR, retryable: true, message: refused, details: {a: 1}}}
"""


class Subject(NamedTuple):
    """A good file of one test, and the contract whose node it tests."""

    contract: LoadedContract
    node: str
    value: dict[str, object]


def subjects() -> Iterator[Subject]:
    yield from _each(load_contract("r.yaml", reader_of(FILES), {}), EVERY_FIELD)
    for folder in (QUICKSTART, CONTRACTS / "orders"):
        contract = load_contract("runtime.yaml", folder_reader(folder), None)
        for path in sorted((folder / "tests").glob("*.yaml")):
            yield from _each(contract, path.read_text())


def _each(contract: LoadedContract, text: str) -> Iterator[Subject]:
    file = yaml.safe_load(text)
    for test in file["tests"]:
        yield Subject(contract, test["node"], {**file, "tests": [test]})


def every_place() -> Iterator[tuple[int, Path]]:
    """Each entry of the tests of each node, once."""
    seen = set()
    for number, subject in enumerate(SUBJECTS):
        for path in places(subject.value):
            kind = (subject.node, tuple(part for part in path if isinstance(part, str)))
            if kind not in seen:
                yield number, path
            seen.add(kind)


SUBJECTS: Final = list(subjects())
PLACES: Final = list(every_place())


def is_open(path: Path) -> bool:
    """Whether the entry is one that the author names."""
    return not OPEN.isdisjoint(path[:-1]) or not OPEN_BELOW.isdisjoint(path[:-1])


class Damaged(NamedTuple):
    """A damaged file, and the lines of the damaged entry and of what holds it."""

    number: int
    text: str
    entry: int
    holder: int

    def load(self) -> LoadedTests:
        return load_tests("tests/t.yaml", reader_of({"tests/t.yaml": self.text}), SUBJECTS[self.number].contract)

    def is_refused_here(self, problems: tuple[ModelProblem, ...]) -> bool:
        return any(problem.line in (self.entry, self.holder) for problem in problems)


def damaged(number: int, path: Path, entries: list[tuple[object, object]], value: object = None) -> Damaged:
    whole = SUBJECTS[number].value if value is None else value
    lines, entry, holder = written(whole, path, entries)  # type: ignore[arg-type]  # a key may be raw text
    return Damaged(number, "\n".join(lines), entry, holder)


def checked(case: Damaged) -> tuple[ModelProblem, ...]:
    """The errors of a damaged file, each with a place and a way out; the answer comes at once."""
    began = time.process_time()
    loaded = case.load()
    took_s = time.process_time() - began
    if took_s >= LIMIT_S:  # the collector may have gone through all that the test run holds
        began = time.process_time()
        case.load()
        took_s = time.process_time() - began
    assert took_s < LIMIT_S
    errors = tuple(problem for problem in loaded.problems if problem.severity == "error")
    assert bool(loaded.tests) is not bool(errors)
    for problem in loaded.problems:
        assert problem.action
        assert f"{problem.message}{problem.hint}{problem.action}".isprintable()
        assert len(problem.message) < 1_000
        assert problem.file == "tests/t.yaml"
        assert 1 <= (problem.line or 1) <= case.text.count("\n") + 2
    return errors


def test_the_files_are_good_before_they_are_damaged() -> None:
    for number in range(len(SUBJECTS)):
        assert checked(damaged(number, (), [])) == ()


@pytest.mark.parametrize(("number", "path"), PLACES, ids=str)
class TestAnEntry:
    def test_twice_is_refused_at_the_second(self, number: int, path: Path) -> None:
        here = value_at(SUBJECTS[number].value, path)
        case = damaged(number, path, [(path[-1], here), (path[-1], here)])
        errors = checked(case)
        assert any(p.message.startswith("Duplicate key") and p.line == case.entry for p in errors)

    def test_renamed_is_refused_at_its_line(self, number: int, path: Path) -> None:
        case = damaged(number, path, [(f"{path[-1]}_", value_at(SUBJECTS[number].value, path))])
        errors = checked(case)
        assert is_open(path) or case.is_refused_here(errors)

    def test_left_out_is_refused_at_what_held_it_where_it_is_required(self, number: int, path: Path) -> None:
        case = damaged(number, path, [])
        errors = checked(case)
        if path[-1] in REQUIRED and not is_open(path):
            assert case.is_refused_here(errors)
        elif errors:
            assert case.is_refused_here(errors) or any(f"'{path[-1]}'" in (p.action or "") for p in errors)

    def test_of_another_type_is_refused_at_its_line(self, number: int, path: Path) -> None:
        here = value_at(SUBJECTS[number].value, path)
        for replacement in REPLACEMENTS:
            case = damaged(number, path, [(path[-1], replacement)])
            errors = checked(case)
            is_same = isinstance(replacement, type(here) | None) or (here == 5 and replacement in (7, 1.5))
            if not is_same and not is_open(path) and path[-1] != "body":
                assert any(p.line in (case.entry, case.entry + 1) for p in errors), replacement


def test_what_yaml_can_say_and_no_json_is_refused_or_fine_and_never_raises() -> None:
    chance = random.Random(20_262)  # noqa: S311 - a repeatable sequence is the point
    for _ in range(CASES):
        number, path = chance.choice(PLACES)
        value = copy.deepcopy(SUBJECTS[number].value)
        raw, key = Raw(chance.choice(RAW_VALUES)), Raw(chance.choice(RAW_KEYS))
        entry = chance.choice([(path[-1], raw), (key, value_at(value, path))])
        checked(damaged(number, path, [entry], value))
