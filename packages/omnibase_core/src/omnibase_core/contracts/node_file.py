"""Validates a node contract for those who want to know what is wrong with it, and not to run it.

What a model of the contract would say no to is told by `check_node`, which is loaded only where there is that.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from omnibase_core.contracts.declarations import Declaration, DeclaredField
from omnibase_core.contracts.examine import check_declarations, check_texts, models_of, report_faults
from omnibase_core.contracts.findings import ContractFile, Findings, Origin, Section
from omnibase_core.contracts.mapped import Declared
from omnibase_core.contracts.outline import is_sound
from omnibase_core.contracts.reading import ContractReader, Loading
from omnibase_core.contracts.schema import accept_schema_version
from omnibase_core.contracts.survey import survey_mappings

if TYPE_CHECKING:
    from omnibase_core.problems import ModelProblem


def validate_node_file(
    path: str, read: ContractReader, *, lenient: bool = False, allow_local: bool = False
) -> "tuple[ModelProblem, ...]":
    """Every problem of one node contract on its own, by line and column; never raises."""
    loading = Loading(read, None, Findings(lenient=lenient), allow_local)
    file = loading.open(path, expands=False)
    if file is not None:
        validate_node(file, loading.findings, allow_local=allow_local)
    return loading.findings.sorted()


def validate_node(file: ContractFile, findings: Findings, *, allow_local: bool = False) -> None:
    """Reports what `check_node` reports."""
    if not is_sound(file.value):
        from omnibase_core.contracts.check_node import check_node  # brings the models

        check_node(file, findings, allow_local=allow_local)
    elif accept_schema_version(file, findings):
        section = Section(file.value, Origin(file, ()))
        check_texts(section, findings, allow_local=allow_local)
        _check_sound(section, findings)


def _check_sound(section: Section, findings: Findings) -> None:
    parts = models_of(section)
    declarations = [_declaration(part.mapping()) for part in parts]
    records = check_declarations(parts, declarations, findings)
    given, made, *_ = declarations
    models = Declared(records.get(given.name), records.get(made.name))
    report_faults(survey_mappings(section.mapping(), models).faults, section, findings)


def _declaration(model: Mapping[str, object]) -> Declaration:
    """The declaration of a sound model."""
    fields = cast("list[Mapping[str, object]]", model["fields"])
    return Declaration(str(model["name"]), tuple(map(_field, fields)))


def _field(field: Mapping[str, object]) -> DeclaredField:
    return DeclaredField(
        str(field["name"]),
        str(field["type"]),
        field.get("required") is not False,
        field.get("default"),
        "default" in field,
    )
