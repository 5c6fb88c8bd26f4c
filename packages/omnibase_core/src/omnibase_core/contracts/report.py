"""What is wrong with the YAML of one file, and where."""

from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from omnibase_core.enums import EnumErrorCode

if TYPE_CHECKING:
    from omnibase_core.problems import ModelProblem

Mark = Any  # PyYAML has one class of marks for its C parser and one for its Python parser

_MAX_PROBLEMS: Final = 100


class Position(NamedTuple):
    """A place in a file, 1-based."""

    line: int
    column: int


class RefusedError(Exception):
    """Nothing of the file can be used; why is in the report."""


class Report:
    """The problems of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.text = ""
        self.problems: list[ModelProblem] = []

    def add(self, position: Position, message: str, hint: str, action: str) -> None:
        if len(self.problems) > _MAX_PROBLEMS:
            return
        if len(self.problems) == _MAX_PROBLEMS:
            message, hint = "More problems than are shown", f"The first {_MAX_PROBLEMS} are listed"
            action = "Correct those first, then validate again"
        from omnibase_core.problems import ModelProblem  # most files have no problem, and need no model for it

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
        raise RefusedError


def position_of(mark: Mark) -> Position:
    return Position(mark.line + 1, mark.column + 1)
