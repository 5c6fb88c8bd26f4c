"""Checks one node contract on its own, without the host that it will run in."""

from collections.abc import Iterable, Sequence

from omnibase_core.contracts.check_handlers import LOCAL_REFUSED
from omnibase_core.contracts.fields import FieldDeclarationError, ModelDeclaredModel, survey_models
from omnibase_core.contracts.findings import ContractFile, Findings, Origin, Refusal, Section
from omnibase_core.contracts.literals import literal_secrets, looks_secret, url_credentials
from omnibase_core.contracts.mapped import Declared, survey_mappings
from omnibase_core.contracts.node import MappingDeclarationError, ModelNodeContract
from omnibase_core.contracts.prepare import refuse_literal
from omnibase_core.contracts.schema import accept_schema_version
from omnibase_core.contracts.shape import check
from omnibase_core.enums import EnumHandlerType
from omnibase_core.mapping.template import OPENING, TemplateFault


def check_node(file: ContractFile, findings: Findings, *, allow_local: bool = False) -> ModelNodeContract | None:
    """The node contract of a file; None, and problems, where there is none."""
    if not accept_schema_version(file, findings):
        return None
    section = Section(file.value, Origin(file, ()))
    for path in url_credentials(file.value):
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
    models = _check_models(section, findings)
    try:
        contract = check(ModelNodeContract, section, findings)
    except FieldDeclarationError:
        contract = None
    except MappingDeclarationError as error:
        _report(error.faults, section, findings)
        return None
    faults = survey_mappings(section.mapping(), models).faults if contract is None else contract.mappings.faults
    _report(faults, section, findings)
    return contract


def _check_literals(section: Section, mappings: Sequence[str], findings: Findings) -> None:
    """Refuses secrets that are written into mappings; an expression is none, nor is a name in SQL."""
    for name in mappings:
        for path in literal_secrets(section.child(name).value, (name,)):
            text = section.child(*path).value
            if isinstance(text, str) and OPENING not in text and path[-1] != "sql":
                refuse_literal(section.origin(path), findings)


def _report(faults: Iterable[TemplateFault], section: Section, findings: Findings) -> None:
    """Reports the faults of mappings where they were written."""
    for place, fault in faults:
        refusal = Refusal(fault.message, fault.hint, "Correct the mapping")
        is_warning = fault.severity == "warning"
        findings.add(section.origin(place), refusal, severity=fault.severity, within=fault.at, at_key=is_warning)


def _check_models(section: Section, findings: Findings) -> Declared:
    """Reports what is wrong between the declared models, whatever else is wrong with the file."""
    parts = [section.child("input_model"), section.child("output_model"), *section.child("models").items()]
    origins, models = [], []
    for part in parts:
        model = _model_of(part)
        if model is not None:
            origins.append(part)
            models.append(model)
    compiled, problems = survey_models(models)
    for problem in problems:
        index, *path = problem.path
        refusal = Refusal(problem.message, problem.hint, "Correct the declaration")
        findings.add(origins[int(index)].origin(tuple(path)), refusal)
    named = {
        model.name: compiled[model.name].record for model in models if model.fields and model.name in compiled
    }
    given, made = (section.child(part).mapping().get("name") for part in ("input_model", "output_model"))
    return Declared(named.get(str(given)), named.get(str(made)))


def _model_of(section: Section) -> ModelDeclaredModel | None:
    """The declared model; where its shape is wrong, only its name, so that references to it are no mistake."""
    silent = Findings()
    model = check(ModelDeclaredModel, section, silent)
    name = section.mapping().get("name")
    if model is None and isinstance(name, str):
        return ModelDeclaredModel(name=name, fields=())
    return model
