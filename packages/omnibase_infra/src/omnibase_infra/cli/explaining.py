"""What `onex-host explain` does: the way of one envelope, step by step. Imported within the command only."""

import json
from collections.abc import Iterator
from typing import Literal

from omnibase_core import suggest
from omnibase_core.codec import decode
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.enums import EnumNodeKind
from omnibase_core.envelope import JsonObject, ModelEnvelopeError, ModelOnexEnvelope
from omnibase_core.errors import (
    EnvelopeValidationError,
    HandlerNotFoundError,
    InvalidOperationError,
    NodeNotFoundError,
    RuntimeHostError,
)
from omnibase_core.verdict import Admission, admit, expired
from pydantic import BaseModel, ConfigDict

from omnibase_infra.cli.redaction import Redaction
from omnibase_infra.cli.rehearsal import Rehearsed, rehearse
from omnibase_infra.host.clock import Clock
from omnibase_infra.wiring import foreseen

Step = Literal["decode", "correlation", "deadline", "node", "operation", "input", "request", "handler", "call"]


class ModelExplainedStep(BaseModel):
    """One step: whether it was passed, what was decided, and where it failed the further problems."""

    model_config = ConfigDict(frozen=True)

    step: Step
    passed: bool
    message: str
    problems: tuple[str, ...] = ()


class ModelExplanation(BaseModel):
    """The way of one envelope (docs/inspecting.md has every field).

    outcome: `would run`, or the code of the error envelope. payload: what the handler, or the function of a
    COMPUTE node, would get. call: what the handler would send. output: of a node that needs neither.
    """

    model_config = ConfigDict(frozen=True)

    steps: tuple[ModelExplainedStep, ...]
    outcome: str
    handler: str | None = None
    operation: str | None = None
    payload: JsonObject | None = None
    call: JsonObject | None = None
    output: JsonObject | None = None
    error: ModelEnvelopeError | None = None


class Explainer:
    """Explains one envelope to one contract; nothing is performed."""

    def __init__(self, loaded: LoadedContract, clock: Clock | None = None) -> None:
        self._loaded = loaded
        self._contract = loaded.require()
        self._clock = clock or Clock()
        self._steps: list[ModelExplainedStep] = []

    def explain(self, raw: bytes) -> ModelExplanation:
        """The steps of these bytes, up to the first that they do not pass."""
        self._steps = []
        at: Step = "decode"
        try:
            envelope = decode(raw, self._contract.event_bus.max_envelope_bytes)
            self._pass(at, f"an envelope of {len(raw):,} bytes")
            at = "correlation"
            admission = self._admit(envelope)
            at = "deadline"
            self._check_deadline(admission)
        except RuntimeHostError as error:
            return self._refused(at, error)
        return self._routed(admission.envelope)

    def _admit(self, envelope: ModelOnexEnvelope) -> Admission:
        clock = self._clock
        admission = admit(envelope, now=clock.now, monotonic=clock.monotonic, new_id=clock.new_id)
        given = envelope.correlation_id
        self._pass("correlation", "the host would assign an id" if given is None else f"{given}, as given")
        return admission

    def _check_deadline(self, admission: Admission) -> None:
        if admission.deadline is None:
            self._pass("deadline", "none: the envelope has no ttl_seconds")
            return
        left = admission.deadline - self._clock.monotonic()
        if left <= 0:
            raise expired(admission.envelope)
        self._pass("deadline", f"in {left:,.1f} s")

    def _routed(self, envelope: ModelOnexEnvelope) -> ModelExplanation:
        rehearsed = rehearse(self._loaded, envelope)
        error = rehearsed.error
        failed = None if error is None else _failed_step(error)
        if failed != "node":
            node = self._loaded.nodes[envelope.target_node or ""]
            for step, message in _passed(node, envelope, rehearsed):
                if step == failed:
                    break
                self._pass(step, message)
        if error is not None and failed is not None:
            return self._refused(failed, error)
        return self._reached(envelope, rehearsed)

    def _reached(self, envelope: ModelOnexEnvelope, rehearsed: Rehearsed) -> ModelExplanation:
        redacted = Redaction(envelope.payload)
        if rehearsed.handed is None:
            return ModelExplanation(
                steps=tuple(self._steps),
                outcome="would run",
                payload=_object(redacted(rehearsed.given)),
                output=_object(redacted(rehearsed.output)),
            )
        name, given = rehearsed.handed
        binding = next(
            each for each in self._contract.handlers if (each.type, each.name) == (given.handler_type, name)
        )
        self._pass("handler", f"'{name}' ({binding.type}), timeout {binding.timeout_ms} ms")
        payload = _object(redacted(given.payload))
        try:
            call = _object(redacted(foreseen(binding, given))) or {}
        except RuntimeHostError as error:
            known = {"handler": name, "operation": given.operation, "payload": payload}
            return self._refused("call", error).model_copy(update=known)
        self._pass("call", call_text(call))
        return ModelExplanation(
            steps=tuple(self._steps),
            outcome="would run",
            handler=name,
            operation=given.operation,
            payload=payload,
            call=call,
        )

    def _pass(self, step: Step, message: str) -> None:
        self._steps.append(ModelExplainedStep(step=step, passed=True, message=message))

    def _refused(self, step: Step, error: RuntimeHostError) -> ModelExplanation:
        message, problems = _said(error)
        self._steps.append(ModelExplainedStep(step=step, passed=False, message=message, problems=problems))
        told = ModelEnvelopeError.of(error)
        return ModelExplanation(steps=tuple(self._steps), outcome=error.code.value, error=told)


