"""One problem of one contract file, as the terminal, the log and an editor show it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class ModelProblem(BaseModel):
    """A problem, where it is (1-based line and column; None where a whole file is meant) and the way out."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    file: str
    line: int | None = None
    column: int | None = None
    code: str
    message: str
    hint: str | None = None
    action: str | None = None
    severity: Literal["error", "warning"] = "error"

    @property
    def where(self) -> str:
        """`path:line:column`, as far as known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)

    def render(self) -> str:
        """The problem as indented lines; the same text on the terminal and in logs."""
        label = "Error" if self.severity == "error" else "Warning"
        lines = [f"  File: {self.where}", f"  {label}: {self.message}"]
        if self.hint:
            lines.append(f"  Hint: {self.hint}")
        if self.action:
            lines.append(f"  Action: {self.action}")
        return "\n".join(lines)

    def sort_key(self) -> tuple[str, int, int, str]:
        """The order in which problems are reported: by place."""
        return (self.file, self.line or 0, self.column or 0, self.message)
