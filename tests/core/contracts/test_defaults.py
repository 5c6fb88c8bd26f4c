"""Defaults of the contracts' models that are models themselves: constructed without their validator."""

import importlib
import inspect

import pytest
from pydantic import BaseModel

from tests.architecture.source import modules

DEFAULTS = {
    f"{model.__name__}.{name}": field.default
    for module in modules("omnibase_core.contracts")
    for model in vars(importlib.import_module(module.name)).values()
    if inspect.isclass(model) and issubclass(model, BaseModel) and model.__module__ == module.name
    for name, field in model.model_fields.items()
    if isinstance(field.default, BaseModel)
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_default_is_what_validation_makes(name: str) -> None:
    default = DEFAULTS[name]
    assert default == type(default).model_validate(default.model_dump(exclude_unset=True))
