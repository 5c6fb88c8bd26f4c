"""What a comparison of two contracts yields: changes, each with its verdict and where it is written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from omnibase_core.contracts.literals import is_reference
from omnibase_core.contracts.source import Path, YamlDocument

Audience = Literal["callers", "responders", "operators"]
Change = Literal["added", "removed", "changed"]
Verdict = Literal["compatible", "breaking"]

_VERDICTS: Final = ("breaking", "compatible")


class ModelPlace(BaseModel):
    """A place in a contract file; line and column count from 1."""

    model_config = ConfigDict(frozen=True)

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class ModelContractChange(BaseModel):
    """One change between two contracts.

    node: the slug of the node whose contract changed; null for the runtime contract itself.
    subject: what changed, the same text whichever side is the older (`input.items[].price`).
    affects: callers send requests and read responses; responders are the servers that nodes call; operators
        run the host.
    old, new: where it is written on each side; null on the side that lacks it.
    """

    model_config = ConfigDict(frozen=True)

    node: str | None
    subject: str
    change: Change
    verdict: Verdict
    affects: Audience
    message: str
    old: ModelPlace | None
    new: ModelPlace | None

    def sort_key(self) -> tuple[int, str, str, str, str]:
        """Breaking changes first, then the runtime contract before its nodes, then by subject."""
        return (_VERDICTS.index(self.verdict), self.node or "", self.subject, self.affects, self.message)


class Finding(NamedTuple):
    """A change before anybody knows its file: `old` and `new` are paths, None on the side that lacks it."""

    subject: str
    change: Change
    verdict: Verdict
    affects: Audience
    message: str
    old: Path | None
    new: Path | None


Locate = Callable[[Path], tuple[YamlDocument, Path]]
"""Finds where a path of a contract is written: the file, and the path in it."""


def placed(
    findings: Iterator[Finding], node: str | None, old: Locate, new: Locate
) -> Iterator[ModelContractChange]:
    """The findings with the places of their paths."""
    for finding in findings:
        yield ModelContractChange(
            node=node,
            subject=finding.subject,
            change=finding.change,
            verdict=finding.verdict,
            affects=finding.affects,
            message=finding.message,
            old=None if finding.old is None else _place(*old(finding.old)),
            new=None if finding.new is None else _place(*new(finding.new)),
        )


def _place(document: YamlDocument, path: Path) -> ModelPlace:
    position = document.position(path)
    return ModelPlace(file=document.file, line=position.line, column=position.column)


class Rule(NamedTuple):
    """How a change of one field is judged: whom it affects, and of the two values whether it breaks, and why."""

    affects: Audience
    judge: Callable[[object, object], tuple[Verdict, str]]


def note(affects: Audience, remark: str = "") -> Rule:
    """A change that breaks nobody."""
    return Rule(affects, lambda old, new: ("compatible", _moved(old, new, remark)))


def breaks(affects: Audience, remark: str) -> Rule:
    """A change that breaks, whatever the values."""
    return Rule(affects, lambda old, new: ("breaking", _moved(old, new, remark)))


def ranked(affects: Audience, order: Sequence[object], remark: str) -> Rule:
    """A change that breaks where it goes back in `order`; `remark` says what is lost then."""

    def judge(old: object, new: object) -> tuple[Verdict, str]:
        worse = order.index(new) < order.index(old)
        return ("breaking" if worse else "compatible", _moved(old, new, remark if worse else ""))

    return Rule(affects, judge)


def lowered(affects: Audience, remark: str) -> Rule:
    """A limit: lowering it breaks, and `remark` says what; raising it does not. None stands for no limit."""

    def judge(old: object, new: object) -> tuple[Verdict, str]:
        worse = isinstance(new, int | float) and (not isinstance(old, int | float) or new < old)
        return ("breaking" if worse else "compatible", _moved(old, new, remark if worse else ""))

    return Rule(affects, judge)


class FieldDifference(NamedTuple):
    """A field whose value differs: its path below the whole, what became of it, and what its rule says."""

    path: Path
    change: Change
    rule: Rule
    verdict: Verdict
    message: str

    @property
    def name(self) -> str:
        """The path as a subject has it."""
        return ".".join(str(part) for part in self.path)


def field_changes(
    old: Mapping[str, object], new: Mapping[str, object], rules: Mapping[str, Rule], default: Rule
) -> Iterator[FieldDifference]:
    """Each field whose value differs; of mappings inside it, each key by itself, judged by the field's rule."""
    for name in sorted(old.keys() | new.keys()):
        rule = rules.get(name, default)
        for path, change, before, after in _differences((name,), old.get(name), new.get(name)):
            yield FieldDifference(path, change, rule, *rule.judge(before, after))


def of_field(difference: FieldDifference, subject: str, old: Path, new: Path) -> Finding:
    """The finding of a field below these two paths."""
    return Finding(
        subject,
        difference.change,
        difference.verdict,
        difference.rule.affects,
        difference.message,
        None if difference.change == "added" else (*old, *difference.path),
        None if difference.change == "removed" else (*new, *difference.path),
    )


def _differences(path: Path, old: object, new: object) -> Iterator[tuple[Path, Change, object, object]]:
    if old == new:
        return
    if not (isinstance(old, dict) and isinstance(new, dict)) or is_reference(old) or is_reference(new):
        yield path, "changed", old, new
        return
    for key in sorted(old.keys() | new.keys()):
        if key in old and key in new:
            yield from _differences((*path, key), old[key], new[key])
        else:
            yield (*path, key), "removed" if key in old else "added", old.get(key), new.get(key)


def _moved(old: object, new: object, remark: str) -> str:
    return f"{worded(old)} -> {worded(new)}" + (f": {remark}" if remark else "")


def worded(value: object) -> str:
    """A value of a contract in a message, cut where it is long; of a secret its reference."""
    text = _text(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _text(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case {"secret_ref": reference}:
            return f"secret_ref {reference}"
        case dict():
            return ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) or "{}"
        case list() | tuple():
            return ", ".join(_text(item) for item in value) or "[]"
        case _:
            return str(value)
