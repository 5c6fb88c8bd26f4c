"""The way of one request through its node: input to the operation's payload, its result to the node's output.

Passed through, each is checked and otherwise left alone; mapped, it is what the contract's expressions make of it.
"""

from collections.abc import Mapping
from typing import NamedTuple, cast

from omnibase_core import urls
from omnibase_core.codec import are_plain, check_json
from omnibase_core.contracts.fields import CompiledModel, FieldMismatchError
from omnibase_core.contracts.findings import dotted
from omnibase_core.contracts.forms import MisfitError, moment, object_out
from omnibase_core.contracts.mapped import Mapped, Scope
from omnibase_core.contracts.node import ModelIoOperation, ModelNodeContract
from omnibase_core.enums import EnumHandlerType
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import EnvelopeValidationError, MappingError, UnexpectedResultError
from omnibase_core.mapping.faults import EvaluationError
from omnibase_core.mapping.template import Render, show_source

_READS = frozenset(("http.get", "http.head", "db.query"))


class Prepared(NamedTuple):
    """The operation's payload, and what the mapping of its result will see."""

    payload: JsonObject
    scope: Scope


class Passage:
    """Where one entry of io_operations, or a transform, stands between requests and handlers.

    mapped: its mapping; None passes everything through. base_url: of the http handler, to hold the node to its
    `target`.
    """

    __slots__ = ("_base_url", "_entry", "_input", "_is_held", "_mapped", "_output", "_sees_envelope", "_slug")

    def __init__(
        self,
        contract: ModelNodeContract,
        mapped: Mapped | None = None,
        entry: ModelIoOperation | None = None,
        base_url: str | None = None,
    ) -> None:
        self._slug = contract.name
        self._input = contract.input
        self._output = contract.output
        self._mapped = mapped
        self._entry = entry
        self._base_url = base_url
        self._sees_envelope = mapped is not None and "envelope" in mapped.roots
        self._is_held = (
            entry is not None
            and entry.target is not None
            and entry.type is EnumHandlerType.HTTP
            and entry.request is None
        )

    def prepare(self, envelope: ModelOnexEnvelope) -> Prepared:
        """Raises EnvelopeValidationError for the input, MappingError for `let` and `request`."""
        given = envelope.payload or {}
        mapped = self._mapped
        scope: Scope = {}
        try:
            if mapped is not None:
                scope = self._scope(mapped, given, envelope)
                if mapped.payload is not None:
                    return Prepared(self._payload(mapped, mapped.payload, scope), scope)
            payload = self._input.check(given)
        except FieldMismatchError as error:
            raise invalid_input(error) from None
        if self._is_held:
            self._hold_to_target(payload)
        return Prepared(payload, scope)

    def finish(self, result: JsonObject, scope: Scope, operation: str) -> JsonObject:
        """The node's output. Raises UnexpectedResultError, and MappingError for `response`: after the effect."""
        mapped = self._mapped
        if mapped is not None and mapped.expectation is not None:
            mapped.expectation.check(result, reads=operation in _READS)
        if mapped is None or mapped.response is None:
            return self._checked(result)
        scope["result"] = result
        made = self._rendered(mapped, mapped.response, scope, effect=True)
        return encoded(self._slug, self._output, made, effect=True)

    def transform(self, envelope: ModelOnexEnvelope) -> JsonObject:
        """What a transform makes of a request. Raises as `prepare` and `finish` do, without an effect."""
        mapped = self._mapped
        assert mapped is not None
        assert mapped.payload is not None
        try:
            scope = self._scope(mapped, envelope.payload or {}, envelope)
        except FieldMismatchError as error:
            raise invalid_input(error) from None
        made = self._rendered(mapped, mapped.payload, scope, effect=False)
        return encoded(self._slug, self._output, made, effect=False)

    def _scope(self, mapped: Mapped, given: JsonObject, envelope: ModelOnexEnvelope) -> Scope:
        values = self._input.decode(given)
        seen = _seen(envelope) if self._sees_envelope else {}
        try:
            return mapped.scope(values, seen)
        except EvaluationError as error:
            raise self._failed(error, effect=False) from None

    def _payload(self, mapped: Mapped, render: Render, scope: Scope) -> JsonObject:
        made = self._rendered(mapped, render, scope, effect=False)
        if mapped.is_json:
            return cast("JsonObject", made)
        try:
            return object_out(made)
        except MisfitError as error:
            place = dotted((*mapped.place, "request"))
            raise MappingError(
                f"Node '{self._slug}': {place}{error.path} {error.sentence}", details={"place": place + error.path}
            ) from None

    def _rendered(self, mapped: Mapped, render: Render, scope: Scope, *, effect: bool) -> object:
        try:
            return render(scope)
        except EvaluationError as error:
            raise self._failed(error, effect=effect) from None
        except MisfitError as error:
            place = dotted(mapped.place)
            raise MappingError(
                f"Node '{self._slug}': {place}: a value {error.sentence}", details={"place": place}
            ) from None

    def _failed(self, error: EvaluationError, *, effect: bool) -> MappingError:
        place = dotted(error.place or ())
        source = show_source(error.source)
        said = f"{place}: {source}: {error.sentence}" if source else f"{place}: {error.sentence}"
        return MappingError(
            f"Node '{self._slug}': {said}",
            details={"place": place, "expression": source, **({"effect": "performed"} if effect else {})},
        )

    def _checked(self, payload: JsonObject) -> JsonObject:
        try:
            checked = self._output.check(payload)
            loose = self._output.loose
            if loose is None or not are_plain(map(payload.get, loose)):
                check_json(payload, "$")
            return checked
        except EnvelopeValidationError as error:
            raise UnexpectedResultError(
                f"The result of node '{self._slug}' is not JSON: {error.message}", details={"effect": "performed"}
            ) from None
        except FieldMismatchError as error:
            raise unexpected_output(self._slug, error, effect=True) from None

    def _hold_to_target(self, payload: JsonObject) -> None:
        url = payload.get("url")
        entry = self._entry
        if entry is None or entry.target is None or not isinstance(url, str):
            return
        try:
            allowed = urls.within(entry.target, urls.resolve(self._base_url, url))
        except urls.UrlError as error:
            raise EnvelopeValidationError(str(error), path="$.payload.url") from None
        if not allowed:
            raise EnvelopeValidationError(
                f"node '{self._slug}' may call below {entry.target} only, as its contract's target says",
                path="$.payload.url",
            )


