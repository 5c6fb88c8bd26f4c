"""Checks the calls of a contract test: is each one that the node makes, and a result that its handler can give."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from pydantic import BaseModel

from omnibase_core import suggest
from omnibase_core.contracts.failures import failure_of
from omnibase_core.contracts.findings import Findings, Refusal, Section
from omnibase_core.contracts.node import ModelIoOperation, ModelNodeContract
from omnibase_core.contracts.operations import operation_table, operations_of
from omnibase_core.contracts.served_answers import SERVED_ANSWERS
from omnibase_core.contracts.shape import check
from omnibase_core.contracts.testing import (
    ModelDbAnswer,
    ModelDbRowsAnswer,
    ModelDbTransactionAnswer,
    ModelHttpAnswer,
    ModelTestCall,
)
from omnibase_core.enums import EnumHandlerType
from omnibase_core.envelope import JsonObject
from omnibase_core.errors import RuntimeHostError, shown

ANSWERS: Final[Mapping[str, type[BaseModel]]] = MappingProxyType(
    {
        **dict.fromkeys(operations_of(EnumHandlerType.HTTP), ModelHttpAnswer),
        "db.query": ModelDbRowsAnswer,
        "db.execute": ModelDbAnswer,
        "db.transaction": ModelDbTransactionAnswer,
        **SERVED_ANSWERS,
    }
)
"""The model of each operation's result, for what this release can perform."""


class ScriptedCall(NamedTuple):
    """A call that is expected, with what its author left to be understood.

    outcome: the operation's result as it was written, or the error. section: the call in its file.
    """

    handler: str
    operation: str
    call: ModelTestCall
    outcome: JsonObject | RuntimeHostError
    section: Section


@dataclass(frozen=True)
class CallsOfNode:
    """Checks the calls of tests of one node.

    operation: the one that the request names, or the node's only one. repeatable: of each handler, by name, the
    operations that may be done twice.
    """

    node: ModelNodeContract
    operation: str | None
    repeatable: Mapping[str, frozenset[str]]
    findings: Findings

    def check(self, call: ModelTestCall, section: Section) -> ScriptedCall | None:
        """The call as it will be played; None, and problems, where it cannot be."""
        entries = {name: entry for entry in self.node.io_operations for name in entry.operations}
        named = call.operation or self.operation
        entry = entries.get(named or "")
        if named is None or entry is None:
            self._refuse_operation(named, entries, section)
            return None
        if call.handler not in (None, entry.handler):
            refusal = Refusal(
                f"Handler '{shown(str(call.handler))}' does not perform {named} for node '{self.node.name}'",
                f"The node contract says '{entry.handler}'",
                f"Write handler: {entry.handler}, or leave it out",
            )
            self.findings.add(section.origin(("handler",)), refusal)
        self._check_sent(call, named, section)
        outcome = self._outcome(call, named, entry, section)
        return None if outcome is None else ScriptedCall(entry.handler, named, call, outcome, section)

    def _refuse_operation(
        self, named: str | None, entries: Mapping[str, ModelIoOperation], section: Section
    ) -> None:
        if not entries:
            refusal = Refusal(
                f"Node '{self.node.name}' is a COMPUTE node and calls no handler", None, "Remove the calls"
            )
            self.findings.add(section.origin(), refusal)
        elif named is None:
            hint = f"Operations of '{self.node.name}' are: {suggest.listed(entries)}"
            refusal = Refusal("Which operation is called is not said", hint, "Write 'operation' in the test")
            self.findings.add(section.origin(), refusal)
        else:
            refusal = Refusal(
                f"Node '{self.node.name}' has no operation '{shown(named)}'",
                suggest.hint(named, entries, "Its operations are"),
                "Correct the operation",
            )
            self.findings.add(section.origin(("operation",)), refusal)

    def _check_sent(self, call: ModelTestCall, operation: str, section: Section) -> None:
        described = operation_table()[operation]
        known = (*described.required, *described.optional)
        for form in ("sent", "sent_includes"):
            for field in getattr(call, form) or {}:
                if known and field not in known:
                    hint = suggest.hint(field, known, f"Fields of {operation} are")
                    refusal = Refusal(
                        f"'{shown(field)}' is no field of {operation}", hint, "Correct the name, or remove it"
                    )
                    self.findings.add(section.origin((form, field)), refusal, at_key=True)

    def _outcome(
        self, call: ModelTestCall, operation: str, entry: ModelIoOperation, section: Section
    ) -> JsonObject | RuntimeHostError | None:
        if call.fails is not None:
            repeatable = operation in self.repeatable.get(entry.handler, frozenset())
            failure = failure_of(call.fails, repeatable=repeatable)
            if isinstance(failure, Refusal):
                self.findings.add(section.origin(("fails", "retryable")), failure)
                return None
            return failure
        return call.answer if self._is_result(operation, section.child("answer")) else None

    def _is_result(self, operation: str, answer: Section) -> bool:
        if (model := ANSWERS.get(operation)) is not None:
            return check(model, answer, self.findings) is not None
        refusals = list(_strange_fields(operation, answer))
        for field, refusal in refusals:
            self.findings.add(answer.origin((field,)), refusal, at_key=True)
        return not refusals


def _strange_fields(operation: str, answer: Section) -> Iterator[tuple[str, Refusal]]:
    known = operation_table()[operation].result
    for field in answer.mapping():
        if known and field not in known:
            hint = suggest.hint(field, known, f"The result of {operation} has")
            yield (
                field,
                Refusal(
                    f"'{shown(field)}' is no part of the result of {operation}",
                    hint,
                    "Correct the name, or remove it",
                ),
            )
