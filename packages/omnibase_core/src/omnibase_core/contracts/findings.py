"""Where contract values stand, and the problems that are found in them."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from omnibase_core.contracts.source import Path, YamlDocument, YamlValue
from omnibase_core.enums import EnumErrorCode
from omnibase_core.errors import printable, shown

if TYPE_CHECKING:
    from omnibase_core.problems import ModelProblem

Severity = Literal["error", "warning"]


class Refusal(NamedTuple):
    """What is wrong, and the way out."""

    message: str
    hint: str | None = None
    action: str | None = None


class ContractFile:
    """A parsed file and its working value, in which variables are expanded and literal secrets blanked.

    variables: the variables that the text at a path was made from.
    unchecked: paths whose real value is not known (an unset variable, a blanked secret); what is wrong
        with the stand-in there is nobody's mistake.
    newer_schema: the file's schema version where that is a newer minor one than ours.
    """

    def __init__(self, document: YamlDocument, value: YamlValue) -> None:
        self.document = document
        self.value = value
        self.variables: dict[Path, tuple[str, ...]] = {}
        self.unchecked: set[Path] = set()
        self.newer_schema: str | None = None

    @property
    def file(self) -> str:
        """The path that messages name."""
        return self.document.file

    def is_unchecked(self, path: Path) -> bool:
        """Whether the value at a path, or one that holds it, is not known."""
        return any(path[:length] in self.unchecked for length in range(len(path) + 1))


class Origin(NamedTuple):
    """A place in a file."""

    file: ContractFile
    path: Path


class Section(NamedTuple):
    """A value to check and where its parts were written.

    `home` is the place of the value itself; `moved` names the top-level keys that came from elsewhere.
    """

    value: YamlValue
    home: Origin
    moved: Mapping[str, Origin] = MappingProxyType({})

    def origin(self, path: Path = ()) -> Origin:
        """Where the value at a path of this section was written."""
        if path and isinstance(path[0], str) and path[0] in self.moved:
            elsewhere = self.moved[path[0]]
            return Origin(elsewhere.file, (*elsewhere.path, *path[1:]))
        return Origin(self.home.file, (*self.home.path, *path))

    def child(self, *path: str | int) -> "Section":
        """The section at a path; its value is None where there is nothing."""
        return Section(value_at(self.value, path), self.origin(path))

    def mapping(self) -> Mapping[str, YamlValue]:
        """The value where it is a mapping, else an empty one."""
        return self.value if isinstance(self.value, dict) else {}

    def items(self) -> list["Section"]:
        """The parts of a list; none where the value is no list."""
        count = len(self.value) if isinstance(self.value, list) else 0
        return [self.child(index) for index in range(count)]


class Findings:
    """The problems of one run over any number of files; the same problem of the same place counts once."""

    def __init__(self, *, lenient: bool = False) -> None:
        self.lenient = lenient
        self._problems: dict[ModelProblem, None] = {}

    def add(
        self,
        origin: Origin,
        refusal: Refusal,
        *,
        severity: Severity = "error",
        at_key: bool = False,
        within: int = 0,
    ) -> None:
        """Records a problem at a place; `at_key` where the key is meant and not its value, `within` where it is
        a later character of a text. Of a value that was made from variables, the hint names them."""
        if variables := origin.file.variables.get(origin.path):
            made = f"Its text comes from {', '.join(f'${{{name}}}' for name in variables)}"
            refusal = refusal._replace(hint=f"{refusal.hint}. {made}" if refusal.hint else made)
        document = origin.file.document
        place = document.key_position(origin.path) if at_key else document.position(origin.path)
        if within:
            place = document.position_within(origin.path, within)
        self._record(origin.file.file, refusal, severity, place.line, place.column)

    def add_file(self, file: str, refusal: Refusal, *, severity: Severity = "error") -> None:
        """Records a problem of a file as a whole."""
        self._record(file, refusal, severity, None, None)

    def extend(self, problems: "Iterable[ModelProblem]") -> None:
        """Records problems that were found elsewhere."""
        self._problems.update(dict.fromkeys(problems))

    def sorted(self) -> "tuple[ModelProblem, ...]":
        """All problems, by file, line and column."""
        return tuple(sorted(self._problems, key=lambda problem: problem.sort_key()))

    def _record(
        self, file: str, refusal: Refusal, severity: Severity, line: int | None, column: int | None
    ) -> None:
        from omnibase_core.problems import ModelProblem  # most files have no problem, and need no model for it

        problem = ModelProblem(
            file=file,
            line=line,
            column=column,
            code=EnumErrorCode.CONTRACT_VALIDATION_ERROR,
            message=printable(refusal.message),
            hint=refusal.hint and printable(refusal.hint),
            action=refusal.action and printable(refusal.action),
            severity=severity,
        )
        self._problems[problem] = None


def holds(value: YamlValue, part: str | int) -> bool:
    """Whether a mapping has this key, or a list this index."""
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value)


def value_at(value: YamlValue, path: Path) -> YamlValue:
    """What stands at a path; None where nothing does."""
    for part in path:
        if not holds(value, part):
            return None
        value = value[part]  # type: ignore[index]  # `holds` has just said so
    return value


def dotted(path: Path) -> str:
    """A path as people write it: `runtime.handlers[0].config`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + shown(part)
    return text or "the file"
