"""The node contract: what a node is called, takes, gives and may do."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PrivateAttr, ValidationInfo, field_validator

from omnibase_core import urls
from omnibase_core.contracts.fields import CompiledModel, ModelDeclaredModel, compile_models
from omnibase_core.contracts.findings import Refusal, dotted
from omnibase_core.contracts.mapped import Declared, MappingSurvey, survey_mappings
from omnibase_core.contracts.names import HandlerType, Name, OperationName, Version, refused
from omnibase_core.contracts.schema import SCHEMA_VERSION
from omnibase_core.enums import EnumHandlerType, EnumNodeKind
from omnibase_core.errors import OnexError
from omnibase_core.mapping.template import TemplateFault


class MappingDeclarationError(OnexError):
    """Mappings that cannot be compiled, with every fault of theirs."""

    def __init__(self, faults: Sequence[TemplateFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{dotted(fault.place)}: {fault.fault.message}" for fault in faults))


class ModelIoOperation(BaseModel):
    """Operations of one handler that an EFFECT node may use.

    handler: the binding's name; by default the type. target: an address that the node is meant for; with
    http and no `request` the only origin and path prefix that it may call. let, request, expect, response: the
    mapping of FORMATS 5; what is not given is passed through.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    type: HandlerType
    operations: tuple[OperationName, ...]
    handler: Annotated[str, Field(max_length=63)] = Field(default="", validate_default=True)
    target: Annotated[str, Field(min_length=1)] | None = None
    let: dict[str, JsonValue] | None = None
    request: dict[str, JsonValue] | None = None
    expect: dict[str, JsonValue] | None = None
    response: JsonValue = None

    @field_validator("operations")
    @classmethod
    def _some_operation(cls, operations: tuple[str, ...]) -> tuple[str, ...]:
        if not operations:
            raise refused(Refusal("No operations are listed", "An entry lists one or more", "List the operations"))
        return operations

    @field_validator("handler")
    @classmethod
    def _default_handler(cls, handler: str, info: ValidationInfo) -> str:
        return handler or str(info.data.get("type", ""))

    @field_validator("request")
    @classmethod
    def _one_operation(
        cls, request: dict[str, JsonValue] | None, info: ValidationInfo
    ) -> dict[str, JsonValue] | None:
        if request is not None and len(info.data.get("operations", ("one",))) > 1:
            raise refused(_SEVERAL_OPERATIONS)
        return request

    @field_validator("target")
    @classmethod
    def _http_target(cls, target: str | None, info: ValidationInfo) -> str | None:
        if target is not None and info.data.get("type") is EnumHandlerType.HTTP:
            try:
                urls.parse_base(target)
            except urls.UrlError as error:
                hint = "An http target is an origin and a path prefix, such as https://api.example.com/users"
                raise refused(Refusal(f"The target {error}", hint, "Correct the URL")) from None
        return target


class ModelNodeContract(BaseModel):
    """A node contract that passed every check on its own; its runtime contract is another matter.

    models: further models that fields refer to by name. dependencies: slugs of the same runtime contract.
    on_failure: whether what failed for good is only answered, or goes to the dead-letter topic as well.
    let, transform: the mapping of a COMPUTE node that has no function.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    schema_version: str = SCHEMA_VERSION
    node_version: Version
    name: Name
    node_type: Literal[EnumNodeKind.EFFECT, EnumNodeKind.COMPUTE]
    description: str = ""
    input_model: ModelDeclaredModel
    output_model: ModelDeclaredModel
    models: tuple[ModelDeclaredModel, ...] = ()
    io_operations: tuple[ModelIoOperation, ...] = Field(default=(), validate_default=True)
    let: dict[str, JsonValue] | None = None
    transform: JsonValue = None
    dependencies: tuple[str, ...] = ()
    on_failure: Literal["answer", "dead_letter"] = "answer"

    _input: CompiledModel = PrivateAttr()
    _output: CompiledModel = PrivateAttr()
    _mappings: MappingSurvey = PrivateAttr()

    @property
    def input(self) -> CompiledModel:
        """The input model, compiled once."""
        return self._input

    @property
    def output(self) -> CompiledModel:
        """The output model, compiled once."""
        return self._output

    @property
    def mappings(self) -> MappingSurvey:
        """The mappings, compiled once, with what they are warned of."""
        return self._mappings

    def model_post_init(self, context: object) -> None:
        """Compiles models and mappings. Raises FieldDeclarationError and MappingDeclarationError."""
        compiled = compile_models((self.input_model, self.output_model, *self.models))
        self._input = compiled[self.input_model.name]
        self._output = compiled[self.output_model.name]
        written = _written(self, ("let", "transform"))
        written["io_operations"] = [_written(entry, _MAPPING_FIELDS) for entry in self.io_operations]
        self._mappings = survey_mappings(written, Declared(self._input.record, self._output.record))
        if any(fault.fault.severity == "error" for fault in self._mappings.faults):
            raise MappingDeclarationError(self._mappings.faults)

    @field_validator("io_operations")
    @classmethod
    def _fit_kind(
        cls, entries: tuple[ModelIoOperation, ...], info: ValidationInfo
    ) -> tuple[ModelIoOperation, ...]:
        kind = info.data.get("node_type")
        if kind is EnumNodeKind.EFFECT and not entries:
            raise refused(_EFFECT_WITHOUT)
        if kind is EnumNodeKind.COMPUTE and entries:
            raise refused(_COMPUTE_WITH)
        names = [name for entry in entries for name in entry.operations]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise refused(
                Refusal(
                    f"Operation '{twice}' is listed twice",
                    "An envelope names an operation and no handler, so each has one handler",
                    "Remove one of the two, or make two nodes of it",
                )
            )
        return entries

    @field_validator("let", "transform")
    @classmethod
    def _of_compute(cls, value: JsonValue, info: ValidationInfo) -> JsonValue:
        if info.data.get("node_type") is EnumNodeKind.EFFECT:
            raise refused(_EFFECT_WITH)
        return value


_EFFECT_WITHOUT: Final = Refusal(
    "An EFFECT node needs io_operations",
    "They list the only operations that the node may use",
    "Add an entry such as {type: http, operations: [http.get]}, or make it a COMPUTE node",
)
_COMPUTE_WITH: Final = Refusal(
    "A COMPUTE node has no io_operations",
    "It is a pure function of its input",
    "Remove them, or make it an EFFECT node",
)
_EFFECT_WITH: Final = Refusal(
    "'let' and 'transform' at the top are a COMPUTE node's",
    "An EFFECT node maps in its operations: let, request, expect and response",
    "Move it into the entry of io_operations, or make it a COMPUTE node",
)
_SEVERAL_OPERATIONS: Final = Refusal(
    "A 'request' belongs to exactly one operation",
    "It is that operation's payload",
    "Make an entry of each operation, with a request of its own",
)
_MAPPING_FIELDS: Final = ("operations", "let", "request", "expect", "response")


def _written(model: BaseModel, fields: Sequence[str]) -> dict[str, object]:
    """The fields that the author wrote, as they were written."""
    return {name: getattr(model, name) for name in fields if name in model.model_fields_set}
