"""Contract text -> plain values that know their line and column, bounded before anything is built.

Values come straight from the parser's events, so that every bound (bytes, depth, nodes) is checked before
the node that would exceed it exists. One document a file; duplicate keys, merge keys (`<<`), keys that are
no text and tags beyond YAML's core are refused. Anchors and aliases are allowed: an alias counts as many
nodes as what it stands for, and shares its value, so treat values as read-only.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, NoReturn

import yaml

from omnibase_core.contracts import syntax
from omnibase_core.contracts.scalars import Scalar, UnrepresentableNumberError, resolve
from omnibase_core.enums import EnumErrorCode
from omnibase_core.errors import shown
from omnibase_core.problems import ModelProblem

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 32
MAX_NODES: Final = 20_000

YamlValue = None | bool | int | float | str | list["YamlValue"] | dict[str, "YamlValue"]
Path = tuple[str | int, ...]

_MAX_PROBLEMS: Final = 100
_BREAKS: Final = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_CORE_TAGS: Final = {
    f"tag:yaml.org,2002:{name}": name for name in ("null", "bool", "int", "float", "str", "seq", "map")
}
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "null": (type(None),),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
}


class Position(NamedTuple):
    """A place in a file, 1-based."""

    line: int
    column: int


_Mark = Any  # PyYAML has one class of marks for its C parser and one for its Python parser
_Places = list[_Mark] | dict[str, tuple[_Mark, _Mark]]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class YamlDocument:
    """The value of a file, and where each part of it stands.

    A value behind an alias stands where the alias is; what is inside it stands at the anchor.
    """

    file: str
    value: YamlValue
    _text: str
    _root: _Mark
    _places: dict[int, _Places]

    def position(self, path: Path) -> Position:
        """Where the value at `path` starts, or its nearest ancestor that exists."""
        return _position(self._find(path)[1])

    def key_position(self, path: Path) -> Position:
        """Where the key of the value at `path` starts; an item of a list, which has none, itself."""
        return _position(self._find(path)[0])

    def line(self, number: int) -> str:
        """The source line of a 1-based number; empty beyond the end."""
        return _line(self._text, number)

    def _find(self, path: Path) -> tuple[_Mark, _Mark]:
        value, found = self.value, (self._root, self._root)
        for part in path:
            places = self._places.get(id(value))
            if isinstance(part, str) and isinstance(value, dict) and isinstance(places, dict) and part in value:
                value, found = value[part], places[part]
            elif (
                isinstance(part, int)
                and isinstance(value, list)
                and isinstance(places, list)
                and 0 <= part < len(value)
            ):
                value, found = value[part], (places[part], places[part])
            else:
                break
        return found


def parse_yaml(text: str | bytes, file: str) -> tuple[YamlDocument | None, list[ModelProblem]]:
    """The document of a file and every problem of its YAML; never raises, whatever the input.

    A document is there wherever its structure could be read, with problems too, so that a caller can go on
    and report its own beside them; None after a syntax error or an exceeded bound. `file` is only named.
    """
    report = _Report(file)
    try:
        report.text = _decode(text, report)
        builder = _Builder(report)
        builder.build(_events(report.text))
    except _RefusedError:
        return None, report.problems
    except yaml.YAMLError as error:
        fault = syntax.describe(error, report.line)
        report.add(Position(fault.line, fault.column), fault.message, fault.hint, "Correct the YAML here")
        return None, report.problems
    return YamlDocument(file, builder.root, report.text, builder.root_mark, builder.places), report.problems


class _RefusedError(Exception):
    """Nothing of the file can be used; why is in the report."""


class _Report:
    """The problems of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.text = ""
        self.problems: list[ModelProblem] = []

    def line(self, number: int) -> str:
        return _line(self.text, number)

    def add(self, position: Position, message: str, hint: str, action: str) -> None:
        if len(self.problems) > _MAX_PROBLEMS:
            return
        if len(self.problems) == _MAX_PROBLEMS:
            message, hint = "More problems than are shown", f"The first {_MAX_PROBLEMS} are listed"
            action = "Correct those first, then validate again"
        self.problems.append(
            ModelProblem(
                file=self.file,
                line=position.line,
                column=position.column,
                code=EnumErrorCode.CONTRACT_VALIDATION_ERROR,
                message=message,
                hint=hint,
                action=action,
            )
        )

    def refuse(self, position: Position, message: str, hint: str, action: str) -> NoReturn:
        self.add(position, message, hint, action)
        raise _RefusedError


def _decode(text: str | bytes, report: _Report) -> str:
    if len(text) > MAX_BYTES:
        report.refuse(*_TOO_LARGE)
    try:
        encoded = text.encode() if isinstance(text, str) else text
        decoded = encoded.decode()
    except UnicodeEncodeError as error:
        report.refuse(_end_of(str(text)[: error.start]), *_NO_TEXT)
    except UnicodeDecodeError as error:
        report.refuse(_end_of(error.object[: error.start].decode()), *_NO_TEXT)
    if len(encoded) > MAX_BYTES:
        report.refuse(*_TOO_LARGE)
    decoded = decoded.removeprefix("\ufeff")
    if (bad := _UNPRINTABLE.search(decoded)) is not None:
        report.refuse(
            _end_of(decoded[: bad.start()]),
            f"The character U+{ord(bad[0]):04X} is not allowed in YAML",
            "Control characters are written as escapes in double quotes",
            "Remove it",
        )
    return decoded


