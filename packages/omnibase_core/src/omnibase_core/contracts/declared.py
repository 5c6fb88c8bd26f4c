"""The models that a node contract declares, as its file has them."""

from pydantic import BaseModel, ConfigDict, JsonValue

from omnibase_core.contracts.declarations import Declaration, DeclaredField


class ModelField(BaseModel):
    """A field of a declared model; `type` as contracts write it, such as `list[ModelItem]`."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    name: str
    type: str
    required: bool = True
    default: JsonValue = None
    description: str | None = None


class ModelDeclaredModel(BaseModel):
    """A model that a node contract declares."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    name: str
    description: str | None = None
    fields: tuple[ModelField, ...]

    @property
    def declaration(self) -> Declaration:
        """What it declares."""
        fields = (
            DeclaredField(each.name, each.type, each.required, each.default, "default" in each.model_fields_set)
            for each in self.fields
        )
        return Declaration(self.name, tuple(fields))
