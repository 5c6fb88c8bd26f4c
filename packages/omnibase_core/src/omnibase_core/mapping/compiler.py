"""Compiles templates: plain values whose texts hold expressions, `${{ … }}`; all else is literal, keys too."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from omnibase_core.mapping.check import Checker
from omnibase_core.mapping.expression import compile_tree, path_root
from omnibase_core.mapping.faults import OPENING, EvaluationError, ExpressionError, Fault, Place, TemplateFault
from omnibase_core.mapping.literals import quote_end
from omnibase_core.mapping.static import ANY, STRING, Type, join_all, levels_of, list_of, record, type_of
from omnibase_core.mapping.template import Render, Template
from omnibase_core.mapping.tree import parse
from omnibase_core.mapping.values import OMITTED, as_text, kind_of, said

_MARK: Final = re.compile(r"['\"`{}]")

Insert = Callable[[object], str]
Outward = Callable[[Type], Callable[[object], object] | None]


class Expression(NamedTuple):
    """An expression in a text: its own text, and where that starts."""

    source: str
    at: int


def split_text(text: str) -> list[str | Expression]:
    """The literal parts and the expressions of a text, in order. Raises ExpressionError."""
    parts: list[str | Expression] = []
    at = 0
    while (opening := text.find(OPENING, at)) >= 0:
        if opening > at:
            parts.append(text[at:opening])
        start = opening + len(OPENING)
        end = _closing(text, start, opening)
        parts.append(Expression(text[start:end], start))
        at = end + 2
    if at < len(text):
        parts.append(text[at:])
    return parts


def _closing(text: str, at: int, opening: int) -> int:
    depth = 0
    while (mark := _MARK.search(text, at)) is not None:
        character, start = mark.group(), mark.start()
        at = start + 1
        if character == "{":
            depth += 1
        elif character == "}" and depth:
            depth -= 1
        elif character == "}" and text[at : at + 1] == "}":
            return start
        elif character == "}":
            raise ExpressionError(start, "A } that closes nothing", "An expression ends with }}")
        else:
            at = quote_end(text, start)
    raise ExpressionError(
        opening, "An expression that does not end", "Close it with }}; literal text is ${{ '${{' }}"
    )


def inserted(value: object) -> str:
    """A value as it stands inside longer text. Raises EvaluationError for null, lists and objects."""
    text = None if isinstance(value, list | dict) else as_text(value)
    if text is None:
        raise EvaluationError(
            f"{said(kind_of(value))} cannot stand inside a text; coalesce(a, '') stands in for null"
            if value is None
            else f"{said(kind_of(value))} cannot stand inside a text"
        )
    return text


class TemplateCompiler:
    """Compiles templates of one scope, and collects their faults and the roots that they use.

    scope: a record of the roots. outward: what is done, by its type, to the value of a scalar that is nothing
    but one expression.
    """

    def __init__(self, scope: Type, *, outward: Outward | None = None) -> None:
        self.scope = scope
        self.faults: list[TemplateFault] = []
        self.roots: set[str] = set()
        self._outward = outward

    def compile(self, value: object, place: Place, *, droppable: bool = False) -> Template:
        """The template of a value; droppable: whether omit() may drop it."""
        if isinstance(value, dict):
            return self._object(value, place)
        if isinstance(value, list):
            return self._list(value, place)
        if isinstance(value, str) and OPENING in value:
            return self._text(value, place, droppable)
        return _constant(value)

    def insertion(self, text: str, place: Place, insert: Insert) -> Template:
        """A template that is always text; `insert` makes the text of each expression's value."""
        parts = self._parts(text, place)
        if all(isinstance(part, str) for part in parts):
            return _constant(text)
        return self._joined(parts, place, insert)

    def fault(self, place: Place, at: int, message: str, hint: str) -> None:
        """Records a fault."""
        self.faults.append(TemplateFault(place, Fault(at, message, hint)))

    def _object(self, value: Mapping[str, object], place: Place) -> Template:
        for key in value:
            if OPENING in key:
                fault = Fault(0, _KEY, "An object with such a key: ${{ {key: value} }}", "warning")
                self.faults.append(TemplateFault((*place, key), fault))
        fields = {key: self.compile(item, (*place, key), droppable=True) for key, item in value.items()}
        type_ = record({key: field.type for key, field in fields.items()})
        levels = nested(field.levels for field in fields.values())
        if all(field.constant for field in fields.values()):
            return Template(lambda scope: value, type_, constant=True, levels=levels)
        renders = [(key, field.render) for key, field in fields.items()]

        def render(scope: Mapping[str, object]) -> object:
            return {key: item for key, each in renders if (item := each(scope)) is not OMITTED}

        return Template(render, type_, levels=levels)

    def _list(self, value: Sequence[object], place: Place) -> Template:
        items = [self.compile(item, (*place, index)) for index, item in enumerate(value)]
        type_ = list_of(join_all(item.type for item in items))
        levels = nested(item.levels for item in items)
        if all(item.constant for item in items):
            return Template(lambda scope: value, type_, constant=True, levels=levels)
        renders = [item.render for item in items]
        return Template(lambda scope: [render(scope) for render in renders], type_, levels=levels)

    def _text(self, text: str, place: Place, droppable: bool) -> Template:
        parts = self._parts(text, place)
        whole = [part for part in parts if not (isinstance(part, str) and part.isspace())]
        if len(whole) == 1 and isinstance(whole[0], Expression):
            template = self._expression(whole[0], place, droppable)
            outward = self._outward(template.type) if self._outward is not None else None
            return template if outward is None else template._replace(render=_through(template.render, outward))
        return self._joined(parts, place, inserted)

    def _parts(self, text: str, place: Place) -> list[str | Expression]:
        try:
            return split_text(text)
        except ExpressionError as error:
            self.faults.append(TemplateFault(place, error.fault))
            return []

    def _joined(self, parts: Sequence[str | Expression], place: Place, insert: Insert) -> Template:
        renders: list[str | Render] = []
        is_json = True
        for part in parts:
            if isinstance(part, str):
                renders.append(part)
                continue
            template = self._expression(part, place, False)
            kind = template.type.runtime_kind
            if kind in ("null", "list", "object"):
                self.fault(place, part.at, f"{said(kind)} cannot stand inside a text", "Take one value out of it")
            is_json = is_json and template.levels == 0
            renders.append(_inserting(template.render, insert, place, part.source.strip()))

        def render(scope: Mapping[str, object]) -> object:
            return "".join([each if isinstance(each, str) else str(each(scope)) for each in renders])

        return Template(render, STRING, levels=0 if is_json else None)

    def _expression(self, part: Expression, place: Place, droppable: bool) -> Template:
        checker = Checker(self.scope)
        try:
            tree = parse(part.source)
        except ExpressionError as error:
            self._shifted([error.fault], part.at, place)
            return Template(lambda scope: None, ANY)
        type_ = checker.check(tree, self.scope, droppable=droppable)
        self.roots |= checker.roots
        if checker.faults:
            self._shifted(checker.faults, part.at, place)
            return Template(lambda scope: None, type_)
        closure, source = compile_tree(tree), part.source.strip()
        if (root := path_root(tree)) is not None:
            # The input is checked, and what goes outward is converted; a path cannot fail.
            levels = levels_of(type_) if root == "input" and self._outward is not None else None
            return Template(lambda scope: closure(scope, scope), type_, levels=levels)

        def render(scope: Mapping[str, object]) -> object:
            try:
                return closure(scope, scope)
            except EvaluationError as error:
                raise error.placed(place, source) from None

        return Template(render, type_)

    def _shifted(self, faults: Sequence[Fault], at: int, place: Place) -> None:
        self.faults += [TemplateFault(place, fault._replace(at=fault.at + at)) for fault in faults]


def _constant(value: object) -> Template:
    type_ = type_of(value)
    return Template(lambda scope: value, type_, constant=True, levels=levels_of(type_))


def nested(inner: Iterable[int | None]) -> int | None:
    """The levels of what holds parts of these levels."""
    every = list(inner)
    known = [each for each in every if each is not None]
    return 1 + max(known, default=0) if len(known) == len(every) else None


def _through(render: Render, outward: Callable[[object], object]) -> Render:
    def converted(scope: Mapping[str, object]) -> object:
        value = render(scope)
        return value if value is OMITTED else outward(value)

    return converted


def _inserting(render: Render, insert: Insert, place: Place, source: str) -> Render:
    def text(scope: Mapping[str, object]) -> object:
        try:
            return insert(render(scope))
        except EvaluationError as error:
            raise error.placed(place, source) from None

    return text


_KEY: Final = "Keys are literal: the expression in this one is not evaluated"
