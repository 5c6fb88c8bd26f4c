"""How contract tests went, as people and programs read it. Imported within the command only."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

import click
from omnibase_core.contracts.findings import Section, dotted
from omnibase_core.contracts.source import Path
from pydantic import JsonValue

from omnibase_infra.cli.command import counted
from omnibase_infra.cli.matching import NOTHING, Difference, Given
from omnibase_infra.cli.testing import Mismatch, Outcome
from omnibase_infra.cli.yaml_text import flow, yaml_lines

_LONGEST: Final = 200
_BEFORE: Final = 40
_SHOWN: Final = 20


def line_of(outcome: Outcome) -> str:
    """One test in one line."""
    verdict = click.style("no  ", fg="red", bold=True) if outcome.wrong else click.style("ok  ", fg="green")
    return f"{verdict} {outcome.test.case.node}: {outcome.test.case.name}"


def failure_text(outcome: Outcome) -> str:
    """Everything that is wrong with one test."""
    head = f"{place_of(outcome.test.section, ())} {outcome.test.case.node}: {outcome.test.case.name}"
    lines = [click.style(head, bold=True)]
    for mismatch in outcome.wrong:
        lines.extend(f"  {line}" for line in mismatch_lines(mismatch))
    return "\n".join(lines)


def mismatch_lines(mismatch: Mismatch) -> Iterator[str]:
    """One mismatch: what is wrong, where that was expected, and each difference."""
    yield mismatch.message
    if mismatch.came is not None:
        yield from (f"    {line}" for line in yaml_lines(mismatch.came))
    if not mismatch.found:
        yield f"  {place_of(mismatch.section, mismatch.path)}"
    for difference in mismatch.found[:_SHOWN]:
        place = place_of(mismatch.section, (*mismatch.path, *difference.path))
        yield f"  {_name(difference.path)} ({place})"
        expected, got = _values(difference)
        yield f"    expected: {click.style(expected, fg='green')}"
        yield f"    got:      {click.style(got, fg='red')}"
    if len(mismatch.found) > _SHOWN:
        yield f"  and {counted(len(mismatch.found) - _SHOWN, 'more difference')}"


def summary(outcomes: Sequence[Outcome], files: int) -> str:
    """The last line."""
    failed = sum(bool(outcome.wrong) for outcome in outcomes)
    said = f"{len(outcomes) - failed:,} passed" + (f", {failed:,} failed" if failed else "")
    return f"{counted(len(outcomes), 'test')} in {counted(files, 'file')}: {said}"


def as_json(outcomes: Sequence[Outcome]) -> str:
    """The outcomes as one JSON list."""
    return json.dumps([_json_of(outcome) for outcome in outcomes], ensure_ascii=False, indent=2)


def place_of(section: Section, path: Path) -> str:
    """`tests/orders.yaml:12:9`: where a value of a test stands, or the nearest that holds it."""
    origin = section.origin(path)
    position = origin.file.document.position(origin.path)
    return f"{origin.file.file}:{position.line}:{position.column}"


def _json_of(outcome: Outcome) -> dict[str, JsonValue]:
    origin = outcome.test.section.origin()
    return {
        "file": origin.file.file,
        "line": origin.file.document.position(origin.path).line,
        "node": outcome.test.case.node,
        "name": outcome.test.case.name,
        "passed": not outcome.wrong,
        "seconds": round(outcome.seconds, 6),
        "wrong": [_json_of_mismatch(mismatch) for mismatch in outcome.wrong],
    }


def _json_of_mismatch(mismatch: Mismatch) -> dict[str, JsonValue]:
    found: list[JsonValue] = []
    for difference in mismatch.found:
        sides = {"expected": difference.expected, "got": difference.got}
        values: dict[str, JsonValue] = {name: value for name, value in sides.items() if value is not NOTHING}
        place = place_of(mismatch.section, (*mismatch.path, *difference.path))
        found.append({"path": _name(difference.path), "at": place, **values})
    came: dict[str, JsonValue] = {} if mismatch.came is None else {"came": mismatch.came}
    place = place_of(mismatch.section, mismatch.path)
    return {"message": mismatch.message, "at": place, "differences": found, **came}


def _name(path: Path) -> str:
    return dotted(path) if path else "the whole"


def _values(difference: Difference) -> tuple[str, str]:
    expected, got = _shown(difference.expected), _shown(difference.got)
    if max(len(expected), len(got)) <= _LONGEST:
        return expected, got
    same = next((i for i, pair in enumerate(zip(expected, got, strict=False)) if pair[0] != pair[1]), 0)
    return _cut(expected, same), _cut(got, same)


def _cut(text: str, at: int) -> str:
    start = max(0, at - _BEFORE)
    before, after = "…" if start else "", "…" if start + _LONGEST < len(text) else ""
    return f"{before}{text[start : start + _LONGEST]}{after}"


def _shown(value: Given) -> str:
    return "nothing" if value is NOTHING else flow(value)
