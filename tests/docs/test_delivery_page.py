"""docs/delivery.md: the outcome table is the function's, the exit codes are the commands'."""

import inspect
from typing import Literal

from omnibase_core.verdict import EnumHappening, judge
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.run import run
from omnibase_infra.event_bus.inmemory import InMemoryEventBus

from tests.docs.tables import section, table

PAGE = "delivery.md"


def outcome(happening: str, *, dead_letters: bool) -> tuple[str, str, str]:
    """Response, dead letter and settlement for a row's first cell, in the page's words."""
    name, _, case = happening.partition(",")
    on_failure: Literal["answer", "dead_letter"] = "dead_letter" if "dead_letter" in case else "answer"
    on_open: Literal["pause", "fail"] = "pause" if "pause" in case else "fail"
    verdict = judge(EnumHappening[name], on_failure=on_failure, on_open=on_open, dead_letters=dead_letters)
    settlement = "not yet" if verdict.settlement is None else verdict.settlement.name
    return verdict.answer.name.replace("_", " ").lower(), "yes" if verdict.dead_letter else "no", settlement


def test_every_row_is_what_the_function_says() -> None:
    written = table(section(PAGE, "Outcomes"))
    assert {row[0].partition(",")[0] for row in written} == {happening.name for happening in EnumHappening}
    for happening, *cells, without in written:
        assert tuple(cells) == outcome(happening, dead_letters=True), happening
        assert without == outcome(happening, dead_letters=False)[2], happening


def test_the_exit_codes_are_those_of_the_commands() -> None:
    written = [(int(code), name) for code, name, _ in table(section(PAGE, "Exit codes"))]
    assert written == [(code.value, code.name) for code in EnumExitCode]


def test_the_figures_are_those_of_the_code() -> None:
    capacity = inspect.signature(InMemoryEventBus).parameters["capacity"].default
    assert f"A topic holds {capacity:,} records" in section(PAGE, "The in-memory bus")
    grace = next(option.default for option in run.params if option.name == "grace_s")
    assert f"`SHUTDOWN_GRACE_SECONDS`, {grace:g} by default" in section(PAGE, "Stopping")
