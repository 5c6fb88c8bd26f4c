"""Contract text -> plain values that know their line and column, bounded before anything is built.

Values come straight from the parser's events, so that every bound (bytes, depth, nodes) is checked before
the node that would exceed it exists. One document a file; duplicate keys, merge keys (`<<`), keys that are
no text and tags beyond YAML's core are refused. Anchors and aliases are allowed: an alias counts as many
nodes as what it stands for, and shares its value, so treat values as read-only.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import yaml
from yaml.reader import Reader

from omnibase_core.contracts import syntax
from omnibase_core.contracts.composer import Composer, Places, YamlValue
from omnibase_core.contracts.report import Mark, Position, RefusedError, Report, position_of
from omnibase_core.contracts.within import position_within

if TYPE_CHECKING:
    from omnibase_core.problems import ModelProblem

__all__ = ["MAX_BYTES", "Path", "Position", "YamlDocument", "YamlValue", "parse_yaml"]

MAX_BYTES: Final = 256 * 1024
Path = tuple[str | int, ...]

_UNPRINTABLE: Final[re.Pattern[str]] = Reader.NON_PRINTABLE  # compiled already; the slowest pattern of a start
_TAG_DIRECTIVE: Final = re.compile("^%TAG", re.MULTILINE)  # libyaml takes the square of their number to read them


class YamlDocument:
    """The value of a file, and where each part of it stands.

    A value behind an alias stands where the alias is; what is inside it stands at the anchor.
    """

    __slots__ = ("_places", "_root", "_text", "file", "value")

    def __init__(self, file: str, value: YamlValue, text: str, root: Mark, places: dict[int, Places]) -> None:
        self.file = file
        self.value = value
        self._text = text
        self._root = root
        self._places = places

    def position(self, path: Path) -> Position:
        """Where the value at `path` starts, or its nearest ancestor that exists."""
        return position_of(self._find(path)[1])

    def position_within(self, path: Path, offset: int) -> Position:
        """Where the 0-based character `offset` of the text at `path` stands."""
        text, value = self.position(path), self._value(path)
        if not isinstance(value, str):
            return text
        return position_within(syntax.BREAKS.split(self._text), text, value, offset)

    def key_position(self, path: Path) -> Position:
        """Where the key of the value at `path` starts; an item of a list, which has none, itself."""
        return position_of(self._find(path)[0])

    def line(self, number: int) -> str:
        """The source line of a 1-based number; empty beyond the end."""
        return syntax.source_line(self._text, number)

    def _value(self, path: Path) -> YamlValue:
        value = self.value
        for part in path:
            if isinstance(value, dict) and part in value:
                value = value[str(part)]
            elif isinstance(value, list) and part in range(len(value)):
                value = value[int(part)]
            else:
                return None
        return value

    def _find(self, path: Path) -> tuple[Mark, Mark]:
        value, found = self.value, (self._root, self._root)
        for part in path:
            places = self._places.get(id(value))
            if isinstance(value, dict) and isinstance(places, dict) and isinstance(part, str) and part in value:
                value, found = value[part], places[part]
            elif isinstance(value, list) and isinstance(places, list) and part in range(len(value)):
                value, found = value[int(part)], (places[int(part)],) * 2
            else:
                break
        return found


def parse_yaml(text: str | bytes, file: str) -> "tuple[YamlDocument | None, list[ModelProblem]]":
    """The document of a file and every problem of its YAML; never raises, whatever the input.

    A document is there wherever its structure could be read, with problems too, so that a caller can go on
    and report its own beside them; None after a syntax error or an exceeded bound. `file` is only named.
    """
    report = Report(file)
    try:
        report.text = _decode(text, report)
        composer = Composer(report)
        composer.compose(_events(report.text))
    except RefusedError:
        return None, report.problems
    except yaml.YAMLError as error:
        fault = syntax.describe(error, report.text)
        report.add(Position(fault.line, fault.column), fault.message, fault.hint, "Correct the YAML here")
        return None, report.problems
    return YamlDocument(file, composer.root, report.text, composer.root_mark, composer.places), report.problems


def _decode(text: str | bytes, report: Report) -> str:
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
    if (bad := _first_unprintable(decoded)) is not None:
        report.refuse(
            _end_of(decoded[:bad]),
            f"The character U+{ord(decoded[bad]):04X} is not allowed in YAML",
            "Control characters are written as escapes in double quotes",
            "Remove it",
        )
    if (directive := _TAG_DIRECTIVE.search(decoded)) is not None:
        report.refuse(
            _end_of(decoded[: directive.start()]),
            "A %TAG directive",
            "Contracts use YAML's own types only",
            "Remove the directive and the tags that need it",
        )
    return decoded


def _first_unprintable(text: str) -> int | None:
    """Where the first character is that YAML does not allow, a byte order mark within the text included."""
    bad = _UNPRINTABLE.search(text)
    found = [place for place in (text.find("\ufeff"), -1 if bad is None else bad.start()) if place >= 0]
    return min(found, default=None)


def _end_of(text: str) -> Position:
    lines = syntax.BREAKS.split(text)
    return Position(len(lines), len(lines[-1]) + 1)


def _events(text: str) -> Callable[[], yaml.Event | None]:
    """The parser's next event; None at the end. The C parser where PyYAML was built with it."""
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    return loader(text).get_event


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
