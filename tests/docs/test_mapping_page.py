"""docs/mapping.md: every example has the value that it shows, and every function its row and an example."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import pytest
from omnibase_core.mapping.compiler import TemplateCompiler
from omnibase_core.mapping.faults import EvaluationError
from omnibase_core.mapping.functions import FUNCTIONS
from omnibase_core.mapping.signatures import signature
from omnibase_core.mapping.static import ANY, record
from omnibase_core.mapping.values import json_text

from tests.docs.tables import DOCS

PAGE: Final = (DOCS / "mapping.md").read_text()
SCOPE: Final = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0], parse_float=float)
_ROW: Final = re.compile(r"^\| `(?P<call>[^`]+)` \| (?P<gives>.+) \|$", re.MULTILINE)


def examples() -> Iterator[tuple[str, str]]:
    """The examples: an expression, and what it gives."""
    for block in re.findall(r"```text\n(.*?)```", PAGE[PAGE.index("## Expressions") :], re.DOTALL):
        for line in block.splitlines():
            expression, _, value = line.rpartition(" -> ")
            yield expression.strip(), value.strip()


def outcome(expression: str) -> str:
    """What an expression gives, as JSON, or its error."""
    compiler = TemplateCompiler(record(dict.fromkeys(SCOPE, ANY)))
    template = compiler.compile(f"${{{{ {expression} }}}}", ())
    assert compiler.faults == []
    try:
        return json_text(template.render(SCOPE))
    except EvaluationError as error:
        return f"error: {error.sentence}"


@pytest.mark.parametrize(("expression", "shown"), list(examples()))
def test_an_example_gives_what_the_page_shows(expression: str, shown: str) -> None:
    if shown.startswith("error: "):
        assert outcome(expression).startswith(shown)
    else:
        assert outcome(expression) == json_text(json.loads(shown, parse_float=Decimal))


def test_every_function_has_its_row() -> None:
    functions = PAGE[PAGE.index("## Functions") :]
    rows = [row["call"] for row in _ROW.finditer(functions)]
    assert rows == [signature(function) for function in FUNCTIONS.values()]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_an_example(name: str) -> None:
    assert any(re.search(rf"\b{name}\(", expression) for expression, _ in examples())
