"""What `onex-host describe` does. Imported within the command only."""

import json
from collections.abc import Iterator, Mapping

from omnibase_core.contracts.expand import expand
from omnibase_core.contracts.findings import Findings, dotted, value_at
from omnibase_core.contracts.load import LoadedContract, load_contract
from omnibase_core.contracts.reading import Loading
from omnibase_core.contracts.schema import kind_of

from omnibase_infra.cli.diagram import diagram
from omnibase_infra.cli.tables import values_table, wiring_table
from omnibase_infra.cli.wired import wiring_of
from omnibase_infra.cli.wiring_models import ModelUnset
from omnibase_infra.config.effective import effective_values
from omnibase_infra.config.files import read_contract_file
from omnibase_infra.config.handlers import references_of
from omnibase_infra.wiring import resolver_of


def wiring(path: str, environment: Mapping[str, str], form: str) -> str:
    """The wiring as text. Raises ContractValidationError where the contract has errors."""
    loaded = load_to_look_at(path, environment)
    wired = wiring_of(loaded, tuple(unset_values(loaded, environment)))
    if form == "json":
        return json.dumps(wired.model_dump(mode="json"), ensure_ascii=False, indent=2)
    return diagram(wired) if form == "mermaid" else wiring_table(wired)


def values(path: str, environment: Mapping[str, str], form: str) -> str:
    """The effective values of the handlers as text. Raises as `wiring` does."""
    loaded = load_to_look_at(path, environment)
    runtime, resolver = loaded.require(), resolver_of(loaded, environment)
    wanted = dict.fromkeys(reference for handler in runtime.handlers for reference in references_of(handler))
    secrets = {reference: resolver.places(reference) for reference in wanted}
    handlers = effective_values(path, environment)
    if form == "json":
        document = {
            "file": path,
            "handlers": [handler.model_dump(mode="json") for handler in handlers],
            "secrets": [{"reference": reference, "places": places} for reference, places in secrets.items()],
        }
        return json.dumps(document, ensure_ascii=False, indent=2)
    return values_table(handlers, secrets)


def load_to_look_at(path: str, environment: Mapping[str, str]) -> LoadedContract:
    """The contract, unset variables standing as they were written."""
    return load_contract(path, read_contract_file, environment, tolerate_unset=True)


def unset_values(loaded: LoadedContract, environment: Mapping[str, str]) -> Iterator[ModelUnset]:
    """The values of the contract and its config_ref files that are not known."""
    loading = Loading(read_contract_file, environment, Findings(), tolerant=True)
    for path in loaded.files:
        file = loading.open(path, expands=True)
        if file is None or kind_of(file.document.value) == "node":
            continue
        for at in sorted(file.unchecked, key=file.document.position):
            text = str(value_at(file.document.value, at))
            names = expand(text, environment).unset
            yield ModelUnset(file=path, field=dotted(at), text=text, variables=names)
