"""The node contract: what a node is called, takes, gives and may do."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)

from omnibase_core.contracts import rules
from omnibase_core.contracts.fields import CompiledModel, ModelDeclaredModel, compile_models
from omnibase_core.contracts.findings import dotted
from omnibase_core.contracts.mapped import Declared, MappingSurvey
from omnibase_core.contracts.names import HandlerType, Name, OperationName, Version
from omnibase_core.contracts.schema import SCHEMA_VERSION
from omnibase_core.contracts.survey import survey_mappings
from omnibase_core.enums import EnumNodeKind
from omnibase_core.errors import OnexError
from omnibase_core.mapping.faults import TemplateFault


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
    operations: Annotated[tuple[OperationName, ...], AfterValidator(rules.some_operation)]
    handler: Annotated[str, Field(max_length=63), AfterValidator(rules.default_handler)] = Field(
        default="", validate_default=True
    )
    target: Annotated[Annotated[str, Field(min_length=1)] | None, AfterValidator(rules.http_target)] = None
    let: dict[str, JsonValue] | None = None
    request: Annotated[dict[str, JsonValue] | None, AfterValidator(rules.one_operation)] = None
    expect: dict[str, JsonValue] | None = None
    response: JsonValue = None


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
    let: Annotated[dict[str, JsonValue] | None, AfterValidator(rules.of_compute)] = None
    transform: Annotated[JsonValue, AfterValidator(rules.of_compute)] = None
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
        names = [name for entry in entries for name in entry.operations]
        rules.fit_kind(info.data.get("node_type"), names, is_empty=not entries)
        return entries


_MAPPING_FIELDS: Final = ("operations", "let", "request", "expect", "response")


def _written(model: BaseModel, fields: Sequence[str]) -> dict[str, object]:
    """The fields that the author wrote, as they were written."""
    return {name: getattr(model, name) for name in fields if name in model.model_fields_set}
