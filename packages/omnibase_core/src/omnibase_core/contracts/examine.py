"""What is checked in the plain values of a node contract, whatever else is wrong with the file."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from omnibase_core import suggest
from omnibase_core.contracts.declarations import Declaration, survey
from omnibase_core.contracts.fieldtypes import RecordType
from omnibase_core.contracts.findings import Findings, Refusal, Section
from omnibase_core.contracts.literals import literal_secrets, looks_secret, url_credentials
from omnibase_core.contracts.operations import CONTRACT_HANDLER_TYPES
from omnibase_core.contracts.prepare import refuse_literal
from omnibase_core.enums import EnumHandlerType
from omnibase_core.mapping.faults import OPENING, TemplateFault

LOCAL_REFUSED: Final = Refusal(
    "Handler type 'local' is for development and tests only",
    "omninode-runtime-host-dev runs contracts with it; this host never does",
    f"Remove it, or replace it by one of: {suggest.listed(CONTRACT_HANDLER_TYPES)}",
)


def check_texts(section: Section, findings: Findings, *, allow_local: bool) -> None:
    """Reports secrets that are written into the contract, and handlers that are not for it."""
    for path in url_credentials(section.value):
        refuse_literal(section.origin(path), findings)
    for entry in section.child("io_operations").items():
        fields = entry.mapping()
        if fields.get("type") == EnumHandlerType.LOCAL and not allow_local:
            findings.add(entry.origin(("type",)), LOCAL_REFUSED)
        target = fields.get("target")
        if isinstance(target, str) and looks_secret(target):
            refuse_literal(entry.origin(("target",)), findings)
        _check_literals(entry, ("let", "request", "response"), findings)
    _check_literals(section, ("let", "transform"), findings)


def _check_literals(section: Section, mappings: Sequence[str], findings: Findings) -> None:
    """Refuses secrets that are written into mappings; an expression is none, nor is a name in SQL."""
    for name in mappings:
        for path in literal_secrets(section.child(name).value, (name,)):
            text = section.child(*path).value
            if isinstance(text, str) and OPENING not in text and path[-1] != "sql":
                refuse_literal(section.origin(path), findings)


def models_of(section: Section) -> list[Section]:
    """The declared models: input, output, further ones."""
    return [section.child("input_model"), section.child("output_model"), *section.child("models").items()]


def check_declarations(
    parts: Sequence[Section], declarations: Sequence[Declaration], findings: Findings
) -> Mapping[str, RecordType]:
    """Reports what is wrong between the models that stand in these parts; gives those that can be used."""
    records, problems = survey(declarations)
    for problem in problems:
        index, *path = problem.path
        refusal = Refusal(problem.message, problem.hint, "Correct the declaration")
        findings.add(parts[int(index)].origin(tuple(path)), refusal)
    return records


def report_faults(faults: Iterable[TemplateFault], section: Section, findings: Findings) -> None:
    """Reports the faults of mappings where they were written."""
    for place, fault in faults:
        refusal = Refusal(fault.message, fault.hint, "Correct the mapping")
        is_warning = fault.severity == "warning"
        findings.add(section.origin(place), refusal, severity=fault.severity, within=fault.at, at_key=is_warning)