def _events(text: str) -> Callable[[], yaml.Event | None]:
    """The parser's next event; None at the end. The C parser where PyYAML was built with it."""
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    return loader(text).get_event


class _Frame:
    """A collection that is being built. `key` is the key that waits for its value."""

    __slots__ = ("anchor", "before", "height", "items", "key", "key_mark", "mark", "places", "wants_key")

    def __init__(self, is_map: bool, mark: _Mark, anchor: str | None, before: int) -> None:
        self.items: dict[str, YamlValue] | list[YamlValue] = {} if is_map else []
        self.places: _Places = {} if is_map else []
        self.mark = mark
        self.anchor = anchor
        self.before = before
        self.height = 1
        self.wants_key = is_map
        self.key: str | None = None
        self.key_mark: _Mark = None


class _Anchored(NamedTuple):
    value: YamlValue
    nodes: int
    height: int


class _Builder:
    """Events -> values and their places."""

    def __init__(self, report: _Report) -> None:
        self.report = report
        self.root: YamlValue = None
        self.root_mark: _Mark = None
        self.places: dict[int, _Places] = {}
        self._nodes = 0
        self._frames: list[_Frame] = []
        self._anchors: dict[str, _Anchored | None] = {}

    def build(self, next_event: Callable[[], yaml.Event | None]) -> None:
        """Takes every event of the file.

        Raises:
            _RefusedError: a bound is exceeded, an alias leads nowhere, or there is not exactly one document.
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
                _position(event.start_mark),
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
        wanted = _CORE_TAGS.get(event.tag or "")
        if wanted == "str":
            return event.value
        value = self._plain(event) if wanted in _TYPES else event.value
        if type(value) not in _TYPES.get(wanted or "", ()):
            self._tag_problem(event)
        return value

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        mark, is_map = event.start_mark, isinstance(event, yaml.MappingStartEvent)
        if event.tag is not None and _CORE_TAGS.get(event.tag) != ("map" if is_map else "seq"):
            self._tag_problem(event)
        before = self._nodes
        self._count(1, mark)
        self._check_depth(1, mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._frames.append(_Frame(is_map, mark, event.anchor, before))

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
                _position(mark),
                f"The alias *{shown(name)} stands inside its own anchor"
                if inside
                else f"No anchor &{shown(name)} above",
                "A value cannot contain itself" if inside else "An alias repeats what an anchor above it names",
                "Write the value out here",
            )
        self._count(anchored.nodes, mark)
        self._check_depth(anchored.height, mark)
        if self._frames:
            parent = self._frames[-1]
            parent.height = max(parent.height, anchored.height + 1)
        self._place(anchored.value, mark, None)

    def _place(self, value: YamlValue, mark: _Mark, scalar: yaml.ScalarEvent | None) -> None:
        if not self._frames:
            self.root, self.root_mark = value, mark
            return
        frame = self._frames[-1]
        if isinstance(frame.items, list):
            frame.items.append(value)
            frame.places.append(mark)  # type: ignore[union-attr]  # a list's places are a list
        elif frame.wants_key:
            frame.key, frame.key_mark, frame.wants_key = self._key(frame, value, mark, scalar), mark, False
        else:
            frame.wants_key = True
            if frame.key is not None:
                frame.items[frame.key] = value
                frame.places[frame.key] = (frame.key_mark, mark)  # type: ignore[call-overload]  # a mapping's are a dict

    def _key(self, frame: _Frame, value: YamlValue, mark: _Mark, scalar: yaml.ScalarEvent | None) -> str | None:
        """The key, or None where the entry has to be left out."""
        if not isinstance(value, str):
            self._problem(
                mark, "A key that is no text", "Keys are texts; numbers, true, false and null are none", "Quote it"
            )
            return None
        if value == "<<" and scalar is not None and scalar.implicit[0]:
            self._problem(
                mark, "Merge keys ('<<') are not supported", "Alias whole values only", "Write the fields out"
            )
            return None
        if value in frame.places:
            first = _position(frame.places[value][0])  # type: ignore[call-overload]
            self._problem(
                mark,
                f"Duplicate key '{shown(value)}'",
                f"It is there already, at line {first.line}, column {first.column}",
                "Remove or rename one of the two",
            )
            return None
        return value

    def _count(self, nodes: int, mark: _Mark) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            self.report.refuse(
                _position(mark),
                f"More than {MAX_NODES} values",
                "Each use of an alias counts as many as what it stands for",
                "Split the file, or use fewer aliases",
            )

    def _check_depth(self, height: int, mark: _Mark) -> None:
        if len(self._frames) + height > MAX_DEPTH:
            self.report.refuse(
                _position(mark),
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

    def _problem(self, mark: _Mark, message: str, hint: str, action: str) -> None:
        self.report.add(_position(mark), message, hint, action)


def _position(mark: _Mark) -> Position:
    return Position(mark.line + 1, mark.column + 1)


def _end_of(text: str) -> Position:
    lines = _BREAKS.split(text)
    return Position(len(lines), len(lines[-1]) + 1)


def _line(text: str, number: int) -> str:
    lines = _BREAKS.split(text)
    return lines[number - 1] if 1 <= number <= len(lines) else ""


_NO_TEXT: Final = (
    "The file is not UTF-8",
    "What is here is no character; YAML files are text in UTF-8",
    "Save the file as UTF-8",
)
_TOO_LARGE: Final = (
    Position(1, 1),
    f"The file is larger than {MAX_BYTES} bytes",
    "A contract is text that people write",
    "Split it: node contracts are files of their own",
)
