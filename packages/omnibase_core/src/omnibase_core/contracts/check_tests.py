"""Checks a file of contract tests: on its own, and against the runtime contract whose nodes it tests."""

import json
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from omnibase_core import suggest
from omnibase_core.codec import decode
from omnibase_core.contracts.check_calls import CallsOfNode, ScriptedCall
from omnibase_core.contracts.findings import ContractFile, Findings, Origin, Refusal, Section
from omnibase_core.contracts.literals import url_credentials
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.contracts.prepare import refuse_literal
from omnibase_core.contracts.reading import ContractReader, Loading
from omnibase_core.contracts.schema import accept_schema_version
from omnibase_core.contracts.shape import check
from omnibase_core.contracts.testing import ModelTestCase, ModelTestFile
from omnibase_core.enums import EnumErrorCode
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EnvelopeValidationError, shown
from omnibase_core.problems import ModelProblem

REQUEST_ID: Final = "00000000-0000-4000-8000-000000000001"
"""The id of a request for which a test names none."""
MOMENT: Final = "2026-01-01T00:00:00Z"
"""The timestamp of a request for which a test names none."""

_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "payload": ("payload",),
    "target_node": ("node",),
    "operation": ("operation",),
}


class ContractTest(NamedTuple):
    """One test that can be run.

    request: the envelope. clock: an envelope whose timestamp is the host's time. section: the test in its file.
    """

    case: ModelTestCase
    request: ModelOnexEnvelope
    clock: ModelOnexEnvelope
    calls: Sequence[ScriptedCall]
    section: Section


class LoadedTests(NamedTuple):
    """The tests of one file, none where a problem of it is an error."""

    tests: Sequence[ContractTest]
    problems: tuple[ModelProblem, ...]


def load_tests(
    path: str, read: ContractReader, contract: LoadedContract | None, *, lenient: bool = False
) -> LoadedTests:
    """Loads and checks a file of tests; never raises.

    contract: the one whose nodes are tested; without it the file is checked by itself, and nothing can be run.
    """
    loading = Loading(read, None, Findings(lenient=lenient))
    file = loading.open(path, expands=False)
    tests = [] if file is None else check_tests(file, contract, loading.findings)
    problems = loading.findings.sorted()
    is_sound = all(problem.severity == "warning" for problem in problems)
    return LoadedTests(tests if is_sound else (), problems)


def check_tests(file: ContractFile, contract: LoadedContract | None, findings: Findings) -> list[ContractTest]:
    """Every test of a file that can be run; the problems of the others are in `findings`."""
    if not accept_schema_version(file, findings):
        return []
    top = Section(file.value, Origin(file, ()))
    for path in url_credentials(file.value):
        refuse_literal(top.origin(path), findings)
    checked = check(ModelTestFile, top, findings)
    sections = top.child("tests").items()
    _refuse_same_names(sections, findings)
    if checked is None:
        return []
    cases = [_Case(*pair, findings) for pair in zip(checked.tests, sections, strict=True)]
    return [test for case in cases if (test := case.checked(contract)) is not None]


def _refuse_same_names(sections: Sequence[Section], findings: Findings) -> None:
    seen: dict[str, Section] = {}
    for section in sections:
        name = section.mapping().get("name")
        if isinstance(name, str) and seen.setdefault(name, section) is not section:
            place = seen[name].origin()
            line = place.file.document.position(place.path).line
            refusal = Refusal(
                f"Two tests are named '{shown(name)}'", f"The first is at line {line}", "Rename one of the two"
            )
            findings.add(section.origin(("name",)), refusal)


class _Case:
    """One test on its way to being one that can be run."""

    def __init__(self, case: ModelTestCase, section: Section, findings: Findings) -> None:
        self._case = case
        self._section = section
        self._findings = findings
        self._wanted = None if case.response.error is None else case.response.error.code

    def checked(self, contract: LoadedContract | None) -> ContractTest | None:
        """The test; None, and problems, where it cannot be run."""
        case = self._case
        request = self._envelope(case.envelope.timestamp or MOMENT, "timestamp")
        clock = request if case.now is None else self._envelope(case.now, "now")
        if contract is None or contract.runtime is None or request is None or clock is None:
            return None
        node = contract.nodes.get(case.node)
        if node is None:
            self._check_absent(contract.nodes)
            return ContractTest(case, request, clock, (), self._section)
        repeatable = {each.name: each.repeatable_operations for each in contract.runtime.handlers}
        calls = CallsOfNode(node, self._operation(node), repeatable, self._findings)
        self._check_response(node)
        sections = self._section.child("calls").items()
        checked = [calls.check(*pair) for pair in zip(case.calls, sections, strict=True)]
        return ContractTest(case, request, clock, [each for each in checked if each], self._section)

    def _refuse(self, path: tuple[str, ...], refusal: Refusal, *, at_key: bool = False) -> None:
        self._findings.add(self._section.origin(path), refusal, at_key=at_key)

    def _envelope(self, timestamp: str, field: str) -> ModelOnexEnvelope | None:
        """The request, read as a host reads it."""
        case = self._case
        wire = {
            "envelope_id": REQUEST_ID,
            **case.envelope.model_dump(exclude_none=True),
            "timestamp": timestamp,
            "target_node": case.node,
            "operation": case.operation,
            "payload": case.payload,
        }
        try:
            return decode(json.dumps(wire).encode())
        except EnvelopeValidationError as error:
            name, sentence = error.path.removeprefix("$.").partition(".")[0], error.message.partition(": ")[2]
        is_now = field == "now" and name == "timestamp"
        at = ("now",) if is_now else _PLACES.get(name, ("envelope", name))
        self._refuse(at, Refusal(f"{name}: {sentence}", None, "Correct the value"))
        return None

    def _check_absent(self, nodes: Mapping[str, ModelNodeContract]) -> None:
        """A node that there is not, which is an author's mistake unless the test is about that."""
        if self._wanted is EnumErrorCode.NODE_NOT_FOUND:
            return
        refusal = Refusal(
            f"No node '{shown(self._case.node)}'",
            suggest.hint(self._case.node, nodes, "The nodes are"),
            "Correct the slug, or add the node to the runtime contract",
        )
        self._refuse(("node",), refusal)

    def _operation(self, node: ModelNodeContract) -> str | None:
        """The operation that the node performs; None for none, and where it cannot be said."""
        operations = [name for entry in node.io_operations for name in entry.operations]
        named = self._case.operation
        if named is None and len(operations) == 1:
            return operations[0]
        if named in operations or self._wanted is EnumErrorCode.INVALID_OPERATION:
            return named
        if named is not None:
            refusal = Refusal(
                f"Node '{node.name}' has no operation '{shown(named)}'",
                suggest.hint(named, operations, "Its operations are"),
                "Correct the operation" if operations else "Remove it: a COMPUTE node performs none",
            )
            self._refuse(("operation",), refusal)
        elif operations:
            hint = f"They are: {suggest.listed(operations)}"
            refusal = Refusal(f"Node '{node.name}' has several operations", hint, "Name one with 'operation'")
            self._refuse(("node",), refusal)
        return None

    def _check_response(self, node: ModelNodeContract) -> None:
        for form in ("payload", "payload_includes"):
            for field in getattr(self._case.response, form) or {}:
                if field not in node.output.fields:
                    refusal = Refusal(
                        f"Node '{node.name}' gives no '{shown(field)}'",
                        suggest.hint(field, node.output.fields, f"Fields of {node.output.name} are"),
                        "Correct the name, or remove it",
                    )
                    self._refuse(("response", form, field), refusal, at_key=True)
