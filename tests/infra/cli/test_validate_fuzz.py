"""The example contracts with one entry damaged: `validate` refuses each in the right file and line, at once."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from click.testing import CliRunner, Result
from omnibase_core.contracts.findings import value_at
from omnibase_core.contracts.source import YamlValue, parse_yaml
from omnibase_core.problems import ModelProblem
from omnibase_infra.cli.main import onex_host
from omnibase_infra.examples.quickstart import FOLDER as QUICKSTART

from tests.core.contracts.test_contract_fuzz import FILES, REPLACEMENTS, REQUIRED, Place, keys

LIMIT_S: Final = 0.5  # far above what is usual; under coverage everything takes several times as long
CONTRACTS: Final = Path(__file__).parents[3] / "contracts"
Entries = list[tuple[str, YamlValue]]
Damage = Callable[[str, YamlValue], Entries]
Contract = dict[str, YamlValue]


def contract_at(folder: Path) -> Contract:
    """The files of an example as values, the runtime contract first."""
    values: Contract = {}
    for path in (folder / "runtime.yaml", *sorted((folder / "nodes").glob("*.yaml"))):
        document, problems = parse_yaml(path.read_bytes(), str(path))
        assert (document is None, problems) == (False, [])
        assert document is not None
        values[path.relative_to(folder).as_posix()] = document.value
    return values


EXAMPLES: Final[dict[str, Contract]] = {
    "minimal": contract_at(CONTRACTS / "minimal"),
    "quickstart": contract_at(QUICKSTART),
    "every field": dict(FILES),
}
PLACES: Final = [
    (example, Place(file, path))
    for example, files in EXAMPLES.items()
    for file, value in files.items()
    for path in keys(value)
]


class Writing:
    """A value as YAML, each entry of a mapping on a line of its own; what `damage` says at one path."""

    def __init__(self, value: YamlValue, damaged: tuple[str | int, ...], damage: Damage) -> None:
        self.lines = [""]
        self.parent_line = 1
        self.entry_lines: list[int] = []
        self._damaged = damaged
        self._damage = damage
        self._write(value, ())

    @property
    def text(self) -> str:
        """The file."""
        return "\n".join(self.lines)

    def _write(self, value: YamlValue, path: tuple[str | int, ...]) -> None:
        if isinstance(value, dict):
            self._write_entries(value, path)
        elif isinstance(value, list):
            self._add("[")
            for index, item in enumerate(value):
                self._write(item, (*path, index))
                self._add("," if index + 1 < len(value) else "")
            self._add("]")
        else:
            self._add(json.dumps(value))

    def _write_entries(self, value: dict[str, YamlValue], path: tuple[str | int, ...]) -> None:
        self._add("{")
        opened = len(self.lines)
        for key, item in value.items():
            is_damaged = (*path, key) == self._damaged
            if is_damaged:
                self.parent_line = opened
            for name, content in self._damage(key, item) if is_damaged else [(key, item)]:
                self.lines.append(f"{json.dumps(name)}: ")
                if is_damaged:
                    self.entry_lines.append(len(self.lines))
                self._write(content, (*path, key, "damaged") if is_damaged else (*path, key))
                self._add(",")
        self._add("}")

    def _add(self, text: str) -> None:
        self.lines[-1] += text


class Validated(NamedTuple):
    """What the command said of a damaged contract."""

    code: int
    problems: list[ModelProblem]
    writing: Writing
    file: str

    def is_refused_at(self, line: int) -> bool:
        """Whether an error is at this line of the damaged file, or about all of it: it is no contract any more."""
        places = {(problem.file, problem.line) for problem in self.problems if problem.severity == "error"}
        return self.code == 1 and bool({(self.file, line), (self.file, None)} & places)


def timed(path: str) -> tuple[Result, float]:
    """The command's end, and the seconds of processor time that it took."""
    began = time.process_time()
    ended = CliRunner().invoke(onex_host, ["validate", "--no-env", "--format", "json", path])
    return ended, time.process_time() - began


def validated(example: str, place: Place, damage: Damage, folder: Path) -> Validated:
    """Runs the command on the contract with one entry damaged. It answers at once, without a defect."""
    damaged = None
    for file, value in EXAMPLES[example].items():
        writing = Writing(value, place.path if file == place.file else (), damage)
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(writing.text)
        damaged = writing if file == place.file else damaged
    assert damaged is not None
    ended, took_s = timed(str(folder / "runtime.yaml"))
    if took_s >= LIMIT_S:  # the collector may have gone through all that the test run holds
        ended, took_s = timed(str(folder / "runtime.yaml"))
    assert took_s < LIMIT_S
    assert ended.stderr == ""
    problems = [ModelProblem.model_validate(problem) for problem in json.loads(ended.stdout)]
    assert ended.exit_code == int(any(problem.severity == "error" for problem in problems))
    return Validated(ended.exit_code, problems, damaged, str(folder / place.file))


def retyped(example: str, place: Place) -> Iterator[Damage]:
    """Every value of another type; not for a default, whose type is the contract's own matter."""
    here = value_at(EXAMPLES[example][place.file], place.path)
    for replacement in REPLACEMENTS:
        if type(here) is not type(replacement) and place.path[-1] != "default" and not is_good(place, replacement):
            yield partial(_replaced, replacement)


def is_good(place: Place, replacement: YamlValue) -> bool:
    """In a template a literal of the output field's type is as good as an expression."""
    return place.path[-2:] in {("response", "rate"), ("response", "id")} and type(replacement) is int


def _replaced(replacement: YamlValue, key: str, value: YamlValue) -> Entries:
    return [(key, replacement)]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_good_before_it_is_damaged(example: str, tmp_path: Path) -> None:
    _, place = next(one for one in PLACES if one[0] == example)
    assert validated(example, place, lambda key, value: [(key, value)], tmp_path).problems == []


@pytest.mark.parametrize(("example", "place"), PLACES, ids=str)
class TestAnEntry:
    def test_left_out_is_refused_where_it_is_missing(self, example: str, place: Place, tmp_path: Path) -> None:
        ended = validated(example, place, lambda key, value: [], tmp_path)
        required = REQUIRED["runtime.yaml" if place.file == "runtime.yaml" else "nodes/fetch_user.yaml"]
        if place.name in required:
            assert ended.is_refused_at(ended.writing.parent_line)

    def test_renamed_is_refused_at_its_line(self, example: str, place: Place, tmp_path: Path) -> None:
        ended = validated(example, place, lambda key, value: [(f"{key}_", value)], tmp_path)
        assert ended.is_refused_at(ended.writing.entry_lines[0])

    def test_duplicated_is_refused_at_the_second(self, example: str, place: Place, tmp_path: Path) -> None:
        ended = validated(example, place, lambda key, value: [(key, value), (key, value)], tmp_path)
        assert ended.is_refused_at(ended.writing.entry_lines[1])
        assert any(problem.message.startswith("Duplicate key") for problem in ended.problems)

    def test_of_another_type_is_refused_at_its_line(self, example: str, place: Place, tmp_path: Path) -> None:
        for damage in retyped(example, place):
            ended = validated(example, place, damage, tmp_path)
            assert ended.is_refused_at(ended.writing.entry_lines[0])
