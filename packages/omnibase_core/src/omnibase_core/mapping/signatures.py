"""What functions take: parameters, how arguments are held to them, and how a call is written."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from omnibase_core.mapping.static import Type
from omnibase_core.mapping.values import KINDS, Kind, kind_of, said

Result = Callable[[Sequence[Type]], Type]


class Parameter(NamedTuple):
    """What an argument may be. No kinds: anything, null included. items: the kinds that a list may hold, all
    items of one kind. words: the texts that are allowed."""

    kinds: frozenset[Kind] = frozenset()
    items: frozenset[Kind] = frozenset()
    words: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """The parameter in words."""
        if self.words:
            return " or ".join(f"'{word}'" for word in self.words)
        if len(self.kinds) == len(_ORDER) - 2 and not self.kinds & {"null", "expression"}:
            return "anything but null"
        names = [said(kind) for kind in _ORDER if kind in self.kinds]
        if self.items:
            held = " or all ".join(f"{kind}s" if kind != "string" else "texts" for kind in sorted(self.items))
            names = [f"a list of {held}" if name == "a list" else name for name in names]
        return " or ".join(names) or "anything"


class Function(NamedTuple):
    """A function. optional: how many of the last parameters may be left out. repeats: the last one may come
    again. call: None for those that the compiler knows."""

    name: str
    parameters: tuple[Parameter, ...]
    result: Result
    call: Callable[..., object] | None
    optional: int = 0
    repeats: bool = False

    @property
    def fewest(self) -> int:
        """The least number of arguments."""
        return len(self.parameters) - self.optional

    @property
    def most(self) -> int | None:
        """The largest number of arguments; None for any."""
        return None if self.repeats else len(self.parameters)

    def parameter(self, index: int) -> Parameter:
        """The parameter of an argument."""
        return self.parameters[min(index, len(self.parameters) - 1)]


_ORDER: Final[tuple[Kind, ...]] = ("null", "boolean", "number", "string", "list", "object", "expression")


def check_argument(parameter: Parameter, value: object) -> str | None:
    """Why an argument does not fit, in words; None where it does."""
    if not parameter.kinds:
        return None
    kind = KINDS.get(type(value), "expression")
    if kind not in parameter.kinds:
        return f"must be {parameter.said}, not {said(kind)}"
    if parameter.items and isinstance(value, list):
        return _check_items(parameter, value)
    return None


def _check_items(parameter: Parameter, items: list[object]) -> str | None:
    wanted = parameter.items
    for index, item in enumerate(items):
        kind = kind_of(item)
        if kind not in wanted:
            return f"must be {parameter.said}, but its item {index} is {said(kind)}"
        if index == 0:
            wanted = frozenset((kind,))
    return None


def signature(function: Function) -> str:
    """A call of the function in words."""
    names = [_written(parameter) for parameter in function.parameters]
    return f"{function.name}({', '.join(names)}{', …' if function.repeats else ''})"


def _written(parameter: Parameter) -> str:
    if parameter.words:
        return parameter.said
    names = [name for kind, name in _WRITTEN if kind in parameter.kinds]
    return " or ".join(names) if 0 < len(names) <= 2 else "value"


_WRITTEN: Final[tuple[tuple[Kind, str], ...]] = (
    ("expression", "&expression"),
    ("string", "text"),
    ("list", "list"),
    ("object", "object"),
    ("number", "number"),
    ("boolean", "boolean"),
    ("null", "null"),
)
