"""What can be wrong with an expression: faults found when it is compiled, and errors of its evaluation."""

from typing import Final, Literal, NamedTuple

OPENING: Final = "${{"
"""What an expression in a text starts with."""

Place = tuple[str | int, ...]


class Fault(NamedTuple):
    """A fault of an expression, `at` its 0-based character; `severity` as problems of contracts have it."""

    at: int
    message: str
    hint: str
    severity: Literal["error", "warning"] = "error"


class TemplateFault(NamedTuple):
    """A fault of a template: its place below the value, and the 0-based character of the text there."""

    place: Place
    fault: Fault


class ExpressionError(ValueError):
    """An expression that cannot be read at all."""

    def __init__(self, at: int, message: str, hint: str) -> None:
        super().__init__(message)
        self.fault = Fault(at, message, hint)


class EvaluationError(ValueError):
    """An expression that has no value for this scope.

    reason: what is wanted and what came, by kind and never by value. function: in which it happened, if in one.
    place, source: the template's place and the expression's own text, once they are known.
    """

    def __init__(self, reason: str, function: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.function = function
        self.place: Place | None = None
        self.source = ""

    @property
    def sentence(self) -> str:
        """The reason, with the function before it."""
        return f"{self.function}: {self.reason}" if self.function else self.reason

    def placed(self, place: Place, source: str) -> "EvaluationError":
        """This error with its place, unless it has one already."""
        if self.place is None:
            self.place, self.source = place, source
        return self
