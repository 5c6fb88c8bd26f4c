"""Checks one node contract on its own, without the host that it will run in."""

from omnibase_core.contracts.check_handlers import LOCAL_REFUSED
from omnibase_core.contracts.fields import FieldDeclarationError, ModelDeclaredModel, survey_models
from omnibase_core.contracts.findings import ContractFile, Findings, Origin, Refusal, Section
from omnibase_core.contracts.literals import looks_secret
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.contracts.prepare import refuse_literal
from omnibase_core.contracts.schema import accept_schema_version
from omnibase_core.contracts.shape import check
from omnibase_core.enums import EnumHandlerType


def check_node(file: ContractFile, findings: Findings, *, allow_local: bool = False) -> ModelNodeContract | None:
    """The node contract of a file; None, and problems, where there is none."""
    if not accept_schema_version(file, findings):
        return None
    section = Section(file.value, Origin(file, ()))
    for entry in section.child("io_operations").items():
        fields = entry.mapping()
        if fields.get("type") == EnumHandlerType.LOCAL and not allow_local:
            findings.add(entry.origin(("type",)), LOCAL_REFUSED)
        target = fields.get("target")
        if isinstance(target, str) and looks_secret(target):
            refuse_literal(entry.origin(("target",)), findings)
    _check_models(section, findings)
    try:
        return check(ModelNodeContract, section, findings)
    except FieldDeclarationError:
        return None


def _check_models(section: Section, findings: Findings) -> None:
    """Reports what is wrong between the declared models, whatever else is wrong with the file."""
    parts = [section.child("input_model"), section.child("output_model"), *section.child("models").items()]
    origins, models = [], []
    for part in parts:
        model = _model_of(part)
        if model is not None:
            origins.append(part)
            models.append(model)
    _, problems = survey_models(models)
    for problem in problems:
        index, *path = problem.path
        refusal = Refusal(problem.message, problem.hint, "Correct the declaration")
        findings.add(origins[int(index)].origin(tuple(path)), refusal)


def _model_of(section: Section) -> ModelDeclaredModel | None:
    """The declared model; where its shape is wrong, only its name, so that references to it are no mistake."""
    silent = Findings()
    model = check(ModelDeclaredModel, section, silent)
    name = section.mapping().get("name")
    if model is None and isinstance(name, str):
        return ModelDeclaredModel(name=name, fields=())
    return model
