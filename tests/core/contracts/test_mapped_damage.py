"""Mapped contracts and config_ref files, each entry damaged in every way: refused where the damage is, at once.

What is damaged in a closed mapping is refused at its own line. In an open one (`let`, headers, a body) it may be
fine, or be missed by others: then whoever misses it is named.
"""

import copy
import json
import random
import time
from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest
import yaml
from omnibase_core.contracts.load import LoadedContract, load_contract
from omnibase_core.problems import ModelProblem

from tests.core.contracts.contracts_on_hand import reader_of
from tests.core.contracts.test_mapping_fuzz import TEXTS

LIMIT_S: Final = 0.5  # of this process; without coverage it is some milliseconds
CASES: Final = 500
Path = tuple[str | int, ...]
REPLACEMENTS: Final = (None, True, 7, -(10**30), 1.5, "text", ["text"], {"text": "text"})
OPEN: Final = frozenset({"let", "headers", "params", "body", "response", "transform", "models", "default"})

HTTP: Final = {
    "allow": ["https://b.example.com"],
    "connect_timeout_ms": 200,
    "headers": {"X-Shop": "b", "Authorization": {"secret_ref": "x/y", "prefix": "Bearer "}},
}
RAW_VALUES: Final = (
    *("2026-01-01", "12:30:45", ".inf", ".nan", "1e999", "0b11", "0x1f", "1_000", "~", "yes", "9" * 400),
    *("!!str 5", '!!int "5"', "!!python/object:os.system x", "!foo bar", "!!binary aGk=", "!!set {a}"),
    *("!!null ''", "&a text", "*nowhere", "&a [*a]", "<<", "{<<: {a: 1}}", "{<<: *x}", '"unclosed', "'unclosed"),
    *("}", "]", "|", ">", "- x", "? x", "@x", "`x`", "%x", '"\\x"', '"\\ud800"', '"\\0"', "a: b: c", "# c"),
    *("[1, 2", "{a: 1", "\ta", "a\tb", "\x07", "\x85", "\u2028", "\ufeff", "\u202ea", "---", "...", "{? a}"),
    *("{[a]: b}", "{{a: b}: c}", "${{ input", '"${{ input.', "'${{ `\"` }}'", "${{ input.x[ }}", "${{ omit() }}"),
    *("${X}", '"${"', "[[]]", "{a: {b: [1]}}", "{secret_ref: {}}", "[" * 60 + "]" * 60, "''", "text", "true", "5"),
)  # fmt: skip
RAW_KEYS: Final = (
    *(
        "? [a]",
        "[a]",
        "{a: b}",
        "1",
        "1.5",
        "null",
        "true",
        "2026-01-01",
        "!!str a",
        "&k a",
        "*k",
        "<<",
        '"\\u0000"',
    ),
    *("\t", '"a', "é", '""', "*", "!", ".nan", "${X}", '"${{ x }}"', "x" * 3_000, "__proto__", "\u202e"),
)


class Raw(NamedTuple):
    """Text that stands in a file as it is."""

    text: str


class Case(NamedTuple):
    """One damaged file among the others, and the lines of the damaged entry and of what holds it."""

    files: dict[str, str]
    file: str
    entry: int
    holder: int
    last: int

    def load(self) -> LoadedContract:
        return load_contract("runtime.yaml", reader_of(self.files), {"X": "1"})

    def is_refused_here(self, problems: tuple[ModelProblem, ...]) -> bool:
        return any(p.file == self.file and p.line in (self.entry, self.holder) for p in problems)


def contracts() -> Iterator[dict[str, object]]:
    for text in TEXTS:
        node = yaml.safe_load(text)
        db = {"type": "db", "config": {"dsn": {"secret_ref": "a/b#c@3"}}}
        http = {"type": "http", "config_ref": "http.yaml", "config": {"base_url": "https://api.example.com"}}
        runtime = {"name": "h", "version": "1", "event_bus": {"kind": "inmemory"}, "handlers": [http, db]}
        yield {
            "runtime.yaml": {"runtime": {**runtime, "nodes": [{"slug": node["name"]}]}},
            f"nodes/{node['name']}.yaml": node,
            "http.yaml": HTTP,
        }


