"""Parser events -> plain values and their places, every bound checked before the value that would exceed it."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import yaml

from omnibase_core.contracts import syntax
from omnibase_core.contracts.report import Mark, Position, Report, position_of
from omnibase_core.contracts.scalars import LIST_TAG, MAP_TAG, Scalar, UnrepresentableNumberError, resolve, tagged
from omnibase_core.errors import shown
from omnibase_core.patterns import deferred

MAX_DEPTH: Final = 32
MAX_NODES: Final = 20_000

YamlValue = None | bool | int | float | str | list["YamlValue"] | dict[str, "YamlValue"]
Places = list[Mark] | dict[str, tuple[Mark, Mark]]

_LONE_SURROGATE: Final = deferred("[\ud800-\udfff]")  # PyYAML's Python parser lets their escapes through


class _Frame:
    """A collection that is being built. `before` counts the nodes before it, `height` its levels so far."""

    __slots__ = ("anchor", "before", "height", "mark")

    def __init__(self, mark: Mark, anchor: str | None, before: int) -> None:
        self.mark = mark
        self.anchor = anchor
        self.before = before
        self.height = 1


class _List(_Frame):
    __slots__ = ("items", "places")

    def __init__(self, mark: Mark, anchor: str | None, before: int) -> None:
        super().__init__(mark, anchor, before)
        self.items: list[YamlValue] = []
        self.places: list[Mark] = []


class _Map(_Frame):
    """`key` waits for its value; None where the entry has to be left out."""

    __slots__ = ("items", "key", "key_mark", "places", "wants_key")

    def __init__(self, mark: Mark, anchor: str | None, before: int) -> None:
        super().__init__(mark, anchor, before)
        self.items: dict[str, YamlValue] = {}
        self.places: dict[str, tuple[Mark, Mark]] = {}
        self.wants_key = True
        self.key: str | None = None
        self.key_mark: Mark = None


class _Anchored(NamedTuple):
    value: YamlValue
    nodes: int
    height: int


class Composer:
    """Events -> values and their places."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.root: YamlValue = None
        self.root_mark: Mark = None
        self.places: dict[int, Places] = {}
        self._nodes = 0
        self._frames: list[_List | _Map] = []
        self._anchors: dict[str, _Anchored | None] = {}

    def compose(self, next_event: Callable[[], yaml.Event | None]) -> None:
        """Takes every event of the file.

        Raises:
            RefusedError: a bound is exceeded, an alias leads nowhere, or there is not exactly one document.
            yaml.YAMLError: a syntax error.
        """
        takers: dict[type[yaml.Event], Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }
        while (event := next_event()) is not None:
            taker = takers.get(type(event))
            if taker is not None:
                taker(event)
        if self.root_mark is None:
            self.report.refuse(Position(1, 1), "The file is empty", "It holds no YAML value", "Write the contract")

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        if self.root_mark is not None:
            self.report.refuse(
                position_of(event.start_mark),
                "A second document starts here",
                "One contract a file",
                "Move it into a file of its own, or remove the '---'",
            )

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._count(1, event.start_mark)
        value: YamlValue = event.value
        if event.tag is not None:
            value = self._tagged(event)
        elif event.implicit[0]:
            value = self._plain(event)
        elif not event.value.isascii() and _LONE_SURROGATE.search(event.value) is not None:
            self._problem(
                event.start_mark,
                "An escape that is no character",
                "Surrogates stand for nothing alone",
                "Correct it",
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, 1, 0)
        self._place(value, event.start_mark, event)

    def _plain(self, event: yaml.ScalarEvent) -> Scalar:
        text = event.value
        if "${{" in text and text.rfind("${{") > text.rfind("}}"):
            self._problem(event.start_mark, "An expression that does not end", syntax.QUOTE_EXPRESSION, "Quote it")
        try:
            return resolve(text)
        except UnrepresentableNumberError as error:
            self._problem(event.start_mark, str(error), "Numbers are those of JSON", "Quote it if a text is meant")
            return text

    def _tagged(self, event: yaml.ScalarEvent) -> Scalar:
        try:
            return tagged(event.value, event.tag or "")
        except ValueError:
            self._tag_problem(event)
            return event.value

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        mark, is_map = event.start_mark, isinstance(event, yaml.MappingStartEvent)
        if event.tag is not None and event.tag != (MAP_TAG if is_map else LIST_TAG):
            self._tag_problem(event)
        before = self._nodes
        self._count(1, mark)
        self._check_depth(1, mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._frames.append((_Map if is_map else _List)(mark, event.anchor, before))

    def _end(self, event: yaml.MappingEndEvent | yaml.SequenceEndEvent) -> None:
        frame = self._frames.pop()
        self.places[id(frame.items)] = frame.places
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchored(frame.items, self._nodes - frame.before, frame.height)
        if self._frames:
            parent = self._frames[-1]
            parent.height = max(parent.height, frame.height + 1)
        self._place(frame.items, frame.mark, None)

    def _alias(self, event: yaml.AliasEvent) -> None:
        mark, name = event.start_mark, event.anchor or ""
        anchored = self._anchors.get(name)
        if anchored is None:
            inside = name in self._anchors
            self.report.refuse(
                position_of(mark),
                f"The alias *{shown(name)} stands inside its own anchor"
                if inside
                else f"No anchor &{shown(name)} above",
                "A value cannot contain itself" if inside else "An alias repeats what an anchor above it names",
                "Write the value out here",
            )
        self._count(anchored.nodes, mark)
        self._check_depth(anchored.height, mark)
        parent = self._frames[-1]
        parent.height = max(parent.height, anchored.height + 1)
        self._place(anchored.value, mark, None)

    def _place(self, value: YamlValue, mark: Mark, scalar: yaml.ScalarEvent | None) -> None:
        if not self._frames:
            self.root, self.root_mark = value, mark
            return
        frame = self._frames[-1]
        if isinstance(frame, _List):
            frame.items.append(value)
            frame.places.append(mark)
        elif frame.wants_key:
            frame.key, frame.key_mark, frame.wants_key = self._key(frame, value, mark, scalar), mark, False
        else:
            frame.wants_key = True
            if frame.key is not None:
                frame.items[frame.key] = value
                frame.places[frame.key] = (frame.key_mark, mark)

    def _key(self, frame: _Map, value: YamlValue, mark: Mark, scalar: yaml.ScalarEvent | None) -> str | None:
        if not isinstance(value, str):
            written = "A list or mapping" if scalar is None else f"'{shown(scalar.value)}'"
            self._problem(
                mark,
                f"{written} as a key",
                "Keys are texts; numbers, true, false and null are none",
                "Quote the key",
            )
            return None
        if value == "<<" and scalar is not None and scalar.implicit[0]:
            self._problem(
                mark,
                "Merge keys ('<<') are not supported",
                "An alias repeats a whole value; it is not merged into another",
                "Write the fields out",
            )
            return None
        if value in frame.places:
            first = position_of(frame.places[value][0])
            self._problem(
                mark,
                f"Duplicate key '{shown(value)}'",
                f"It is there already, at line {first.line}, column {first.column}",
                "Remove or rename one of the two",
            )
            return None
        return value

    def _count(self, nodes: int, mark: Mark) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            self.report.refuse(
                position_of(mark),
                f"More than {MAX_NODES} values",
                "Each use of an alias counts as many as what it stands for",
                "Split the file, or use fewer aliases",
            )

    def _check_depth(self, height: int, mark: Mark) -> None:
        if len(self._frames) + height > MAX_DEPTH:
            self.report.refuse(
                position_of(mark),
                f"Nested deeper than {MAX_DEPTH} levels",
                "Lists and mappings, an alias's own levels included",
                "Flatten the contract",
            )

    def _tag_problem(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        self._problem(
            event.start_mark,
            f"The tag {shown(event.tag or '')} is not allowed here",
            "Only YAML's core types are read, and a tag must fit its value",
            "Remove the tag; quote a text that starts with '!'",
        )

    def _problem(self, mark: Mark, message: str, hint: str, action: str) -> None:
        self.report.add(position_of(mark), message, hint, action)
