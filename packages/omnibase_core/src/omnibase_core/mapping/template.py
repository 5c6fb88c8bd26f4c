"""What a compiled template is. Only contracts that map load the compiler, and with it the expression language."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from omnibase_core.errors import shown

if TYPE_CHECKING:
    from omnibase_core.mapping.static import Type

Render = Callable[[Mapping[str, object]], object]


class Template(NamedTuple):
    """A compiled template.

    constant: it has no expression, and `render` gives the literal itself. levels: how deep what it gives nests,
    where that is JSON as it stands for every scope; None where that has to be looked at.
    """

    render: Render
    type: "Type"
    constant: bool = False
    levels: int | None = None


def show_source(source: str) -> str:
    """An expression as messages show it."""
    return shown(" ".join(source.split()), 120)
