"""Checks one node contract on its own, without the host that it will run in, and makes its model."""

from omnibase_core.contracts.declarations import Declaration
from omnibase_core.contracts.examine import check_declarations, check_texts, models_of, report_faults
from omnibase_core.contracts.fields import FieldDeclarationError, ModelDeclaredModel
from omnibase_core.contracts.findings import ContractFile, Findings, Origin, Section
from omnibase_core.contracts.mapped import Declared
from omnibase_core.contracts.node import MappingDeclarationError, ModelNodeContract
from omnibase_core.contracts.schema import accept_schema_version
from omnibase_core.contracts.shape import check
from omnibase_core.contracts.survey import survey_mappings


def check_node(file: ContractFile, findings: Findings, *, allow_local: bool = False) -> ModelNodeContract | None:
    """The node contract of a file; None, and problems, where there is none."""
    if not accept_schema_version(file, findings):
        return None
    section = Section(file.value, Origin(file, ()))
    check_texts(section, findings, allow_local=allow_local)
    models = _check_models(section, findings)
    try:
        contract = check(ModelNodeContract, section, findings)
    except FieldDeclarationError:
        contract = None
    except MappingDeclarationError as error:
        report_faults(error.faults, section, findings)
        return None
    faults = survey_mappings(section.mapping(), models).faults if contract is None else contract.mappings.faults
    report_faults(faults, section, findings)
    return contract


def _check_models(section: Section, findings: Findings) -> Declared:
    """Reports what is wrong between the declared models, whatever else is wrong with the file."""
    parts = models_of(section)
    found = [(part, model) for part in parts if (model := _model_of(part)) is not None]
    declarations = [model for _, model in found]
    records = check_declarations([part for part, _ in found], declarations, findings)
    named = {each.name: records[each.name] for each in declarations if each.fields and each.name in records}
    given, made = (part.mapping().get("name") for part in parts[:2])
    return Declared(named.get(str(given)), named.get(str(made)))


def _model_of(section: Section) -> Declaration | None:
    """The declared model; where its shape is wrong, only its name, so that references to it are no mistake."""
    model = check(ModelDeclaredModel, section, Findings())
    name = section.mapping().get("name")
    if model is None:
        return Declaration(name, ()) if isinstance(name, str) else None
    return model.declaration
