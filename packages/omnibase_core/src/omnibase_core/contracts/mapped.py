"""What the mappings of a node contract are once they are compiled."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from omnibase_core.contracts.fieldtypes import RecordType
from omnibase_core.mapping.faults import Place, TemplateFault
from omnibase_core.mapping.template import Render

if TYPE_CHECKING:
    from omnibase_core.contracts.expectations import Expectation

Scope = dict[str, object]


class Mapped:
    """A compiled mapping. What is None is passed through as it is.

    place: where it stands in the contract. lets: in order. payload: the operation's payload, or what a transform
    gives. is_json: the payload is JSON whatever the request; else it is looked at. expectation, response: of an
    operation. roots: the roots that any of it uses.
    """

    __slots__ = ("expectation", "is_json", "lets", "payload", "place", "response", "roots")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.lets: list[tuple[str, Render]] = []
        self.payload: Render | None = None
        self.is_json = False
        self.expectation: Expectation | None = None
        self.response: Render | None = None
        self.roots: set[str] = set()

    def scope(self, values: Mapping[str, object], envelope: Mapping[str, object]) -> Scope:
        """The scope of one request, its `let` evaluated in order. Raises EvaluationError."""
        lets: dict[str, object] = {}
        scope: Scope = {"input": values, "envelope": envelope, "let": lets}
        for name, render in self.lets:
            lets[name] = render(scope)
        return scope


class MappingSurvey(NamedTuple):
    """Every mapping of a contract, by the index of its io_operation or None for `transform`; and every fault."""

    mapped: Mapping[int | None, Mapped]
    faults: list[TemplateFault]


class Declared(NamedTuple):
    """The declared input and output, as far as they could be read."""

    input: RecordType | None
    output: RecordType | None
