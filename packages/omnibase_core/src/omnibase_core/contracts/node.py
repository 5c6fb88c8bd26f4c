"""The node contract: what a node is called, takes, gives and may do."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationInfo, field_validator

from omnibase_core import urls
from omnibase_core.contracts.fields import CompiledModel, ModelDeclaredModel, compile_models
from omnibase_core.contracts.findings import Refusal
from omnibase_core.contracts.names import HandlerType, Name, OperationName, Version, refused
from omnibase_core.contracts.schema import SCHEMA_VERSION
from omnibase_core.enums import EnumHandlerType, EnumNodeKind


def _of_mapping_language(*fields: str) -> Mapping[str, Refusal]:
    return MappingProxyType(
        {
            field: Refusal(
                f"'{field}' belongs to the mapping language, which this version does not have",
                "Without it the input is the operation's payload, and the result the node's output",
                f"Remove '{field}', or upgrade omnibase-core once a version with the mapping language is out",
            )
            for field in fields
        }
    )


class ModelIoOperation(BaseModel):
    """Operations of one handler that an EFFECT node may use.

    handler: the binding's name; by default the type. target: an address that the node is meant for; with
    http the only origin and path prefix that it may call.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    later: ClassVar[Mapping[str, Refusal]] = _of_mapping_language("let", "request", "expect", "response")

    type: HandlerType
    operations: tuple[OperationName, ...]
    handler: Annotated[str, Field(max_length=63)] = Field(default="", validate_default=True)
    target: Annotated[str, Field(min_length=1)] | None = None

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
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    later: ClassVar[Mapping[str, Refusal]] = _of_mapping_language("transform")

    schema_version: str = SCHEMA_VERSION
    node_version: Version
    name: Name
    node_type: Literal[EnumNodeKind.EFFECT, EnumNodeKind.COMPUTE]
    description: str = ""
    input_model: ModelDeclaredModel
    output_model: ModelDeclaredModel
    models: tuple[ModelDeclaredModel, ...] = ()
    io_operations: tuple[ModelIoOperation, ...] = Field(default=(), validate_default=True)
    dependencies: tuple[str, ...] = ()
    on_failure: Literal["answer", "dead_letter"] = "answer"

    _input: CompiledModel = PrivateAttr()
    _output: CompiledModel = PrivateAttr()

    @property
    def input(self) -> CompiledModel:
        """The input model, compiled once."""
        return self._input

    @property
    def output(self) -> CompiledModel:
        """The output model, compiled once."""
        return self._output

    def model_post_init(self, context: object) -> None:
        """Compiles the models. Raises FieldDeclarationError."""
        compiled = compile_models((self.input_model, self.output_model, *self.models))
        self._input = compiled[self.input_model.name]
        self._output = compiled[self.output_model.name]

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