def _failed_step(error: RuntimeHostError) -> Step:
    if isinstance(error, NodeNotFoundError):
        return "node"
    if isinstance(error, InvalidOperationError):
        return "operation"
    if isinstance(error, HandlerNotFoundError):
        return "handler"
    return "input" if isinstance(error, EnvelopeValidationError) and "problems" in error.details else "request"


def _passed(
    node: ModelNodeContract, envelope: ModelOnexEnvelope, rehearsed: Rehearsed
) -> Iterator[tuple[Step, str]]:
    """What the steps of a node decide where they are passed."""
    yield "node", f"'{node.name}' ({node.node_type})"
    operations = [name for entry in node.io_operations for name in entry.operations]
    if envelope.operation is not None:
        yield "operation", f"{envelope.operation}, as the envelope says"
    else:
        yield "operation", f"{operations[0]}, the node's only one" if operations else "none: a COMPUTE node"
    yield "input", f"fits {node.input_model.name}"
    if node.node_type is EnumNodeKind.COMPUTE:
        made = (
            "the transform gives the output"
            if rehearsed.output is not None
            else "the host's function would be called"
        )
        yield "request", made
    elif envelope.operation is not None or operations:
        yield "request", _request(node, envelope.operation or operations[0])


def _request(node: ModelNodeContract, operation: str) -> str:
    entry = next(entry for entry in node.io_operations if operation in entry.operations)
    held = "" if entry.target is None or entry.type != "http" else f", below {entry.target}"
    return f"the payload of {operation}{held}"


def _said(error: RuntimeHostError) -> tuple[str, tuple[str, ...]]:
    message = error.message
    if isinstance(error, NodeNotFoundError) and (
        near := suggest.closest(error.target_node, error.available_nodes)
    ):
        message += f". Did you mean '{near}'?"
    if isinstance(error, InvalidOperationError) and error.operation is not None:
        near = suggest.closest(error.operation, error.available_operations)
        message += f". Did you mean '{near}'?" if near and near != error.operation else ""
    problems = error.details.get("problems")
    found = (
        [f"{each['path']}: {each['message']}" for each in problems if isinstance(each, dict)]
        if isinstance(problems, list)
        else []
    )
    return message, tuple(found)


def _object(value: object) -> JsonObject | None:
    return value if isinstance(value, dict) else None


def call_text(call: JsonObject) -> str:
    """What would be sent, in one line."""
    statements = call.get("statements")
    if isinstance(statements, list):
        counts = [f"{each['parameters']} parameters" for each in statements if isinstance(each, dict)]
        return f"{len(statements)} statement{'' if len(statements) == 1 else 's'} ({'; '.join(counts)})"
    return f"{call.get('method')} {call.get('url')}"


def as_text(explanation: ModelExplanation) -> str:
    """The steps as lines, what would be handed over, and the outcome last."""
    lines: list[str] = []
    for step in explanation.steps:
        lines.append(f"{'ok  ' if step.passed else 'no  '} {step.step:<12} {step.message}")
        lines.extend(f"{'':<18}{problem}" for problem in step.problems[1:])
    for label in ("payload", "call", "output"):
        shown = getattr(explanation, label)
        if shown is not None:
            lines.extend(["", f"{label}:", json.dumps(shown, ensure_ascii=False, indent=2)])
    return "\n".join([*lines, "", explanation.outcome])