def places(value: object, path: Path = ()) -> Iterator[Path]:
    """The path of each entry of a mapping."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(key, str):
            yield (*path, key)
        yield from places(item, (*path, key))


def written(value: object, path: Path, entries: list[tuple[str, object]]) -> tuple[list[str], int, int]:
    """A value as YAML with `entries` in place of one entry; the lines of the last of them, and of its holder."""
    lines = [""]
    found = [1, 1]

    def write(value: object, here: Path) -> None:
        if isinstance(value, Raw):
            lines[-1] += value.text
        elif isinstance(value, dict):
            lines[-1] += "{"
            opened = len(lines)
            for key, item in value.items():
                is_damaged = (*here, key) == path
                for name, content in entries if is_damaged else [(key, item)]:
                    lines.append(f"{name.text if isinstance(name, Raw) else json.dumps(name)}: ")
                    found[:] = [len(lines), opened] if is_damaged else found
                    write(content, (*here, key, "damaged") if is_damaged else (*here, key))
                    lines[-1] += ","
                found[1] = opened if is_damaged else found[1]
            lines[-1] += "}"
        elif isinstance(value, list):
            lines[-1] += "["
            for index, item in enumerate(value):
                write(item, (*here, index))
                lines[-1] += ","
            lines[-1] += "]"
        else:
            lines[-1] += json.dumps(value)

    write(value, ())
    return lines, found[0], found[1]


def case(contract: dict[str, object], file: str, path: Path, entries: list[tuple[str, object]]) -> Case:
    lines, entry, holder = written(contract[file], path, entries)
    texts = {name: json.dumps(value) for name, value in contract.items()}
    return Case({**texts, file: "\n".join(lines)}, file, entry, holder, len(lines))


CONTRACTS: Final = list(contracts())
PLACES: Final = [
    (number, file, path)
    for number, contract in enumerate(CONTRACTS)
    for file, value in contract.items()
    for path in places(value)
]


def value_at(value: object, path: Path) -> object:
    for part in path:
        value = value[part]  # type: ignore[index]  # the path is one of the value's own
    return value


def checked(damaged: Case) -> tuple[ModelProblem, ...]:
    """The problems of a damaged contract, each with a place and a way out; the answer comes at once."""
    began = time.process_time()
    loaded = damaged.load()
    took_s = time.process_time() - began
    if took_s >= LIMIT_S:  # the collector may have gone through all that the test run holds
        began = time.process_time()
        damaged.load()
        took_s = time.process_time() - began
    assert took_s < LIMIT_S
    errors = [problem for problem in loaded.problems if problem.severity == "error"]
    assert (loaded.runtime is None) == bool(errors)
    for problem in loaded.problems:
        assert problem.action
        assert f"{problem.message}{problem.hint}{problem.action}".isprintable()
        assert len(problem.message) < 1_000
        assert problem.file in damaged.files
        assert problem.file != damaged.file or 1 <= (problem.line or 1) <= damaged.last + 1
    return tuple(errors)


@pytest.mark.parametrize(("number", "file", "path"), PLACES)
class TestAnEntry:
    def test_twice_is_refused_at_the_second(self, number: int, file: str, path: Path) -> None:
        here = value_at(CONTRACTS[number][file], path)
        damaged = case(CONTRACTS[number], file, path, [(str(path[-1]), here), (str(path[-1]), here)])
        errors = checked(damaged)
        assert any(p.message.startswith("Duplicate key") and p.line == damaged.entry for p in errors)

    def test_renamed_is_refused_at_its_line_or_named_by_who_misses_it(
        self, number: int, file: str, path: Path
    ) -> None:
        here = value_at(CONTRACTS[number][file], path)
        damaged = case(CONTRACTS[number], file, path, [(f"{path[-1]}_", here)])
        errors = checked(damaged)
        if OPEN.isdisjoint(path):
            assert damaged.is_refused_here(errors)
        elif errors:
            assert damaged.is_refused_here(errors) or any(f"'{path[-1]}'" in p.message for p in errors)

    def test_left_out_is_fine_or_refused_there_or_named_by_who_misses_it(
        self, number: int, file: str, path: Path
    ) -> None:
        damaged = case(CONTRACTS[number], file, path, [])
        errors = checked(damaged)
        assert not errors or errors[0].line is not None
        if errors and OPEN.isdisjoint(path) and file != "runtime.yaml":
            assert damaged.is_refused_here(errors) or any(str(path[-1]) in p.message for p in errors)

    def test_of_another_type_is_fine_or_refused(self, number: int, file: str, path: Path) -> None:
        here = value_at(CONTRACTS[number][file], path)
        for replacement in REPLACEMENTS:
            damaged = case(CONTRACTS[number], file, path, [(str(path[-1]), replacement)])
            errors = checked(damaged)
            is_structure = isinstance(here, dict | list) and not isinstance(replacement, type(here) | None)
            if is_structure and OPEN.isdisjoint(path):
                assert any(p.file == file and p.line in (damaged.entry, damaged.entry + 1) for p in errors)


def test_what_yaml_can_say_and_no_json_is_refused_or_fine_and_never_raises() -> None:
    chance = random.Random(20_261)  # noqa: S311 - a repeatable sequence is the point
    for _ in range(CASES):
        number, file, path = chance.choice(PLACES)
        contract = copy.deepcopy(CONTRACTS[number])
        here = value_at(contract[file], path)
        value, key = Raw(chance.choice(RAW_VALUES)), Raw(chance.choice(RAW_KEYS))
        entry: tuple[object, object] = chance.choice([(path[-1], value), (key, here)])
        checked(case(contract, file, path, [entry]))  # type: ignore[list-item]  # a key may be raw text