def _seen(envelope: ModelOnexEnvelope) -> Mapping[str, object]:
    """The envelope as mappings see it."""
    ids = {name: getattr(envelope, name) for name in ("envelope_id", "correlation_id", "causation_id")}
    return {
        **{name: None if value is None else str(value) for name, value in ids.items()},
        "source_node": envelope.source_node,
        "target_node": envelope.target_node,
        "timestamp": moment(envelope.timestamp.isoformat()),
        "metadata": envelope.metadata,
    }


def encoded(slug: str, output: CompiledModel, made: object, *, effect: bool) -> JsonObject:
    """What a node made, as its output model has it on the wire. Raises UnexpectedResultError.

    effect: whether an operation was performed before.
    """
    try:
        payload = output.encode(made)  # type: ignore[arg-type]  # what is no object is a mismatch
        if not output.bounded:
            check_json(payload)
    except FieldMismatchError as error:
        raise unexpected_output(slug, error, effect=effect) from None
    except EnvelopeValidationError as error:
        raise UnexpectedResultError(
            f"The result of node '{slug}' does not fit an envelope: {error.message}",
            details={"path": error.path, **({"effect": "performed"} if effect else {})},
        ) from None
    return payload


def invalid_input(error: FieldMismatchError) -> EnvelopeValidationError:
    """The refusal of a payload that does not fit the input model."""
    path, sentence = error.problems[0]
    invalid = EnvelopeValidationError(sentence, path=f"$.payload{_joined(path)}")
    invalid.details["problems"] = [
        {"path": f"$.payload{_joined(where)}", "message": what} for where, what in error.problems[:20]
    ]
    return invalid


def unexpected_output(slug: str, error: FieldMismatchError, *, effect: bool) -> UnexpectedResultError:
    """The refusal of a result that does not fit the output model; `effect`: whether an operation was performed."""
    path, sentence = error.problems[0]
    return UnexpectedResultError(
        f"The result of node '{slug}' does not fit its output_model: $.payload{_joined(path)}: {sentence}",
        details={"path": f"$.payload{_joined(path)}", **({"effect": "performed"} if effect else {})},
    )


def _joined(path: str) -> str:
    return path if not path or path.startswith("[") else f".{path}"
